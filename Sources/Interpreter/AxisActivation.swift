import Glibc
import VoxLayerSpec
import VoxTensors

extension ActivationArithmetic {
    /// Applies a function along one axis of a tensor of float32 or float64, with the arithmetic of the calling thread.
    /// - Parameters:
    ///   - function: what is applied.
    ///   - axis: counted from the end where negative.
    ///   - x: the tensor.
    /// - Returns: a tensor of the same shape; for `glu`, the axis is half as long.
    /// - Throws: `SpecError` for an axis the tensor does not have or `glu` cannot halve; `TensorError` without memory.
    package static func line(_ function: Activation.AxisFunction, axis: Int, of x: Tensor) throws -> Tensor {
        let index = try Activation.index(ofAxis: axis, rank: x.shape.count)
        let shape = try Activation.alongAxis(function, axis: axis).shape(of: x.shape).map { $0 ?? 0 }
        var y = try Tensor(uninitialized: shape, x.elementType)
        if y.elementCount == 0 { return y }
        try x.withUnsafeBytes { (input: UnsafeRawBufferPointer) throws in
            try y.withUnsafeMutableBytes { output in
                let lines = Lines(
                    outer: Checked.clampedCount(shape[..<index]), extent: x.shape[index], inner: Checked.clampedCount(shape[(index + 1)...]))
                switch x.elementType.arithmetic {
                case .float64: lines.apply(function, input.bindMemory(to: Double.self), output.bindMemory(to: Double.self))
                default: lines.apply(function, input.bindMemory(to: Float.self), output.bindMemory(to: Float.self))
                }
            }
        }
        return y
    }

    /// The lines of a tensor along one axis: `outer` times `inner` of `extent` elements, `inner` apart.
    private struct Lines {
        let outer: Int
        let extent: Int
        let inner: Int

        func apply<T: InterpretedElement>(
            _ function: Activation.AxisFunction, _ x: UnsafeBufferPointer<T>, _ y: UnsafeMutableBufferPointer<T>
        ) {
            for o in 0..<outer {
                for i in 0..<inner {
                    func element(_ index: Int) -> Double { x[(o * extent + index) * inner + i].asDouble }
                    let activation: Activation
                    switch function {
                    case .softmax: activation = .softmax
                    case .logSoftmax: activation = .logSoftmax
                    case .sparsemax: activation = .sparsemax
                    case .glu:
                        let half = extent / 2
                        for index in 0..<half {
                            let gate = Activation.sigmoid.value(at: element(half + index))
                            y[(o * half + index) * inner + i] = .from(element(index) * gate)
                        }
                        continue
                    }
                    let map = RowMap(activation, count: extent, element: element)
                    for index in 0..<extent { y[(o * extent + index) * inner + i] = .from(map(element(index))) }
                }
            }
        }
    }
}
