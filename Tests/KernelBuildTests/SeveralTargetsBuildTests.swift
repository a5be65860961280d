import Foundation
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

/// Plugins with kernels for several targets: what each is compiled for, what the cache keeps, what is refused.
@Suite struct SeveralTargetsBuildTests {
    private static let (v4, v3, v2) = (Target(.x86_64_v4), Target(.x86_64_v3), Target(.x86_64_v2))

    private func builder(_ compiler: Compiler, cache: PluginCache? = nil) -> PluginBuilder {
        PluginBuilder(compiler: compiler, cache: cache, logger: LogCollector().logger, warningsAreErrors: true)
    }

    /// A kernel `on_<bytes>` that computes in vectors of so many bytes.
    private static func kernel(_ set: Target.InstructionSet, vectorBytes: Int? = nil) -> CSource {
        let bytes = vectorBytes ?? set.machine.vectorBytes
        let kernel = HandWritten.multiplyAdd("on_\(set.machine.vectorBytes)", accumulators: 4)
        return CSource(fileName: kernel.fileName, text: kernel.text.replacing("vector.h", with: "vector\(bytes).h"), instructionSet: set)
    }

    private static func source(_ kernels: [CSource]) -> PluginSource {
        let headers = [v4, v3, v2].map { CSource(fileName: "vector\($0.vectorBytes).h", text: HandWritten.header($0).text) }
        return PluginSource(kernels: kernels, table: HandWritten.table, headers: headers)
    }

    @Test func eachKernelHasTheInstructionsOfItsTarget() async throws {
        let targets = try PluginTargets([Self.v2, Self.v4, Self.v3])
        let plugin = try await builder(try await Compiler.find()).build(
            Self.source(targets.all.map { Self.kernel($0.instructionSet) }), targets: targets)
        #expect(plugin.targets == targets && plugin.compiledUnits == 4)
        guard case .inspected(let facts) = plugin.inspection else {
            try Test.cancel("machine code not inspected, \(plugin.inspection)")
        }
        #expect(facts.functions.map(\.name).sorted() == ["on_16", "on_32", "on_64"])
        for function in facts.functions {
            #expect(function.file == function.name + ".c" && function.undecodedBytes == 0)
            let used = [function.zmm > 0, function.ymm > 0, function.fusedMultiplyAdds == 4]
            switch function.name {
            case "on_64": #expect(used == [true, false, true], "\(function)")
            case "on_32": #expect(used == [false, true, true], "\(function)")
            default: #expect(used == [false, false, false] && function.xmm > 8, "\(function)")
            }
        }
    }

    /// The compiler writes down what it is told.
    @Test func theTableIsCompiledForTheLeastOfTheFamily() async throws {
        let scratch = try ScratchFolder()
        let real = try await Compiler.find()
        let log = scratch.path + "/calls"
        let script = try scratch.script("clang", "echo \"$@\" >> '\(log)'\nexec '\(real.path)' \"$@\"")
        let compiler = try await Compiler.find(explicit: script)
        for (targets, kernels) in [([Self.v4, Self.v3], ["x86-64-v4", "x86-64-v3"]), ([Self.v4], ["x86-64-v4"]), ([Target(.aarch64NEON)], ["neoverse-n1"])] {
            try? FileManager.default.removeItem(atPath: log)
            let sources = targets.map { target in
                CSource(fileName: "k\(target.vectorBytes).c", text: "int f\(target.vectorBytes);\n", instructionSet: target.instructionSet)
            }
            _ = try await builder(compiler).build(Self.source(sources), targets: PluginTargets(targets))
            let calls = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            func machine(_ file: String) -> [String] {
                calls.filter { $0.contains("-c") && $0.contains(file) }.flatMap { $0.filter { $0.hasPrefix("-march=") || $0.hasPrefix("-mcpu=") } }
            }
            let least = targets[0].instructionSet.family == .aarch64 ? "-mcpu=neoverse-n1" : "-march=x86-64-v2"
            #expect(machine("plugin.c") == [least], "\(calls)")
            for (source, kernel) in zip(sources, kernels) {
                #expect(machine(source.fileName).map { $0.split(separator: "=")[1] } == [Substring(kernel)], "\(calls)")
            }
        }
    }

    /// Objects are shared between plugins; a plugin is not, where another list of targets asks for it.
    @Test func cacheKeysCoverTheTargets() async throws {
        let scratch = try ScratchFolder()
        let (compiler, log) = try await scratch.countingCompiler()
        let builder = builder(compiler, cache: PluginCache(folder: scratch.path + "/cache"))
        let two = Self.source([Self.kernel(.x86_64_v4), Self.kernel(.x86_64_v3)])
        let first = try await builder.build(two, targets: PluginTargets([Self.v4, Self.v3]))
        #expect(lineCount(log) == 4 && !first.isFromCache)
        // In whichever order the targets are given.
        let again = try await builder.build(two, targets: PluginTargets([Self.v3, Self.v4]))
        #expect(lineCount(log) == 4 && again.isFromCache && again.bytes == first.bytes)
        let more = try await builder.build(two, targets: PluginTargets([Self.v4, Self.v3, Self.v2]))
        #expect(lineCount(log) == 5 && !more.isFromCache && more.compiledUnits == 0)
        let one = try await builder.build(Self.source([Self.kernel(.x86_64_v3)]), target: Self.v3)
        #expect(lineCount(log) == 6 && !one.isFromCache && one.compiledUnits == 0 && one.bytes != first.bytes)
        // The same text for other instructions is another object.
        let kernel = Self.kernel(.x86_64_v3)
        let lesser = CSource(fileName: kernel.fileName, text: kernel.text, instructionSet: .x86_64_v2)
        let other = try await builder.build(Self.source([lesser]), target: Self.v2)
        #expect(lineCount(log) == 8 && other.compiledUnits == 1 && other.bytes != one.bytes)
    }

    @Test func whatDoesNotFitTheTargetsIsRefused() async throws {
        let builder = builder(try await Compiler.find())
        let two = try PluginTargets([Self.v4, Self.v3])
        func failure(_ kernels: [CSource]) async -> KernelBuildError? {
            await #expect(throws: KernelBuildError.self) { try await builder.build(Self.source(kernels), targets: two) }
        }
        for set in [Target.InstructionSet.x86_64_v2, .aarch64NEON] {
            let kernel = CSource(fileName: "k.c", text: "int k;\n", instructionSet: set)
            #expect(await failure([kernel]) == .unlistedTarget(file: "k.c", received: set.rawValue, expected: "x86-64-v4, x86-64-v3"))
        }
        // Registers of the other target do not count: each target is looked at by itself.
        #expect(
            await failure([Self.kernel(.x86_64_v4, vectorBytes: 32), Self.kernel(.x86_64_v3)])
                == .narrowVectors(target: "x86-64-v4", expected: "zmm"))
        #expect(
            await failure([Self.kernel(.x86_64_v4), Self.kernel(.x86_64_v3, vectorBytes: 16)])
                == .narrowVectors(target: "x86-64-v3", expected: "ymm"))
    }
}
