import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// Kernels of several stages, and kernels that read more than input, packed weights and bias.
@Suite struct StagedKernelTests {
    /// A pointwise kernel of two stages. The first copies the input into the shared workspace, the second computes from there. The
    /// first has an item for each slice of all samples, and item i copies the last slice but i: so what an item of the second stage
    /// reads was mostly written by another thread, and reading before all of the first stage is done gives other numbers.
    private static func plugin(_ spec: KernelSpec) -> HandWrittenPlugin {
        var plugin = HandWrittenPlugin(
            spec: spec,
            atRun: """
                float *shared = a->shared;
                if (!shared || (a->stage != 0 && a->stage != 1)) return VS_BAD_ARGUMENTS;
                if (a->second || a->residual || a->scales || a->zero_points || a->output_voxel_stride) return VS_BAD_ARGUMENTS;
                if (a->stage == 0) {
                    if (end > SLICES) return VS_BAD_ARGUMENTS;
                    for (int64_t i = begin; i < end; ++i)
                        for (int64_t n = 0; n < a->batch; ++n) {
                            const int64_t first = (n * SLICES + SLICES - 1 - i) * VOXELS * C;
                            for (int64_t k = first; k < first + VOXELS * C; ++k) shared[k] = x[k];
                        }
                    return VS_OK;
                }
                x = shared;
                """)
        plugin.itemRule = "VS_ITEMS_PER_CALL"
        plugin.stageCount = "2"
        plugin.sharedBytesPerSample = "SLICES * VOXELS * C * 4"
        plugin.laterStages = "{{SLICES, VS_ITEMS_PER_SAMPLE, 0}}"
        return plugin
    }

