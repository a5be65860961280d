import VoxTensors
import Voxelsmith

/// The whole of `run --json`.
struct RunReport: Encodable {
    struct Output: Encodable {
        let name: String
        let file: String
        let shape: [Int]
        let elementType: String
        let expected: Expectation?

        init(name: String, file: String, _ result: Tensor, expected: Expectation?) {
            (self.name, self.file, self.expected) = (name, file, expected)
            (shape, elementType) = (result.shape, result.elementType.rawValue)
        }
    }

    /// A convolution.
    struct Layer: Encodable {
        let name: String
        let kernel: String
        let specialized: Bool
        /// Why this kernel.
        let reason: String
        /// With `--report`.
        let measurement: LayerTimes?
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

        init(_ values: ExpectedValues, tolerance: Double) {
            file = values.path
            self.values = values.count
            self.tolerance = tolerance
            // JSON has no infinity: a NaN beside a number differs by no number.
            worstDifference = values.comparison.absoluteError.isFinite ? values.comparison.absoluteError : nil
            agrees = values.agree(within: tolerance)
        }
    }

    /// Of the only result; absent where there are several.
    let output: String?
    let shape: [Int]?
    let elementType: String?
    let expected: Expectation?
    let outputs: [Output]
    let threads: Int
    let layers: [Layer]
    /// With `--report`.
    let steps: [StepResult]?
    let psnr: SignalToNoise?

    init(outputs: [Output], threads: Int, plan: NetworkPlan, steps: [StepResult]?, psnr: SignalToNoise?) {
        let only = outputs.count == 1 ? outputs.first : nil
        (output, shape, elementType, expected) = (only?.file, only?.shape, only?.elementType, only?.expected)
        (self.outputs, self.threads, self.steps, self.psnr) = (outputs, threads, steps, psnr)
        layers = plan.steps.enumerated().flatMap { index, step in
            step.choices.map { choice in
                // Of several convolutions in one step there are no times of each.
                Layer(
                    name: step.name, kernel: choice.kernel.name, specialized: choice.isSpecialized, reason: choice.reason,
                    measurement: step.choices.count == 1 ? steps.map { LayerTimes($0[index]) } : nil)
            }
        }
    }
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

/// What `run --report` measures of a convolution, on its real input. What is not known is absent.
struct LayerTimes: Encodable {
    let medianMs: Double
    let gflops, shareOfPeak: Double?
    let interpreterMs, speedup: Double?

    init(_ step: StepResult) {
        medianMs = step.medianMs
        (gflops, shareOfPeak) = (step.gflops, step.shareOfPeak)
        (interpreterMs, speedup) = (step.interpreterMs, step.speedup)
    }
}
