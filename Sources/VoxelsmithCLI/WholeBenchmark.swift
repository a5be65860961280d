import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning
import Voxelsmith
import VoxelsmithModelIO

/// What calls of a whole model take: `bench` of a file that is one.
struct WholeBenchmark {
    let file: ModelFile
    let model: ModelDescription
    /// The options beside the file.
    let source: LayersFile
    let policy: Policy
    let kernels: any KernelProvider
    let threads: Int
    let seconds: Double

    /// As `LayerBenchmark`: the medians are of at least so many calls.
    private static let minimumCalls = 20

    /// - Parameter peak: multiply-add peak of a thread in GFLOP/s, where it is known.
    /// - Returns: nil for a model that is not computed here, after saying why.
    /// - Throws: what calls throw; `CommandFailure.timedAnswerDiffers`; where the model has no convolution, which would be measured by itself, also why
    ///   it is not computed.
    func run(peak: Double?) throws -> WholeResult? {
        let whole: WholeModel
        do {
            whole = try WholeModel(file, model, source: source, policy: policy, kernels: kernels)
        } catch {
            if model.layers.isEmpty { throw error }
            Console.note("The model as a whole is not measured. \(error)")
            return nil
        }
        var random = SeededRandom(seed: 1)
        let xs = try whole.facts.inputShapes.map { shape in try Tensor(shape, .float32) { random.real() } }
        let timing = try StepTiming(
            whole.prepared, xs, name: whole.name, threads: threads, minimumCalls: Self.minimumCalls, seconds: seconds)
        let reference = try WholeModel(
            file, model, inputShapes: whole.facts.inputShapes, policy: policy, kernels: kernels, kernelMode: .interpreter, values: whole.values)
        let interpreted = try SingleTiming(reference.prepared, xs, threads: threads)
        let peak = peak.map { $0 * Double(threads) }
        let steps = StepResult.list(whole.facts.plan, seconds: timing.steps, peak: peak, interpreter: (reference.facts.plan, interpreted.steps))
        return WholeResult(
            whole, threads: threads, timing: timing.calls, steps: steps, peak: peak, interpreterSeconds: interpreted.call,
            difference: Self.difference(timing.results, expected: interpreted.results))
    }

    /// The largest difference from the interpreter's results over their largest element.
    private static func difference(_ received: [Tensor], expected: [Tensor]) -> Double {
        var (worst, largest) = (0.0, 0.0)
        for (received, expected) in zip(received, expected) {
            let values = expected.doubles
            worst = max(worst, Comparison(received.doubles, expected: values).absoluteError)
            largest = values.reduce(largest) { max($0, abs($1)) }
        }
        return worst == 0 ? 0 : worst / largest
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
    /// Of the memory between the steps, and of the packed weights.
    let poolBytes, packedBytes: Int
    let steps: [StepResult]

    /// - Parameter peak: multiply-add peak of all threads in GFLOP/s, where it is known.
    init(
        _ whole: WholeModel, threads: Int, timing: CallTiming, steps: [StepResult], peak: Double?, interpreterSeconds: Double, difference: Double
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
        shareOfPeak = convolutions > 0 ? peak.map { rate / $0 } : nil
        interpreterMs = interpreterSeconds * 1e3
        speedup = interpreterSeconds / timing.median
        worstDifferenceOverLargest = difference.isFinite ? difference : nil
        (poolBytes, packedBytes) = (whole.facts.plan.peakByteCount, whole.facts.plan.packedByteCount)
        self.steps = steps
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
        let memory = "memory between the steps \(poolBytes) bytes, packed weights \(packedBytes) bytes\n"
        return table.text + memory + "\n" + StepResult.table(steps)
    }
}
