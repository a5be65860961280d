import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning
import Voxelsmith

/// Times of the calls of a prepared model, and of the steps in them.
struct StepTiming {
    /// Of whole calls.
    let calls: CallTiming
    /// Seconds of each step of the plan: medians over the calls after the first.
    let steps: [Double]
    /// What the last call gave; every call gives the same bits.
    let results: [Tensor]

    /// Calls take long; this many seconds are enough for any median, and for the interpreter.
    private static let maximumSeconds = 10.0

    /// - Parameters:
    ///   - name: what errors call the model.
    ///   - minimumCalls: how many calls the medians are of at least.
    ///   - seconds: how long they take at least.
    /// - Throws: what calls throw; `CommandFailure.timedAnswerDiffers`.
    init(_ model: PreparedModel, _ xs: [Tensor], name: String, threads: Int, minimumCalls: Int, seconds: Double) throws {
        var (first, last): ([Tensor], [Tensor]) = ([], [])
        var times: [[Double]] = []
        calls = try CallTiming.measure(minimumCalls: minimumCalls, seconds: seconds, maximumSeconds: Self.maximumSeconds) {
            last = []  // so that its memory can serve again
            let timed = try model.timed(xs, threads: threads)
            last = timed.results
            times.append(timed.seconds)
            if first.isEmpty { first = last }
        }
        for (received, expected) in zip(last, first) {
            let comparison = Comparison(received.doubles, expected: expected.doubles)
            if comparison.worstIndex != nil { throw CommandFailure.timedAnswerDiffers(layer: name, comparison) }
        }
        results = last
        steps = model.plan.steps.indices.map { step in CallTiming.median(times.dropFirst().map { $0[step] }) }
    }
}

/// One call of a prepared model that others are compared with, such as the interpreter's.
struct SingleTiming {
    let results: [Tensor]
    /// Seconds of the call.
    let call: Double
    /// Seconds of each step of the plan.
    let steps: [Double]

    /// A first call waits for memory, most of its time where it is short. One that takes as many seconds is not worth another.
    private static let longCall = 1.0

    /// - Throws: what calls throw.
    init(_ model: PreparedModel, _ xs: [Tensor], threads: Int) throws {
        var timed: (results: [Tensor], seconds: [Double]) = ([], [])
        var seconds = try CallTiming.time { timed = try model.timed(xs, threads: threads) }
        if seconds < Self.longCall { seconds = try CallTiming.time { timed = try model.timed(xs, threads: threads) } }
        (results, call, steps) = (timed.results, seconds, timed.seconds)
    }
}

/// One step of a model's plan, as `bench --json` and `run --json` have it. What is not known is absent.
struct StepResult: Encodable {
    let name: String
    let kernel: String
    /// Of a convolution, as are the operations.
    let specialized: Bool?
    let outputShapes: [[Int]]
    let bytes: Int
    let medianMs: Double
    let shareOfTime: Double
    let gflop, gflops, shareOfPeak: Double?
    let interpreterMs, speedup: Double?

    /// - Parameters:
    ///   - share: the step's part of the time of all.
    ///   - peak: multiply-add peak of all threads in GFLOP/s, where it is known.
    ///   - interpreter: seconds of the same step on the interpreter, where they are known.
    private init(_ step: NetworkPlan.Step, seconds: Double, share: Double, peak: Double?, interpreter: Double?) {
        (name, kernel, specialized) = (step.name, step.computedBy, step.isSpecialized)
        (outputShapes, bytes) = (step.outputShapes, step.byteCount)
        (medianMs, shareOfTime) = (seconds * 1e3, share)
        let work = step.choices.isEmpty ? nil : Double(step.flopCount) / 1e9
        let rate = work.flatMap { seconds > 0 ? $0 / seconds : nil }
        (gflop, gflops) = (work, rate)
        shareOfPeak = peak.flatMap { peak in peak > 0 ? rate.map { $0 / peak } : nil }
        interpreterMs = interpreter.map { $0 * 1e3 }
        speedup = interpreter.flatMap { seconds > 0 ? $0 / seconds : nil }
    }

    /// All steps of a plan.
    /// - Parameters:
    ///   - seconds: of each step.
    ///   - peak: multiply-add peak of all threads in GFLOP/s, where it is known.
    ///   - interpreter: the plan of the same model on the interpreter, and seconds of its steps. Where it has other steps they are left out.
    static func list(
        _ plan: NetworkPlan, seconds: [Double], peak: Double?, interpreter: (plan: NetworkPlan, seconds: [Double])?
    ) -> [StepResult] {
        let whole = seconds.reduce(0, +)
        let isComparable = interpreter.map { $0.plan.steps.map(\.name) == plan.steps.map(\.name) } ?? false
        return zip(plan.steps, seconds).enumerated().map { index, pair in
            StepResult(
                pair.0, seconds: pair.1, share: whole > 0 ? pair.1 / whole : 0, peak: peak, interpreter: isComparable ? interpreter?.seconds[index] : nil)
        }
    }

    /// For readers.
    static func table(_ steps: [StepResult]) -> String {
        var table = TextTable(["step", "ms", "of time", "GFLOP/s", "of peak", "interpreter", "speed-up", "computed by"])
        for step in steps {
            table.add([
                step.name, decimal(step.medianMs, 3), percent(step.shareOfTime), step.gflops.map { decimal($0, 1) } ?? "-", percent(step.shareOfPeak),
                step.interpreterMs.map { decimal($0, 1) } ?? "-", step.speedup.map { decimal($0, 1) + " x" } ?? "-", step.kernel,
            ])
        }
        return table.text
    }
}

extension NetworkPlan.Step {
    /// The kernels of its convolutions, or what else computes it.
    var computedBy: String { choices.isEmpty ? kernel : choices.map(\.kernel.name).joined(separator: ", ") }
}
