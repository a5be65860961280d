import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

/// The loop of each file that holds the most multiply-adds, for people to look at.
@Suite struct HotLoopTests {
    @Test func theComputingLoopOfEachFileIsListed() async throws {
        let compiler = try await Compiler.find()
        for instructionSet in [Target.InstructionSet.x86_64_v3, .x86_64_v2, .aarch64NEON] {
            let target = Target(instructionSet)
            let builder = PluginBuilder(compiler: compiler, cache: nil, logger: LogCollector().logger)
            let source = HandWritten.plugin(
                [HandWritten.multiplyAdd("few", accumulators: 3), HandWritten.multiplyAdd("many", accumulators: 40)], target: target)
            let plugin = try await builder.build(source, target: target)
            guard case .inspected(let facts) = plugin.inspection else { try Test.cancel("the machine code was not inspected: \(plugin.inspection)") }
            let loops = ObjectInspection.inspectWithLoops(plugin.bytes).loops
            #expect(loops.map(\.file).sorted() == ["few.c", "many.c"], "\(target.name)")
            for loop in loops {
                let function = try #require(facts.functions.first { $0.file == loop.file && $0.name == loop.function })
                // One round of the loop: as many multiply-adds, or multiplications, as there are accumulators, and the jump back at its end.
                let (count, fuses) = (loop.file == "few.c" ? 3 : 40, target.hasFusedMultiplyAdd)
                #expect(loop.fusedMultiplyAdds == (fuses ? count : 0) && loop.multiplications == (fuses ? 0 : count), "\(target.name) \(loop.file)")
                #expect(loop.lines.count < function.instructions, "\(target.name) \(loop.file)")
                #expect((loop.lines.last?.instruction.jump ?? 0) < 0, "\(target.name) \(loop.file)")
                #expect(function.loopSpills == (fuses ? loop.spills : 0), "\(target.name) \(loop.file)")
                #expect(loop.lines.allSatisfy { !$0.text.contains("\t") && !$0.text.hasPrefix(" ") && !$0.text.isEmpty }, "\(target.name) \(loop.file)")
                #expect(loop.lines.map(\.offset) == loop.lines.map(\.offset).sorted())
            }
            // 40 sums of one vector each do not find their registers.
            #expect(loops.first { $0.file == "many.c" }?.spills ?? 0 > 0 && loops.first { $0.file == "few.c" }?.spills == 0, "\(target.name)")
        }
    }

    /// Two loops in one function, each with as many fused multiply-adds as are asked for.
    private func twoLoops(_ name: String, _ counts: [Int]) -> CSource {
        let loops = counts.enumerated().map { number, count in
            """
                {
                    vec sums[\(count)];
                #pragma clang loop unroll(full)
                    for (int j = 0; j < \(count); j++) sums[j] = y[j];
                #pragma clang loop unroll(disable)
                    for (long i = 0; i < n; i++) {
                        vec weight = w[i + \(number)];
                #pragma clang loop unroll(full)
                        for (int j = 0; j < \(count); j++) sums[j] += weight * x[i + j * 7];
                    }
                #pragma clang loop unroll(full)
                    for (int j = 0; j < \(count); j++) y[j] = sums[j];
                }

            """
        }
        let head = "void \(name)(const float *x, const vec *w, vec *y, long n)"
        return CSource(fileName: name + ".c", text: "#include \"vector.h\"\n\(head);\n\(head) {\n\(loops.joined())}\n")
    }

    @Test func ofSeveralLoopsTheOneWithTheMostMultiplyAddsIsListed() async throws {
        let target = Target(.x86_64_v3)
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: LogCollector().logger)
        let plugin = try await builder.build(
            HandWritten.plugin([twoLoops("rising", [2, 5]), twoLoops("falling", [5, 2])], target: target), target: target)
        guard case .inspected = plugin.inspection else { try Test.cancel("the machine code was not inspected: \(plugin.inspection)") }
        #expect(ObjectInspection.inspectWithLoops(plugin.bytes).loops.map(\.fusedMultiplyAdds) == [5, 5])
    }

    @Test func whatCannotBeReadHasNone() {
        #expect(ObjectInspection.inspectWithLoops([]).loops.isEmpty)
        #expect(ObjectInspection.inspectWithLoops(Array(repeating: 0, count: 4096)).loops.isEmpty)
    }
}
