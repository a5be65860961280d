import VoxKernelRuntime
import VoxTensors

/// The whole of `run --json`.
struct RunReport: Encodable {
    struct Layer: Encodable {
        let name: String
        let kernel: String
        let specialized: Bool
        /// Why this kernel.
        let reason: String
        /// With `--report`.
        let measurement: LayerTimes?

        init(_ name: String, _ choice: KernelChoice, _ times: LayerTimes?) {
            self.name = name
            kernel = choice.kernel.name
            specialized = choice.isSpecialized
            reason = choice.reason
            measurement = times
        }
    }

    /// With `--truth`; in dB, infinite without a difference.
    struct SignalToNoise {
        let result: Double
        let interpolation: Double
    }

    /// With `--expect`.
    struct Expectation: Encodable {
        let file: String
        let values: Int
        let tolerance: Double
        let worstDifference: Double?
        let agrees: Bool

        init(_ values: ExpectedValues, file: String, tolerance: Double) {
            self.file = file
            self.values = values.count
            self.tolerance = tolerance
            // JSON has no infinity: a NaN beside a number differs by no number.
            worstDifference = values.comparison.absoluteError.isFinite ? values.comparison.absoluteError : nil
            agrees = values.agree(within: tolerance)
        }
    }

    let output: String
    let shape: [Int]
    let elementType: String
    let threads: Int
    let layers: [Layer]
    var psnr: SignalToNoise?
    var expected: Expectation?
}

extension RunReport.SignalToNoise: Encodable {
    private enum CodingKeys: String, CodingKey { case result, interpolation }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        // JSON has no infinity.
        for (value, key) in [(result, CodingKeys.result), (interpolation, .interpolation)] where value.isFinite {
            try container.encode(value, forKey: key)
        }
    }
}

/// What `run --report` measures of a layer, on its real input.
struct LayerTimes: Encodable {
    let medianMs: Double
    let gflops: Double
    let shareOfPeak: Double?
    let interpreterMs: Double
    let speedup: Double
}

/// What `--expect` compared.
struct ExpectedValues {
    let count: Int
    let comparison: Comparison

    func agree(within tolerance: Double) -> Bool { comparison.worstIndex == nil || comparison.absoluteError <= tolerance }
}
