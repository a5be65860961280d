import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning
import VoxelsmithModelIO

/// What calls of a whole model take: `bench` of a file that is one.
struct WholeBenchmark {
    let file: ModelFile
    let model: ModelDescription
    let policy: Policy
    let kernels: any KernelProvider
    let threads: Int
    let seconds: Double

    /// As `LayerBenchmark`: the median is of at least so many calls.
    private static let minimumCalls = 20
    /// Calls of a model take long; this many seconds are enough for any median, and for the interpreter.
    private static let maximumSeconds = 10.0

    /// - Parameter peak: multiply-add peak of a thread in GFLOP/s, where it is known.
    /// - Returns: nil for a model that is not computed here, after saying why.
    /// - Throws: what calls throw; `CommandFailure.timedAnswerDiffers`.
    func run(peak: Double?) throws -> WholeResult? {
        let whole: WholeModel
        do {
            whole = try WholeModel(file, model, policy: policy, kernels: kernels)
        } catch {
            Console.note("The model as a whole is not measured. \(error)")
            return nil
        }
        var random = SeededRandom(seed: 1)
        let xs = try whole.facts.inputShapes.map { shape in try Tensor(shape, .float32) { random.real() } }
        var (first, last): ([Tensor], [Tensor]) = ([], [])
        let timing = try CallTiming.measure(minimumCalls: Self.minimumCalls, seconds: seconds, maximumSeconds: Self.maximumSeconds) {
            last = []  // so that its memory can serve again
            last = try whole(xs, threads: threads)
            if first.isEmpty { first = last }
        }
        for (received, expected) in zip(last, first) {
            let comparison = Comparison(received.doubles, expected: expected.doubles)
            if comparison.worstIndex != nil { throw CommandFailure.timedAnswerDiffers(layer: whole.name, comparison) }
        }
        let (interpreterSeconds, difference) = try interpreted(xs, received: last, weights: whole.values)
        return WholeResult(
            whole, threads: threads, timing: timing, peak: peak, interpreterSeconds: interpreterSeconds, difference: difference)
    }

    /// Seconds of one call of the interpreter, and the largest difference from its results over their largest element.
    private func interpreted(_ xs: [Tensor], received: [Tensor], weights: [Tensor]) throws -> (seconds: Double, difference: Double) {
        let reference = try WholeModel(file, model, policy: policy, kernels: kernels, kernelMode: .interpreter, values: weights)
        var results: [Tensor] = []
        let seconds = try CallTiming.time { results = try reference(xs, threads: threads) }
        var (worst, largest) = (0.0, 0.0)
        for (received, expected) in zip(received, results) {
            let values = expected.doubles
            worst = max(worst, Comparison(received.doubles, expected: values).absoluteError)
            largest = values.reduce(largest) { max($0, abs($1)) }
        }
        return (seconds, worst == 0 ? 0 : worst / largest)
    }
}

/// `whole` of `bench --json`.
struct WholeResult: Encodable {
    let name: String
    let inputShapes, outputShapes: [[Int]]
    let threads: Int
    let calls: Int
    let medianMs, minMs, firstMs: Double
    /// Calls of convolutions, and how many of them a specialised kernel computes.
    let convolutions, specialized: Int
    let gflop, gflops: Double
    let shareOfPeak: Double?
    let interpreterMs: Double
    let speedup: Double
    /// Absent where it is infinite, which JSON cannot say: a NaN beside a number.
    let worstDifferenceOverLargest: Double?

    init(
        _ whole: WholeModel, threads: Int, timing: CallTiming, peak: Double?, interpreterSeconds: Double, difference: Double
    ) {
        name = whole.name
        (inputShapes, outputShapes) = (whole.facts.inputShapes, whole.facts.outputShapes)
        self.threads = threads
        calls = timing.count
        (medianMs, minMs, firstMs) = (timing.median * 1e3, timing.minimum * 1e3, timing.first * 1e3)
        (convolutions, specialized) = (whole.facts.choices.count, whole.facts.specializedCount)
        gflop = Double(whole.facts.flopCount) / 1e9
        gflops = gflop / timing.median
        let rate = gflops
        shareOfPeak = peak.map { rate / ($0 * Double(threads)) }
        interpreterMs = interpreterSeconds * 1e3
        speedup = interpreterSeconds / timing.median
        worstDifferenceOverLargest = difference.isFinite ? difference : nil
    }

    /// For readers.
    var table: String {
        var table = TextTable([
            "model", "convolutions", "specialised", "ms", "min", "first", "GFLOP/s", "of peak", "interpreter", "speed-up", "difference",
        ])
        table.add([
            name, "\(convolutions)", "\(specialized)", decimal(medianMs, 3), decimal(minMs, 3), decimal(firstMs, 3), decimal(gflops, 1),
            percent(shareOfPeak), decimal(interpreterMs, 1), decimal(speedup, 1) + " x",
            worstDifferenceOverLargest.map { "\(Float($0))" } ?? "not finite",
        ])
        return table.text
    }
}
