import VoxLayerSpec
import VoxScheduling
import VoxTuning

/// What is expected of a kernel's speed, what was measured, and what bounds it. Rates are in 10^9 useful operations a second, of one thread.
struct Speed {
    /// The part of a core's peak that the cost model expects; nil where the schedule is not known.
    let expectedShare: Double?
    let measurement: LayerMeasurement?
    let bandwidth: MemoryBandwidth?
    /// Useful operations of a sample for each byte of its input, its result and the packed weights: what memory must move at least.
    let intensity: Double

    /// - Parameter bytes: of input, result and packed weights.
    init(_ kernel: PluginContents.Kernel, bytes: Int, schedule: Schedule?, _ measurement: KernelMeasurement) {
        expectedShare = schedule?.expectedShareOfPeak
        if case .measured(let layer, let bandwidth) = measurement {
            (self.measurement, self.bandwidth) = (layer, bandwidth)
        } else {
            (self.measurement, self.bandwidth) = (nil, nil)
        }
        intensity = Double(kernel.flopPerSample) / Double(max(1, bytes))
    }

    var peak: Double? { measurement?.peakPerThread }
    var measuredShare: Double? { measurement?.shareOfPeak }
    var measuredRate: Double? { measurement?.gigaflopsPerSecond }
    /// The expected share of the measured peak.
    var expectedRate: Double? { peak.flatMap { peak in expectedShare.map { $0 * peak } } }

    var rows: [PageContext.Row] {
        typealias Row = PageContext.Row
        var rows = [Row(label: "share of peak, expected by the cost model", value: percent(expectedShare))]
        rows.append(Row(label: "arithmetic intensity", value: "\(decimal(intensity, 2)) operations a byte of input, result and packed weights"))
        guard let measurement else { return rows }
        rows += [
            Row(label: "share of peak, measured", value: percent(measuredShare)),
            Row(label: "multiply-add peak of a thread, measured", value: peak.map { "\(decimal($0, 1)) GFLOP/s" } ?? "-"),
            Row(label: "rate, measured", value: "\(decimal(measurement.gigaflopsPerSecond, 1)) GFLOP/s"),
            Row(
                label: "a call, one sample on one thread",
                value: "\(decimal(measurement.timing.median * 1e3, 3)) ms, the median of \(measurement.timing.count) calls"),
            Row(
                label: "the interpreter",
                value: "\(decimal(measurement.interpreterSeconds * 1e3, 1)) ms, \(decimal(measurement.speedUp, 1)) times as long"),
            Row(label: "largest error over its bound", value: decimal(measurement.worstErrorOverBound, 3)),
        ]
        if let bandwidth {
            rows.append(
                Row(
                    label: "memory bandwidth of a thread, measured",
                    value: "\(decimal(bandwidth.bytesPerSecond / 1e9, 1)) GB/s, copying \(bandwidth.blockBytes >> 20) MiB"))
        }
        return rows
    }
}
