import Foundation
import Synchronization
import Testing
import VoxHashing
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

@Suite struct PluginBuilderTests {
    private func builder(_ compiler: Compiler, cache: PluginCache? = nil, log: LogCollector = LogCollector()) -> PluginBuilder {
        PluginBuilder(compiler: compiler, cache: cache, logger: log.logger, timeLimit: 120, warningsAreErrors: true)
    }

    private func inspected(_ plugin: BuiltPlugin) throws -> InspectedPlugin {
        guard case .inspected(let facts) = plugin.inspection else {
            Issue.record("\(plugin.inspection)")
            throw CancellationError()
        }
        return facts
    }

    @Test func everyTargetCompilesToItsOwnVectors() async throws {
        let builder = builder(try await Compiler.find())
        for target in Target.named {
            let source = HandWritten.plugin(
                [HandWritten.multiplyAdd("few", accumulators: 4), HandWritten.multiplyAdd("many", accumulators: 40)],
                target: target)
            let steps = Mutex<[Int]>([])
            let plugin = try await builder.build(source, target: target) { done, all in
                steps.withLock { $0.append(done * 100 + all) }
            }
            #expect(steps.withLock { $0 } == [104, 204, 304, 404], "\(target.name)")
            #expect(plugin.compiledUnits == 3)
            #expect(!plugin.isFromCache)

            // ELF, 64 bits, for the right processor, ending with the digest of the rest.
            #expect(Array(plugin.bytes[..<5]) == [0x7f, 0x45, 0x4c, 0x46, 2])
            #expect(plugin.bytes[18] == (target.instructionSet == .aarch64NEON ? 183 : 62), "\(target.name)")
            let digest = SHA256.digest(of: plugin.bytes.dropLast(32))
            #expect(digest.elementsEqual(plugin.bytes.suffix(32)), "\(target.name)")

            let facts = try inspected(plugin)
            #expect(facts.exportedSymbols == ["voxelsmith_plugin"], "\(target.name)")
            #expect(facts.undefinedSymbols == [])
            #expect(facts.constructorSections == [])
            #expect(plugin.inspection.usesVectors(of: target) == true, "\(target.name)")
            #expect(Set(facts.functions.map(\.name)) == ["few", "many"], "\(target.name)")
            #expect(facts.loopSpills(inFile: "few.c") == 0 && facts.loopSpills(inFile: "many.c") == facts.functions.reduce(0) { $0 + $1.loopSpills })
            for function in facts.functions {
                #expect(function.file == function.name + ".c", "\(target.name)")
                let count = function.name == "few" ? 4 : 40
                #expect(function.undecodedBytes == 0, "\(target.name) \(function)")
                #expect(function.instructions > 2 * count, "\(target.name) \(function)")
                // x86-64-v2 has no fused multiply-add.
                #expect(function.fusedMultiplyAdds == (target.hasFusedMultiplyAdd ? count : 0), "\(target.name) \(function)")
                #expect(function.scalarFusedMultiplyAdds == 0, "\(target.name) \(function)")
                // 40 accumulators do not fit into 32 or 16 registers, 4 do.
                #expect((function.vectorSpills > 0) == (count == 40), "\(target.name) \(function)")
                #expect((function.loopSpills > 0) == (count == 40 && target.hasFusedMultiplyAdd), "\(target.name) \(function)")
                #expect(function.loopSpills <= function.vectorSpills)
                let used = [function.zmm > 0, function.ymm > 0, function.neon > 0]
                switch target.instructionSet {
                case .x86_64_v4: #expect(used == [true, false, false], "\(function)")
                case .x86_64_v3: #expect(used == [false, true, false], "\(function)")
                case .x86_64_v2: #expect(used == [false, false, false] && function.xmm > 2 * count, "\(function)")
                case .aarch64NEON: #expect(used == [false, false, true] && function.xmm == 0, "\(function)")
                }
            }
        }
    }

