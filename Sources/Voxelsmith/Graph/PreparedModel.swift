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
    private let call: PreparedCall

    init(inputShapes: [[Int]], plan: NetworkPlan, call: @escaping PreparedCall) {
        (self.inputShapes, self.plan, self.call) = (inputShapes, plan, call)
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
        return try call(xs, threads)
    }

    /// A call with the time of each step of the plan.
    /// - Parameters:
    ///   - xs: of the shapes the model was prepared for, any batch.
    ///   - threads: most threads to use; the results are bitwise the same for any number.
    /// - Returns: what a call returns, and seconds for each of `plan.steps`.
    /// - Throws: as a call.
    public func timed(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> (results: [Tensor], seconds: [Double]) {
        try check(xs)
        let clock = ContinuousClock()
        let start = clock.now
        let results = try call(xs, threads)
        let whole = (clock.now - start) / .seconds(1)
        return (results, plan.steps.indices.map { $0 == 0 ? whole : 0 })
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

/// The calls of a model's layers, with numbers for the tensors between them: first the inputs, then the results.
struct PreparedSteps: Sendable {
    private struct Step: Sendable {
        let call: PreparedCall
        let from: [Int]
        let results: Range<Int>
    }

    private let inputCount: Int
    private var steps: [Step] = []
    private var count: Int

    init(inputCount: Int) { (self.inputCount, count) = (inputCount, inputCount) }

    /// - Returns: the numbers of the results.
    mutating func add(_ call: @escaping PreparedCall, from: [Int], resultCount: Int) -> [Int] {
        let results = count..<count + resultCount
        steps.append(Step(call: call, from: from, results: results))
        count = results.upperBound
        return Array(results)
    }

    /// All steps as one.
    func call(outputs: [Int]) -> PreparedCall {
        // Each tensor is dropped after the last step that needs it.
        var lastUse = Array(repeating: -1, count: count)
        for (number, step) in steps.enumerated() { for slot in step.from { lastUse[slot] = number } }
        for slot in outputs { lastUse[slot] = steps.count }
        let (steps, lastUses, count) = (steps, lastUse, count)
        return { xs, threads in
            var values: [Tensor?] = xs + Array(repeating: nil, count: count - xs.count)
            for (number, step) in steps.enumerated() {
                let results = try step.call(step.from.compactMap { values[$0] }, threads)
                for slot in step.from where lastUses[slot] == number { values[slot] = nil }
                for (slot, result) in zip(step.results, results) where lastUses[slot] > number { values[slot] = result }
            }
            return outputs.compactMap { values[$0] }
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
