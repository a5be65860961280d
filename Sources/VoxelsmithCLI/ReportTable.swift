import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning
import Voxelsmith

/// What `run --report` prints of each layer, measured on the layer's real input.
struct ReportTable {
    private var table = TextTable(["layer", "ms", "GFLOP/s", "of peak", "interpreter ms", "speed-up", "kernel"])
    private var choices = ""

    /// - Parameter result: what the layer gave for `x`.
    /// - Returns: what the row says.
    /// - Throws: `CommandFailure.timedAnswerDiffers`, `TensorError`, `KernelError`.
    mutating func measure(_ owner: Conv3D, _ layer: PreparedLayer, _ x: Tensor, _ result: Tensor, threads: Int) throws -> LayerTimes {
        var y = try Tensor(zeros: result.shape, result.elementType)
        let before = HostCPU.measuredNativePeak()
        let timing = try CallTiming.measure(layer, x, into: &y, threads: threads, minimumCalls: 5, seconds: 0.2)
        let peak = max(before, HostCPU.measuredNativePeak())
        // What is timed is what is written out, which --expect compares: kernels give the same bits every time.
        let comparison = Comparison(y.doubles, expected: result.doubles)
        if comparison.worstIndex != nil { throw CommandFailure.timedAnswerDiffers(layer: owner.name, comparison) }
        var interpreterSeconds = timing.median
        if layer.choice.isSpecialized {
            let weights = owner.getWeights()
            let interpreter = try PreparedLayer(
                spec: layer.spec, choice: .interpreter(layer.spec, reason: "compared with"), weights: weights[0],
                bias: weights.count > 1 ? weights[1] : nil)
            interpreterSeconds = try CallTiming.time { try interpreter.call(x, into: &y, threads: threads) }
        }
        let rate = Double(layer.spec.geometry.flopCount * (x.shape.first ?? 1)) / timing.median / 1e9
        let share = peak > 0 ? rate / (peak * Double(threads)) : nil
        let times = LayerTimes(
            medianMs: timing.median * 1e3, gflops: rate, shareOfPeak: share, interpreterMs: interpreterSeconds * 1e3,
            speedup: interpreterSeconds / timing.median)
        table.add([
            owner.name, decimal(times.medianMs, 3), decimal(rate, 1), percent(share), decimal(times.interpreterMs, 1),
            decimal(times.speedup, 1) + " x", layer.choice.kernel.name,
        ])
        choices += ("\(owner.name): \(layer.choice.reason)" as Sentence).text + "\n"
        return times
    }

    var text: String { table.text + choices }
}
