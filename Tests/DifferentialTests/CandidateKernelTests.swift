import Testing
import VoxLayerSpec
import VoxScheduling
import VoxVerification

/// Kernels of the schedules that a search measures.
@Suite struct CandidateKernelTests {
    /// - Parameter op: a convolution leads from the output of the layer to its input.
    private func spec(
        _ input: [Int], kernel: Int, stride: Int, channels: Int, filters: Int, op: KernelOp = .transposedConvolution
    ) throws -> KernelSpec {
        let config = try LayerConfig(
            name: "layer", filters: filters, kernelSize: [kernel, kernel, kernel], strides: [stride, stride, stride],
            padding: .same(outputPadding: nil), activation: .relu)
        let layer = try config.spec(inputShape: [1] + input + [channels])
        return KernelSpec(op: op, geometry: layer.geometry, layout: layer.layout, elements: layer.elements, epilogue: layer.epilogue, policy: layer.policy)
    }

    /// All candidates of five layers compile and pass every check.
    @Test func candidatesComputeRightly() async throws {
        let target = try #require(runnableTargets.first)
        let plugins = try TemporaryPlugins()
        for (number, spec) in [
            try spec([4, 5, 6], kernel: 3, stride: 2, channels: 20, filters: 33), try spec([3, 5, 9], kernel: 4, stride: 2, channels: 33, filters: 5),
            try spec([4, 5, 6], kernel: 3, stride: 1, channels: 8, filters: 16),
            try spec([4, 5, 6], kernel: 3, stride: 2, channels: 33, filters: 20, op: .convolution),
            try spec([4, 5, 6], kernel: 3, stride: 1, channels: 16, filters: 8, op: .convolution),
        ].enumerated() {
            let space = try ScheduleSpace(spec, target: target)
            let schedules = space.candidates + space.neighbours(of: space.candidates[0], limit: 6).filter { !space.candidates.contains($0) }
            for (schedule, kernel) in zip(schedules, try await plugins.kernels(schedules, target: target)) {
                let report = try KernelVerifier(kernel, reference: OracleReference(), batch: 2, seed: UInt64(number + 1)).verify()
                #expect(report.failures.isEmpty && !report.checks.isEmpty, "\(schedule.spec.key) \(schedule.text): \(report.failures)")
            }
        }
    }
}
