import VoxKerasConfig
import VoxTensors

/// max(w, 0).
public struct NonNeg: Constraint {
    /// It has no arguments.
    public init() {}
    public var kerasModule: String? { Constraints.module }

    /// The projected weight.
    public func callAsFunction(_ w: Tensor) throws -> Tensor {
        let elements = w.doubles
        var index = 0
        return try Tensor(w.shape, w.elementType) {
            defer { index += 1 }
            return elements[index] < 0 ? 0 : elements[index]
        }
    }
}

/// Radial symmetry of 2-D kernels. Keras 2 has it for weights of four axes; the kernel of a 3-D convolution has five.
public struct RadialConstraint: Constraint {
    /// It has no arguments.
    public init() {}
    public var kerasModule: String? { Constraints.module }

    /// Gives every pixel of a square ring around the centre the same value, one of the kernel's diagonal, as Keras 2 does. With m = size /
    /// 2 rounded down, ring 0 (the centre) gets diagonal value m - 1 (0 for a size of 1). Ring r gets value m + r - 1 where the size is
    /// odd, and m + r where it is even.
    /// - Parameter w: (rows, columns, channels, filters); of the rows, as many as columns.
    /// - Throws: `ArgumentError.rank` for another number of axes, and unless the kernel is square.
    public func callAsFunction(_ w: Tensor) throws -> Tensor {
        guard w.shape.count == 4, w.shape[0] == w.shape[1] else {
            throw ArgumentError.rank(object: "RadialConstraint", received: w.shape, expected: "4 axes, the first two of one length")
        }
        if w.elementCount == 0 { return w }
        let (size, depth) = (w.shape[0], w.shape[2] * w.shape[3])
        let elements = w.doubles
        var index = 0
        return try Tensor(w.shape, w.elementType) {
            defer { index += 1 }
            let (row, column) = (index / depth / size, index / depth % size)
            let middle = size / 2
            func distance(_ position: Int) -> Int {
                if size % 2 == 1 { return abs(position - middle) }
                return position < middle ? middle - 1 - position : position - middle
            }
            let ring = max(distance(row), distance(column))
            let source = ring == 0 ? max(middle - 1, 0) : middle + ring - size % 2
            return elements[(source * size + source) * depth + index % depth]
        }
    }
}
