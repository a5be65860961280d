import VoxKernelRuntime

extension Conv3D {
    /// The layer with its present weights, ready for inputs of one shape. Later changes of the weights do not reach it.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    /// - Throws: as `prepare(inputShape:)`; `ArgumentError.notOnlyAKernel` for a layer that does more than its kernel: with a
    ///   16-bit dtype, an activation of the user's own, or one along another axis than the last; and for a subclass that is not
    ///   `isPlainConvolution`.
    public func preparedLayer(inputShape: [Int]) throws -> PreparedLayer {
        if let reason = reasonAgainstPreparedLayer { throw ArgumentError.notOnlyAKernel(layer: name, reason: reason) }
        return try kernelLayer(inputShape: inputShape)
    }

    /// The convolution and its activation as a function that any task may call, whatever the `call` of a subclass makes of them.
    /// - Parameter inputShapes: that of the one input, with the batch extent, whose value does not matter.
    /// - Throws: as `prepare(inputShape:)`.
    public func convolutionCall(inputShapes: [[Int]]) throws -> PreparedCall {
        guard let shape = inputShapes.first, inputShapes.count == 1 else {
            throw LayerError.inputCount(layer: name, received: inputShapes.count, expected: 1)
        }
        let (layer, surroundings) = (try kernelLayer(inputShape: shape), kernelSurroundings)
        return { xs, threads in try xs.map { try surroundings.after(layer.call(surroundings.before($0), threads: threads)) } }
    }

    /// Whether a `PreparedLayer` computes all that the layer does.
    public var isOnlyItsKernel: Bool { reasonAgainstPreparedLayer == nil }

    private var reasonAgainstPreparedLayer: String? {
        if !isPlainConvolution { return "its class \(type(of: self)) may do more than a convolution" }
        if computeType != config.elementType { return "its dtype \(dtypePolicy.rawValue) is rounded around the kernel" }
        if let tensorActivation { return "its activation \(tensorActivation.className) follows the kernel" }
        return activation.needsWholeResult ? "its activation \(activation.name) follows the kernel" : nil
    }
}
