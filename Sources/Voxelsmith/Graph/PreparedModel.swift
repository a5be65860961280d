import VoxKernelRuntime
import VoxTensors

/// What computes a layer without the layer: inputs of any batch and a number of threads, to results. May be called from any task, and
/// from several at once.
public typealias PreparedCall = @Sendable (_ xs: [Tensor], _ threads: Int) throws -> [Tensor]

/// A model with its weights packed for inputs of given shapes. Immutable: may be called from any task, and from several at once.
///
///     let prepared = try model.preparedModel(inputShape: [1, 16, 16, 16, 4])
///     let y = try await Task.detached { try prepared(x) }.value
public struct PreparedModel: Sendable {
    /// Of one batch each; the batch extents do not matter.
    public let inputShapes: [[Int]]
    /// What a call computes, step by step.
    public let plan: NetworkPlan
    private let program: NetworkProgram

    init(inputShapes: [[Int]], program: NetworkProgram) throws {
        (self.inputShapes, self.program) = (inputShapes, program)
        plan = try NetworkPlan(program, inputShapes: inputShapes)
    }

    /// Computes a model of one input and one output. Notes no losses.
    /// - Parameters:
    ///   - x: of the shape the model was prepared for, any batch.
    ///   - threads: most threads to use; the result is bitwise the same for any number.
    /// - Throws: `TensorError.shapeMismatch` for another shape, `LayerError` for a model of several inputs or outputs, and as a call of
    ///   the layers.
    public func callAsFunction(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        let ys = try self([x], threads: threads)
        if ys.count != 1 { throw LayerError.severalTensors(layer: "model", member: "output", count: ys.count) }
        return ys[0]
    }

    /// Computes a model of any number of inputs and outputs. Notes no losses.
    /// - Parameters:
    ///   - xs: of the shapes the model was prepared for, any batch.
    ///   - threads: most threads to use; the results are bitwise the same for any number.
    /// - Throws: as a call on one tensor.
    public func callAsFunction(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> [Tensor] {
        try check(xs)
        return try program.run(xs, threads: threads)
    }

    /// A call with the time of each step of the plan.
    /// - Parameters:
    ///   - xs: of the shapes the model was prepared for, any batch.
    ///   - threads: most threads to use; the results are bitwise the same for any number.
    /// - Returns: what a call returns, and seconds for each of `plan.steps`.
    /// - Throws: as a call.
    public func timed(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> (results: [Tensor], seconds: [Double]) {
        try check(xs)
        var seconds = plan.steps.map { _ in 0.0 }
        let results = try program.run(xs, threads: threads) { step, time in seconds[step] = time }
        return (results, seconds)
    }

    private func check(_ xs: [Tensor]) throws {
        if xs.count != inputShapes.count {
            throw LayerError.inputCount(layer: "model", received: xs.count, expected: inputShapes.count)
        }
        for (x, shape) in zip(xs, inputShapes) where x.shape.count != shape.count || x.shape.dropFirst() != shape.dropFirst() {
            throw TensorError.shapeMismatch(received: x.shape, expected: shape)
        }
    }
}

extension Layer {
    /// `preparedCall(inputShapes:)` with what a call does besides: inputs are cast as the layer casts them.
    func preparedStep(inputShapes: [[Int]]) throws -> PreparedCall {
        let call = try preparedCall(inputShapes: inputShapes)
        if !castsInputs { return call }
        let type = computeType
        return { xs, threads in try call(xs.map { try $0.cast(to: type) }, threads) }
    }
}
