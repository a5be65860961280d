import Testing
import VoxLayerSpec
import VoxScheduling
import VoxVerification
import _TestSupport

/// Kernels of batch rows with more samples than a register tile has rows, in both layouts, of either convolution.
@Suite struct BatchRowsKernelTests {
    @Test func batchesInSeveralPiecesComputeRightly() async throws {
        let target = try #require(runnableTargets.first)
        var specs = RandomSpecs(seed: 51)
        var schedules: [Schedule] = []
        while schedules.count < 32 {
            let (spec, decision) = specs.nextSingleVoxel(target, schedules.count < 16 ? .transposedConvolution : .convolution)
            let drawn = try plan(spec, target: target, decision: decision)
            guard let resolved = drawn.batchRows, (schedules.count % 2 == 0) == (spec.layout == .channelsLast) else { continue }
            // Half of them with one to three rows for the five samples; half with several panels of outputs.
            var parameters = resolved.parameters
            if schedules.count % 4 < 2 { parameters.rows = min(parameters.rows, 1 + schedules.count % 3) }
            if schedules.count % 8 < 4 && resolved.panels < 2 { continue }
            schedules.append(try plan(spec, target: target, decision: .batchRows(parameters)))
        }
        let kernels = try await TemporaryPlugins().kernels(schedules, target: target)
        #expect(kernels.count == schedules.count)
        for (schedule, kernel) in zip(schedules, kernels) {
            let report = try KernelVerifier(kernel, reference: OracleReference(), batch: 5).verify()
            #expect(report.failures.isEmpty && !report.checks.isEmpty, "\(schedule.spec.key) \(schedule.text): \(report.failures)")
        }
    }
}
