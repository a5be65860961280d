import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTuning

/// The benchmark's own check: it must accept right answers and refuse wrong ones.
@Suite struct LayerBenchmarkTests {
    /// From old memory to that of graphics cards.
    @Test func memoryBandwidthIsOneOfMemory() throws {
        guard let bandwidth = MemoryBandwidth.measure() else { try Test.cancel("there is not the memory for two blocks") }
        #expect((1e8...1e13).contains(bandwidth.bytesPerSecond), "\(bandwidth)")
        #expect((64 << 20...256 << 20).contains(bandwidth.blockBytes), "\(bandwidth)")
    }

    /// The interpreter with one result changed by a small factor.
    private struct WrongKernel: Kernel {
        let inner: InterpreterKernel
        let index: Int
        let factor: Float

        var spec: KernelSpec { inner.spec }
        var name: String { "wrong" }
        var schedule: String { inner.schedule }
        var packingKey: String { inner.packingKey }
        var packedByteCount: Int { inner.packedByteCount }
        var workspaceByteCount: Int { inner.workspaceByteCount }
        func workItemCount(batch: Int) -> Int { inner.workItemCount(batch: batch) }
        func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
            try inner.pack(weights: weights, into: packed)
        }
        func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
            try inner.run(arguments, items: items)
            // The last item's thread, after all the items when there is one thread.
            if items.upperBound == workItemCount(batch: arguments.batch) {
                arguments.output.assumingMemoryBound(to: Float.self)[index] *= factor
            }
        }
    }

    private func spec(_ activation: Activation) throws -> KernelSpec {
        let config = try LayerConfig(
            name: "layer", filters: 6, kernelSize: [3, 2, 4], strides: [2, 1, 2], padding: .same(outputPadding: nil),
            activation: activation)
        return try config.spec(inputShape: [1, 3, 5, 4, 7])
    }

    private func measure(_ kernel: any Kernel) throws -> LayerMeasurement {
        let choice = KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "under test")
        return try LayerBenchmark(kernel.spec, choice: choice, threads: 1, batch: 2, minimumCalls: 3, seconds: 0).run()
    }

    @Test func rightAnswersPass() throws {
        for activation in Activation.samples {
            let measurement = try measure(InterpreterKernel(spec(activation)))
            #expect(measurement.worstErrorOverBound <= 1, "\(activation)")
            #expect(measurement.timing.count >= 3 && measurement.timing.minimum <= measurement.timing.median, "\(activation)")
            #expect(measurement.timing.minimum > 0 && measurement.interpreterSeconds > 0, "\(activation)")
            #expect(measurement.flopCount == 2 * measurement.choice.kernel.spec.geometry.flopCount, "\(activation)")
        }
    }

    @Test func interpreterIsComparedWithItsDoubleLoops() throws {
        let spec = try spec(.tanh)
        let choice = KernelChoice.interpreter(spec, reason: "under test")
        let measurement = try LayerBenchmark(spec, choice: choice, threads: 2, minimumCalls: 3, seconds: 0).run()
        #expect(measurement.worstErrorOverBound > 0 && measurement.worstErrorOverBound <= 1)
        #expect(measurement.speedUp == 1)
    }

    @Test func wrongAnswersFail() throws {
        for (activation, factor) in [(Activation.linear, Float(1.001)), (.tanh, 1.001), (.softmax, 1.001), (.sigmoid, .nan)] {
            let spec = try spec(activation)
            for index in [0, spec.outputShape(batch: 2).reduce(1, *) - 1] {
                let wrong = WrongKernel(inner: InterpreterKernel(spec), index: index, factor: factor)
                #expect("\(activation) \(index)") { try measure(wrong) } throws: { error in
                    guard case BenchmarkError.wrongAnswer("wrong", index, _, _, _) = error else { return false }
                    return true
                }
            }
        }
    }
}
