import Synchronization
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// The steps of a network with their weights. Immutable but for the plans of memory that it has made: may be called from any task, and from
/// several at once.
final class NetworkProgram: Sendable {
    let steps: [PlannedStep]
    let inputCount: Int
    /// Inputs come first.
    let tensorCount: Int
    /// The tensors that are returned.
    let outputs: [Int]
    /// The latest last.
    private let plans = Mutex<[(shapes: [[Int]], plan: MemoryPlan)]>([])
    /// Plans that are kept: callers use few batch extents by turns.
    private static let mostPlans = 4

    init(steps: [PlannedStep], inputCount: Int, tensorCount: Int, outputs: [Int]) {
        (self.steps, self.inputCount, self.tensorCount, self.outputs) = (steps, inputCount, tensorCount, outputs)
    }

    /// The plan of memory for inputs of these shapes, made once.
    func memoryPlan(_ shapes: [[Int]]) throws -> MemoryPlan {
        let known: MemoryPlan? = plans.withLock { plans in
            guard let place = plans.firstIndex(where: { $0.shapes == shapes }) else { return nil }
            if place != plans.count - 1 { plans.append(plans.remove(at: place)) }
            return plans[plans.count - 1].plan
        }
        if let known { return known }
        let plan = try DefaultArithmetic.run { try MemoryPlan(self, inputShapes: shapes) }
        plans.withLock { plans in
            if plans.contains(where: { $0.shapes == shapes }) { return }
            if plans.count == Self.mostPlans { plans.removeFirst() }
            plans.append((shapes, plan))
        }
        return plan
    }

    /// - Parameter note: is told of the time that a step took, in seconds.
    func run(_ xs: [Tensor], threads: Int, note: ((_ step: Int, _ seconds: Double) -> Void)? = nil) throws -> [Tensor] {
        // An empty batch has nothing to place in memory.
        if xs.contains(where: { $0.elementCount == 0 }) { return try runOnTensors(xs, threads: threads, note: note) }
        let plan = try memoryPlan(xs.map(\.shape))
        if plan.hasEmptyTensors { return try runOnTensors(xs, threads: threads, note: note) }
        do {
            var run = try PlanRun(plan, self, xs)
            // Kernels and loops have the addresses of its memory alone.
            defer { withExtendedLifetime(run) {} }
            return try run.run(threads: threads, note: note)
        } catch is PlanRun.UnforeseenResult {
            return try runOnTensors(xs, threads: threads, note: note)
        }
    }

    /// The steps on tensors of any shapes, each dropped after the last step that needs it.
    private func runOnTensors(_ xs: [Tensor], threads: Int, note: ((Int, Double) -> Void)?) throws -> [Tensor] {
        var lastUses = Array(repeating: -1, count: tensorCount)
        for (number, step) in steps.enumerated() { for tensor in step.inputs { lastUses[tensor] = number } }
        for tensor in outputs { lastUses[tensor] = steps.count }
        var values: [Tensor?] = xs + Array(repeating: nil, count: tensorCount - xs.count)
        for (number, step) in steps.enumerated() {
            let results = try Self.timed(number, note) { try step.call(step.inputs.compactMap { values[$0] }, threads) }
            for tensor in step.inputs where lastUses[tensor] == number { values[tensor] = nil }
            for (tensor, result) in zip(step.results, results) where lastUses[tensor] > number { values[tensor] = result }
        }
        return outputs.compactMap { values[$0] }
    }

    static func timed<Result>(_ step: Int, _ note: ((Int, Double) -> Void)?, _ body: () throws -> Result) rethrows -> Result {
        guard let note else { return try body() }
        let start = ContinuousClock.now
        defer { note(step, (ContinuousClock.now - start) / .seconds(1)) }
        return try body()
    }
}