    @Test func aLaterStageReadsWhatTheOneBeforeItWrote() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise(input: [64, 16, 16])
        let registry = KernelRegistry()
        let image = try registry.load(path: Self.plugin(spec).build(in: folder))
        let descriptor = try #require(image.file.descriptors.first)
        #expect(descriptor.stages == [.perCall(64), .perSample(64)] && descriptor.workItems == .perCall(64))
        #expect(descriptor.sharedByteCount == 0 && descriptor.sharedByteCountPerSample == 64 * 256 * 12)
        var random = SeededRandom(seed: 21)
        let weights = try Tensor(shape: spec.geometry.kernelShape, random.integers(6, limit: 5).map { Float($0) })
        let bias = try Tensor(shape: [2], random.integers(2, limit: 5).map { Float($0) })
        let layer = try PreparedLayer(spec: spec, choice: registry.lookup(spec, mode: .specialized), weights: weights, bias: bias)
        for batch in [1, 3] {
            let count = batch * 64 * 256 * 3
            for round in 0..<8 {
                // Other numbers each time: what an earlier call left in the shared workspace must not pass for this one's.
                let x = try Tensor(shape: spec.inputShape(batch: batch), random.integers(count, limit: 5).map { Float($0) })
                let expected = ScatterOracle.run(spec, batch: batch, input: x.doubles, operand: weights.doubles, bias: bias.doubles)
                for threads in [1, 2, 3, 7] {
                    #expect(try layer.call(x, threads: threads).doubles == expected.values, "batch \(batch), round \(round), \(threads) threads")
                }
            }
            #expect(layer.workspaceByteCount(batch: batch, threads: 1) == count * 4 + 8)
        }
        #expect(try layer.call(Tensor(zeros: spec.inputShape(batch: 0))).elementCount == 0)
    }

    @Test func aKernelThatNeedsMoreThanACallHasIsRefused() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        var plugin = HandWrittenPlugin(spec: spec)
        plugin.operands = "VS_OPERAND_RESIDUAL | VS_OPERAND_SCALES"
        let registry = KernelRegistry()
        try registry.load(path: plugin.build(in: folder))
        let weights = try Tensor(zeros: spec.geometry.kernelShape)
        let error = KernelError.missingOperands(kernel: "hand_written", [.residual, .scales])
        #expect(throws: error) {
            try PreparedLayer(spec: spec, choice: registry.lookup(spec), weights: weights, bias: Tensor(zeros: [2]))
        }
        #expect(
            error.description
                == "Kernel hand_written reads a residual input, scales; expected one that does without, as the call has none.")
        let kernel = try #require(try registry.lookup(spec).kernel as? SpecializedKernel)
        #expect(throws: error) { try run(kernel, x: [Float](repeating: 1, count: 72), w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1) }
    }

    /// All operands arrive as they were given: the kernel adds them up into its first result.
    @Test func operandsReachTheKernel() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        var plugin = HandWrittenPlugin(
            spec: spec,
            atRun: """
                const float *second = a->second, *residual = a->residual;
                y[0] = second[0] + residual[0] + a->scales[0] + a->zero_points[1] + a->output_voxel_stride;
                return VS_OK;
                """)
        plugin.operands =
            "VS_OPERAND_SECOND | VS_OPERAND_RESIDUAL | VS_OPERAND_SCALES | VS_OPERAND_ZERO_POINTS | VS_OPERAND_VOXEL_STRIDE"
        let kernel = try #require(try PluginImage(path: plugin.build(in: folder)).kernels().first)
        var (second, residual, scale, zeroPoints, result): (Float, Float, Float, [Int32], Float) = (1, 20, 300, [7, 4000], 0)
        try withUnsafeMutableBytes(of: &result) { y in
            try withUnsafeBytes(of: &second) { second in
                try withUnsafeBytes(of: &residual) { residual in
                    try withUnsafePointer(to: &scale) { scale in
                        try zeroPoints.withUnsafeBufferPointer { zeroPoints in
                            guard let input = second.baseAddress, let output = y.baseAddress else { return }
                            var arguments = KernelArguments(
                                batch: 1, input: input, operand: input, bias: nil, output: output, workspace: nil)
                            arguments.second = second.baseAddress
                            arguments.residual = residual.baseAddress
                            arguments.scales = scale
                            arguments.zeroPoints = zeroPoints.baseAddress
                            try kernel.run(arguments, items: 0..<1)
                            #expect(output.load(as: Float.self) == 4321)
                            arguments.outputVoxelStride = 50_000
                            try kernel.run(arguments, items: 0..<1)
                            // The interpreter reads none of these, and refuses a call that gives them.
                            #expect(throws: KernelError.ignoredOperands(kernel: "interpreter", kernel.operands)) {
                                try InterpreterKernel(spec).run(arguments, items: 0..<1)
                            }
                        }
                    }
                }
            }
        }
        #expect(result == 54321)
    }

    @Test func whatIsUnusedIsZero() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        func expectRefusal(_ reason: String, _ change: (inout HandWrittenPlugin) -> Void) throws {
            var plugin = HandWrittenPlugin(spec: spec)
            change(&plugin)
            let path = try plugin.build(in: folder)
            #expect(throws: PluginError.malformedDescriptor(path: path, index: 0, reason: reason)) { try PluginFile(path: path) }
        }
        try expectRefusal("its number of stages is 0; expected 1 to 4") { $0.stageCount = "0" }
        try expectRefusal("its number of stages is 5; expected 1 to 4") { $0.stageCount = "5" }
        try expectRefusal("stage 1 of 1 has numbers where 0 was expected") { $0.laterStages = "{{1, 0, 0}}" }
        try expectRefusal("stage 3 of 1 has numbers where 0 was expected") { $0.laterStages = "{{0}, {0}, {0, 1, 0}}" }
        try expectRefusal("stage 1 of 2 has numbers where 0 was expected") { plugin in
            plugin.stageCount = "2"
            plugin.laterStages = "{{1, 0, 1}}"
        }
        try expectRefusal("its number of work items is 0; expected at least 1 and at most 1099511627776") { $0.stageCount = "2" }
        try expectRefusal("its rule for work items is 2; expected 0 or 1") { plugin in
            plugin.stageCount = "2"
            plugin.laterStages = "{{1, 2, 0}}"
        }
        try expectRefusal("its operands are 33; expected bits of 31") { $0.operands = "33" }
        try expectRefusal("the size of its shared workspace is 18446744073709551615; expected at most \(Geometry.maximumByteCount)") {
            $0.sharedBytes = "UINT64_MAX"
        }
    }
}