    @Test func equalSourcesGiveEqualBytes() async throws {
        // No cache: each build runs in a folder of its own with a name of its own.
        let builder = builder(try await Compiler.find())
        for target in Target.named {
            let source = HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 4)], target: target)
            let first = try await builder.build(source, target: target)
            let second = try await builder.build(source, target: target)
            #expect(first.bytes == second.bytes, "\(target.name)")
            let native = Target(target.instructionSet, name: "native", level2Bytes: 2 << 20)
            #expect(try await builder.build(source, target: native).bytes == first.bytes, "\(target.name)")
        }
    }

    @Test func aSecondBuildCallsNoCompiler() async throws {
        let scratch = try ScratchFolder()
        let (compiler, log) = try await scratch.countingCompiler()
        let builder = builder(compiler, cache: PluginCache(folder: scratch.path + "/cache/voxelsmith"))
        let target = try Target(named: "x86-64-v3")
        let one = HandWritten.multiplyAdd("one", accumulators: 2), two = HandWritten.multiplyAdd("two", accumulators: 3)

        let first = try await builder.build(HandWritten.plugin([one, two], target: target), target: target)
        #expect(lineCount(log) == 4)
        let second = try await builder.build(HandWritten.plugin([one, two], target: target), target: target)
        #expect(lineCount(log) == 4)
        #expect(second.isFromCache)
        #expect(second.compiledUnits == 0)
        #expect(second.bytes == first.bytes)
        #expect(second.inspection == first.inspection)

        // An edited kernel is compiled and the plugin linked; the rest is taken from the cache.
        let edited = HandWritten.multiplyAdd("two", accumulators: 5)
        let third = try await builder.build(HandWritten.plugin([one, edited], target: target), target: target)
        #expect(lineCount(log) == 6)
        #expect(third.compiledUnits == 1)
        #expect(third.bytes != first.bytes)

        // Another target shares nothing, nor does an edited header.
        let v4 = try Target(named: "x86-64-v4")
        _ = try await builder.build(HandWritten.plugin([one, two], target: v4), target: v4)
        #expect(lineCount(log) == 10)
        let header = CSource(fileName: "vector.h", text: HandWritten.header(target).text + "/* edited */\n")
        let other = PluginSource(kernels: [one, two], table: HandWritten.table, headers: [header])
        _ = try await builder.build(other, target: target)
        #expect(lineCount(log) == 14)
    }

    @Test func aDamagedCacheEntryIsCompiledAgain() async throws {
        let scratch = try ScratchFolder()
        let (compiler, log) = try await scratch.countingCompiler()
        let cache = PluginCache(folder: scratch.path + "/cache")
        let warnings = LogCollector()
        let builder = builder(compiler, cache: cache, log: warnings)
        let target = try Target(named: "x86-64-v3")
        let source = HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 2)], target: target)
        let sound = try await builder.build(source, target: target)
        #expect(lineCount(log) == 3)

        let entries = try FileManager.default.subpathsOfDirectory(atPath: cache.folder)
            .map { cache.folder + "/" + $0 }.filter { try fileMode($0) == 0o644 }
        #expect(entries.count == 3)
        #expect(entries.filter { $0.contains("/plugins/") }.count == 1)

        let damages: [(String, (String) throws -> Void)] = [
            ("a flipped bit", { path in
                var bytes = try Data(contentsOf: URL(filePath: path))
                bytes[bytes.count / 2] ^= 1
                try bytes.write(to: URL(filePath: path))
            }),
            ("a short file", { path in
                let bytes = try Data(contentsOf: URL(filePath: path))
                try bytes.prefix(bytes.count / 2).write(to: URL(filePath: path))
            }),
            ("an empty file", { path in try Data().write(to: URL(filePath: path)) }),
            ("a folder", { path in
                try FileManager.default.removeItem(atPath: path)
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }),
        ]
        for (name, damage) in damages {
            let calls = lineCount(log), heard = warnings.warnings.count
            for entry in entries { try damage(entry) }
            let again = try await builder.build(source, target: target)
            #expect(again.bytes == sound.bytes, "\(name)")
            #expect(lineCount(log) == calls + 3, "\(name)")
            #expect(warnings.warnings.count >= heard + 3, "\(name)")
            // A folder in the way is the user's to remove.
            if name == "a folder" { break }
            #expect(try await builder.build(source, target: target).isFromCache, "\(name)")
        }

        // An entry under another's name is not taken for it.
        let one = PluginCache(folder: scratch.path + "/second")
        let second = self.builder(compiler, cache: one)
        _ = try await second.build(source, target: target)
        let objects = try FileManager.default.subpathsOfDirectory(atPath: one.folder)
            .map { one.folder + "/" + $0 }.filter { try fileMode($0) == 0o644 && $0.contains("/objects/") }
        #expect(objects.count == 2)
        let plugin = try FileManager.default.subpathsOfDirectory(atPath: one.folder)
            .map { one.folder + "/" + $0 }.filter { try fileMode($0) == 0o644 && $0.contains("/plugins/") }
        for path in plugin { try FileManager.default.removeItem(atPath: path) }
        let swapped = try objects.map { try Data(contentsOf: URL(filePath: $0)) }
        for (path, bytes) in zip(objects, swapped.reversed()) { try bytes.write(to: URL(filePath: path)) }
        let calls = lineCount(log)
        #expect(try await second.build(source, target: target).bytes == sound.bytes)
        #expect(lineCount(log) == calls + 3)
    }

    /// The check sees the plugin before the cache does; what it refuses goes from there too.
    @Test func nothingIsKeptBeforeTheCheck() async throws {
        struct Refused: Error {}
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path + "/cache")
        let builder = builder(try await Compiler.find(), cache: cache)
        let target = try Target(named: "x86-64-v3")
        let source = HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 2)], target: target)
        func build(refusing: Bool) async throws -> BuiltPlugin {
            try await builder.build(source, target: target, check: { built in
                #expect(cache.size().entries == (built.isFromCache ? 3 : 0) && PluginTrailer.isValid(built.bytes))
                if refusing { throw Refused() }
            })
        }
        for _ in 0..<2 {
            await #expect(throws: Refused.self) { try await build(refusing: true) }
            #expect(cache.size().entries == 0)
        }
        #expect(try await !build(refusing: false).isFromCache)
        #expect(try await build(refusing: false).isFromCache && cache.size().entries == 3)
        await #expect(throws: Refused.self) { try await build(refusing: true) }
        #expect(cache.size().entries == 0)

        // An inspection refuses before the check is asked.
        let copying = HandWritten.plugin("void f(char *, const char *, long);\nvoid f(char *a, const char *b, long n) { __builtin_memcpy(a, b, n); }\n")
        await #expect(throws: KernelBuildError.self) {
            try await builder.build(copying, target: target, check: { _ in Issue.record("a plugin that is refused was checked") })
        }
        #expect(cache.size().entries == 0)
    }

    @Test func anUnwritableCacheIsOneWarning() async throws {
        let scratch = try ScratchFolder()
        try Data("a file".utf8).write(to: URL(filePath: scratch.path + "/file"))
        #expect(symlink("loop", scratch.path + "/loop") == 0)
        let target = try Target(named: "x86-64-v3")
        let compiler = try await Compiler.find()
        // Places where nothing can stand: below a file, a link to itself, a name that is too long.
        for place in ["file", "loop", String(repeating: "x", count: 300)] {
            let log = LogCollector()
            let builder = builder(compiler, cache: PluginCache(folder: scratch.path + "/\(place)/cache"), log: log)
            let plugin = try await builder.build(
                HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 2)], target: target), target: target)
            #expect(plugin.compiledUnits == 2)
            #expect(log.warnings.count == 1 && log.warnings.allSatisfy { $0.contains("cannot be written") }, "\(place): \(log.warnings)")
        }
    }

    @Test func aCompilationErrorKeepsCommandAndOutput() async throws {
        let compiler = try await Compiler.find()
        let error = await #expect(throws: KernelBuildError.self) {
            try await self.builder(compiler).build(HandWritten.plugin("int f(void) { return wrong; }"), target: Target.named[0])
        }
        guard case .compilationFailed(let what, let command, let status, let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(what == "unit.c")
        #expect(command.first == compiler.path)
        #expect(command.contains("-march=x86-64-v4"))
        #expect(status == "exit status 1")
        #expect(text.contains("unit.c:1:") && text.contains("wrong"))
    }

    @Test func aWarningIsLoggedOrFails() async throws {
        let source = HandWritten.plugin("int f(int x);\nint f(int x) { int unused; return x; }\n")
        let compiler = try await Compiler.find()
        let log = LogCollector()
        let plugin = try await PluginBuilder(compiler: compiler, cache: nil, logger: log.logger)
            .build(source, target: Target.named[0])
        #expect(plugin.inspection.usesVectors(of: Target.named[0]) == false)
        #expect(log.warnings.count == 1 && log.warnings.allSatisfy { $0.contains("unused") })
        await #expect(throws: KernelBuildError.self) { try await self.builder(compiler).build(source, target: Target.named[0]) }
    }

    @Test func whatAPluginMustNotContainIsATypedError() async throws {
        let builder = builder(try await Compiler.find())
        let target = Target.named[0]
        func failure(_ source: PluginSource) async -> KernelBuildError? {
            await #expect(throws: KernelBuildError.self) { try await builder.build(source, target: target) }
        }

        let copy = await failure(
            HandWritten.plugin("void f(char *, const char *, long);\nvoid f(char *a, const char *b, long n) { __builtin_memcpy(a, b, n); }\n"))
        if case .undefinedSymbols(let names, let command) = copy {
            #expect(names == ["memcpy"])
            #expect(command.contains("-Wl,-z,defs"))
        } else {
            Issue.record("\(String(describing: copy))")
        }

        // The linker lets a weak name pass; the inspection does not.
        let weak = await failure(
            HandWritten.plugin("extern int elsewhere(void) __attribute__((weak));\nint (*f(void))(void);\nint (*f(void))(void) { return elsewhere; }\n"))
        if case .undefinedSymbols(let names, _) = weak {
            #expect(names == ["elsewhere"])
        } else {
            Issue.record("\(String(describing: weak))")
        }

        #expect(
            await failure(HandWritten.plugin("static volatile int n;\n__attribute__((constructor)) static void f(void) { n++; }\n"))
                == .constructors(sections: [".init_array"]))
        #expect(
            await failure(HandWritten.plugin("__attribute__((visibility(\"default\"))) int extra = 1;\n"))
                == .wrongExports(received: ["extra", "voxelsmith_plugin"], expected: "voxelsmith_plugin"))
        let hidden = PluginSource(
            kernels: [], table: CSource(fileName: "plugin.c", text: "__attribute__((used)) static const int voxelsmith_plugin[4] = {1};\n"),
            headers: [])
        #expect(await failure(hidden) == .wrongExports(received: [], expected: "voxelsmith_plugin"))

        // Vectors of 32 bytes in a plugin for a target of 64.
        let narrow = PluginSource(
            kernels: [HandWritten.multiplyAdd("k", accumulators: 2)], table: HandWritten.table,
            headers: [HandWritten.header(try Target(named: "x86-64-v3"))])
        #expect(await failure(narrow) == .narrowVectors(target: "x86-64-v4", expected: "zmm"))

        for names in [["../k.c"], ["-o.c"], ["@k.c"], ["a/\u{301}.c"], ["-\u{301}.c"], ["k.c", "k.c"], [""], ["plugin.c"]] {
            let kernels = names.map { CSource(fileName: $0, text: "") }
            let source = PluginSource(kernels: kernels, table: HandWritten.table, headers: [])
            #expect(await failure(source) == .fileNameTaken(names.last ?? ""), "\(names)")
        }
    }

    @Test func aSlowCompilerIsStoppedWithAllItsProcesses() async throws {
        let scratch = try ScratchFolder()
        let mark = Int.random(in: 100_000_000...999_999_999)
        let compiler = try await Compiler.find(explicit: try scratch.waitingCompiler(mark: mark))
        let builder = PluginBuilder(compiler: compiler, cache: nil, logger: LogCollector().logger, timeLimit: 0.4)
        let start = ContinuousClock.now
        let error = await #expect(throws: KernelBuildError.self) {
            try await builder.build(HandWritten.plugin("int f;"), target: Target.named[0])
        }
        guard case .timedOut(_, let command, let seconds) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(command.first == compiler.path)
        #expect(seconds == 0.4)
        // Its sleep takes years; other tests may hold the threads of tasks for a while.
        #expect(ContinuousClock.now - start < .seconds(300))
        #expect(try await processesEnd(containing: "sleep \(mark)"))
    }

    @Test func aCancelledBuildStopsItsProcesses() async throws {
        let scratch = try ScratchFolder()
        let mark = Int.random(in: 100_000_000...999_999_999)
        let compiler = try await Compiler.find(explicit: try scratch.waitingCompiler(mark: mark))
        let builder = builder(compiler)
        let build = Task { try await builder.build(HandWritten.plugin("int f;"), target: Target.named[0]) }
        var seen = false
        for _ in 0..<400 where !seen {
            try await Task.sleep(for: .milliseconds(25))
            seen = !processes(containing: "sleep \(mark)").isEmpty
        }
        #expect(seen)
        build.cancel()
        await #expect(throws: CancellationError.self) { try await build.value }
        #expect(try await processesEnd(containing: "sleep \(mark)"))
    }

    @Test func writtenFilesAreReadableWhateverTheUmask() async throws {
        let scratch = try ScratchFolder()
        let target = try Target(named: "x86-64-v2")
        let cache = PluginCache(folder: scratch.path + "/deep/cache")
        let builder = builder(try await Compiler.find(), cache: cache)
        let path = scratch.path + "/out.so"
        try Data("old".utf8).write(to: URL(filePath: path))
        let before = umask(0o077)
        defer { umask(before) }
        let plugin = try await builder.build(HandWritten.plugin("int f(void);\nint f(void) { return 1; }\n"), target: target)
        try plugin.write(to: path)
        #expect(try fileMode(path) == 0o644)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(plugin.bytes))
        for entry in try FileManager.default.subpathsOfDirectory(atPath: scratch.path + "/deep") + ["."] {
            var isFolder: ObjCBool = false
            let entryPath = scratch.path + "/deep/" + entry
            #expect(FileManager.default.fileExists(atPath: entryPath, isDirectory: &isFolder))
            #expect(try fileMode(entryPath) == (isFolder.boolValue ? 0o755 : 0o644), "\(entry)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["deep", "out.so"])

        let error = #expect(throws: KernelBuildError.self) { try plugin.write(to: scratch.path + "/missing/out.so") }
        guard case .fileSystem(_, _, ENOENT) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func inspectionsRoundTripAsJSON() async throws {
        let target = try Target(named: "x86-64-v3")
        let source = HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 2)], target: target)
        let inspection = try await builder(try await Compiler.find()).build(source, target: target).inspection
        let damaged = ObjectInspection.inspect([1, 2, 3])
        #expect(damaged == .notInspected(reason: "the file does not end with the digest of its bytes"))
        guard case .notInspected(let reason) = ObjectInspection.inspect(PluginTrailer.appended(to: Array("no plugin".utf8))) else {
            Issue.record("a text was inspected")
            return
        }
        #expect(reason == "LLVM would not survive the file: it is no 64-bit little-endian ELF file")
        for value in [inspection, damaged] {
            let data = try JSONEncoder().encode(value)
            #expect(try JSONDecoder().decode(ObjectInspection.self, from: data) == value)
        }
        let text = String(decoding: try JSONEncoder().encode(inspection), as: UTF8.self)
        #expect(text.contains("\"status\":\"inspected\"") && text.contains("\"fusedMultiplyAdds\":2"))
    }
}
