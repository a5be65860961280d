import Glibc
import VoxLayerSpec
import VoxTensorIO
import VoxTensors

/// One volume of grey values, row-major (depth, height, width).
struct Volume {
    let shape: [Int]
    var values: [Float]

    /// - Throws: `CommandFailure.notAVolume` unless the tensor is (depth, height, width), alone or with batch 1 and 1 channel in
    ///   either layout.
    init(_ tensor: Tensor) throws {
        var shape = tensor.shape
        if shape.count == 5, shape[0] == 1 {
            if shape[4] == 1 { shape = Array(shape[1...3]) } else if shape[1] == 1 { shape = Array(shape[2...4]) }
        } else if shape.count == 4 {
            if shape[3] == 1 { shape.removeLast() } else if shape[0] == 1 { shape.removeFirst() }
        }
        guard shape.count == 3, tensor.elementCount > 0 else { throw CommandFailure.notAVolume(tensor.shape) }
        self.shape = shape
        values = tensor.floats
    }

    /// A truth: unsigned bytes count as 0...255 -> 0...1.
    init(truth path: String) throws {
        let file = try NPYInput(path)
        try self.init(file.tensor())
        if file.holdsUnsignedBytes { values = values.map { $0 / 255 } }
    }

    private init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }

    /// Trilinear interpolation on a grid of another size: voxels have their centres at half-integers, and beyond the outermost
    /// centres the edge value holds.
    func trilinear(to size: [Int]) -> Volume {
        struct Weight {
            let lower, upper: Int
            let fraction: Float
        }
        let weights = zip(size, shape).map { outputs, inputs in
            (0..<outputs).map { o in
                let place = (Double(o) + 0.5) * Double(inputs) / Double(outputs) - 0.5
                let lower = place.rounded(.down)
                let last = inputs - 1
                return Weight(
                    lower: max(0, min(last, Int(lower))), upper: max(0, min(last, Int(lower) + 1)), fraction: Float(place - lower))
            }
        }
        let (rows, columns) = (shape[1], shape[2])
        var result: [Float] = []
        result.reserveCapacity(Checked.clampedCount(size))
        values.withUnsafeBufferPointer { v in
            for d in weights[0] {
                for h in weights[1] {
                    let (a, b) = ((d.lower * rows + h.lower) * columns, (d.lower * rows + h.upper) * columns)
                    let (e, f) = ((d.upper * rows + h.lower) * columns, (d.upper * rows + h.upper) * columns)
                    for w in weights[2] {
                        func along(_ row: Int) -> Float { v[row + w.lower] * (1 - w.fraction) + v[row + w.upper] * w.fraction }
                        let near = along(a) * (1 - h.fraction) + along(b) * h.fraction
                        let far = along(e) * (1 - h.fraction) + along(f) * h.fraction
                        result.append(near * (1 - d.fraction) + far * d.fraction)
                    }
                }
            }
        }
        return Volume(shape: size, values: result)
    }

    /// Peak signal-to-noise ratio in dB over the second half of the depth axis, for a peak of 1.
    /// - Precondition: equal shapes.
    func heldOutPSNR(truth: Volume) -> Double {
        let start = shape[0] / 2 * shape[1] * shape[2]
        var sum = 0.0
        for index in start..<values.count {
            let difference = Double(values[index]) - Double(truth.values[index])
            sum += difference * difference
        }
        return -10 * log10(sum / Double(values.count - start))
    }

    /// One depth slice as grey values, 0...1 -> 0...255, rows from the top, each voxel `zoom` times as tall and wide; turned a
    /// quarter to the left, so that a body whose width axis points up stands upright.
    func slice(depth: Int, zoom: Int = 1) -> Picture {
        let (height, width) = (shape[1], shape[2])
        var picture = Picture(width: height * zoom, height: width * zoom)
        for row in 0..<picture.height {
            for column in 0..<picture.width {
                let value = values[(depth * height + column / zoom) * width + width - 1 - row / zoom]
                picture.pixels[row * picture.width + column] = UInt8(max(0, min(255, (value * 255).rounded())))
            }
        }
        return picture
    }
}

/// A grey picture.
struct Picture {
    let width: Int
    let height: Int
    var pixels: [UInt8]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        pixels = [UInt8](repeating: 0, count: width * height)
    }

    /// Pictures of one height side by side, white between them.
    init(sideBySide pictures: [Picture], gap: Int) {
        let rows = pictures.first?.height ?? 0
        self.init(width: pictures.reduce(0) { $0 + $1.width } + gap * (pictures.count - 1), height: rows)
        pixels = []
        for row in 0..<rows {
            for (index, picture) in pictures.enumerated() {
                if index > 0 { pixels += [UInt8](repeating: 255, count: gap) }
                pixels += picture.pixels[row * picture.width..<(row + 1) * picture.width]
            }
        }
    }
}
