import Foundation
import Testing
import VoxKernelBuild
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// The cache as files: what it holds, drops, and never believes.
@Suite struct PluginCacheTests {
    private func key(_ number: Int) -> String { String(repeating: "\(number)", count: 8) + "rest" }

    private func setAge(_ path: String, seconds: Int) {
        var times = [timeval(tv_sec: time(nil) - seconds, tv_usec: 0), timeval(tv_sec: time(nil) - seconds, tv_usec: 0)]
        utimes(path, &times)
    }

    @Test func sizeAndClear() throws {
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path + "/deep/cache")
        #expect(cache.size() == PluginCache.Size(entries: 0, bytes: 0))
        #expect(try cache.clear() == PluginCache.Size(entries: 0, bytes: 0))
        try cache.store(.object, key(1), [1, 2, 3])
        try cache.store(.plugin, key(2), [4])
        // Each entry carries its digest.
        #expect(cache.size() == PluginCache.Size(entries: 2, bytes: 3 + 1 + 2 * 32))
        #expect(try cache.clear() == PluginCache.Size(entries: 2, bytes: 68))
        #expect(!FileManager.default.fileExists(atPath: cache.folder))
        #expect(cache.load(.object, key(1), logger: LogCollector().logger) == nil)

        // What is no entry stays.
        try cache.store(.object, key(1), [1])
        try Data("mine".utf8).write(to: URL(filePath: cache.folder + "/notes"))
        try cache.clear()
        #expect(try FileManager.default.subpathsOfDirectory(atPath: cache.folder) == ["notes"])

        // Links are not followed, neither to be emptied nor to make room.
        let others = scratch.path + "/others"
        try FileManager.default.createDirectory(atPath: others, withIntermediateDirectories: false)
        try Data("mine".utf8).write(to: URL(filePath: others + "/file"))
        let small = PluginCache(folder: cache.folder, byteLimit: 0)
        try small.store(.object, key(1), [1])
        #expect(symlink(others, cache.folder + "/objects/ab") == 0)
        #expect(small.size().entries == 1)
        small.evict()
        try small.clear()
        #expect(FileManager.default.contents(atPath: others + "/file") == Data("mine".utf8))
    }

    @Test func theOldestGoFirst() throws {
        let scratch = try ScratchFolder()
        let payload = [UInt8](repeating: 7, count: 100 - 32)
        let cache = PluginCache(folder: scratch.path, byteLimit: 350)
        let log = LogCollector()
        for number in 1...6 {
            try cache.store(number % 2 == 0 ? .object : .plugin, key(number), payload)
            setAge(cache.path(number % 2 == 0 ? .object : .plugin, key(number)), seconds: 10_000 - number * 100)
        }
        // Used again, so it is the newest.
        #expect(cache.load(.plugin, key(1), logger: log.logger) == payload)
        cache.evict()
        #expect(cache.size() == PluginCache.Size(entries: 3, bytes: 300))
        for (number, stays) in [(1, true), (2, false), (3, false), (4, false), (5, true), (6, true)] {
            #expect((cache.load(number % 2 == 0 ? .object : .plugin, key(number), logger: log.logger) != nil) == stays, "\(number)")
        }
        #expect(log.warnings == [])
    }

    @Test func whatKilledProcessesLeaveGoesLater() throws {
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path)
        try cache.store(.object, key(1), [1])
        let (old, new) = (cache.path(.object, key(1)) + ".abc", cache.path(.object, key(1)) + ".def")
        for path in [old, new] { try Data([9]).write(to: URL(filePath: path)) }
        setAge(old, seconds: 7200)
        cache.evict()
        #expect(!FileManager.default.fileExists(atPath: old) && FileManager.default.fileExists(atPath: new))
        #expect(cache.load(.object, key(1), logger: LogCollector().logger) == [1])
    }

    @Test func entriesOfOthersAreNotBelieved() throws {
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path)
        let log = LogCollector()
        try cache.store(.plugin, key(1), [1])
        let path = cache.path(.plugin, key(1))
        chmod(path, 0o666)
        #expect(cache.load(.plugin, key(1), logger: log.logger) == nil)
        #expect(log.warnings.count == 1 && log.warnings.allSatisfy { $0.contains("others may have written") }, "\(log.warnings)")
        try cache.store(.plugin, key(1), [2])
        #expect(cache.load(.plugin, key(1), logger: log.logger) == [2])
    }

    /// A real build's objects and plugin, each flip met by another build: it compiles again and comes to the same plugin. The compiler
    /// answers from what clang made the first time, for speed.
    @Test func buildsOverFlippedBitsComeToTheSamePlugin() async throws {
        let scratch = try ScratchFolder()
        let clang = try await Compiler.find().path
        let saved = scratch.path + "/saved"
        try FileManager.default.createDirectory(atPath: saved, withIntermediateDirectories: true)
        let script = try scratch.script(
            "clang",
            """
            [ "$1" = --version ] && exec '\(clang)' --version
            for word; do last=$word; done
            if [ -f '\(saved)'/"$last" ]; then cat '\(saved)'/"$last" > "$last"; echo >> '\(saved)/calls'; exit 0; fi
            '\(clang)' "$@" && cp "$last" '\(saved)'/"$last"
            """)
        let log = LogCollector()
        let cache = PluginCache(folder: scratch.path + "/cache")
        let builder = PluginBuilder(compiler: try await Compiler.find(explicit: script), cache: cache, logger: log.logger)
        let target = try Target(named: "x86-64-v3")
        let source = HandWritten.plugin([HandWritten.multiplyAdd("k", accumulators: 4)], target: target)
        let sound = try await builder.build(source, target: target).bytes
        let entries = try FileManager.default.subpathsOfDirectory(atPath: cache.folder).map { cache.folder + "/" + $0 }
            .filter { try fileMode($0) == 0o644 }
        #expect(entries.count == 3)
        var random = SeededRandom(seed: 6)
        for round in 0..<1000 {
            let entry = entries[round % 3]
            // An object is looked at when the plugin as a whole is not there.
            if entry.contains("/objects/") { for path in entries where path.contains("/plugins/") { unlink(path) } }
            var bytes = try Data(contentsOf: URL(filePath: entry))
            let place = random.integer(0...bytes.count - 1)
            bytes[place] ^= 1 << UInt8(round % 8)
            try bytes.write(to: URL(filePath: entry))
            let calls = lineCount(saved + "/calls"), heard = log.warnings.count
            let built = try await builder.build(source, target: target)
            #expect(built.bytes == sound && !built.isFromCache, "bit \(round % 8) of byte \(place) of \(entry)")
            #expect(log.warnings.count == heard + 1, "bit \(round % 8) of byte \(place) of \(entry): \(log.warnings.suffix(2))")
            #expect(FileManager.default.contents(atPath: saved + "/calls")?.count ?? 0 > calls, "round \(round)")
        }
    }

    /// Whatever becomes of an entry, it is what was stored or it is absent.
    @Test func damagedEntriesFuzz() throws {
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path)
        var random = SeededRandom(seed: 8)
        let payload = (0..<2000).map { _ in UInt8(random.integer(0...255)) }
        for kind in [PluginCache.Kind.object, .plugin] {
            try cache.store(kind, key(1), payload)
            let path = cache.path(kind, key(1))
            let sound = [UInt8](try Data(contentsOf: URL(filePath: path)))
            let log = LogCollector()
            let result = try Fuzzing("cache-\(kind.rawValue)", count: 1000).run([sound]) { index, bytes in
                try Data(bytes).write(to: URL(filePath: path))
                let loaded = cache.load(kind, key(1), logger: log.logger)
                #expect(bytes == sound ? loaded == payload : loaded == nil, "case \(index)")
                return loaded == nil ? "refused" : "read"
            }
            #expect(result["refused"] > 0 && log.warnings.count == result["refused"], "\(result.counts)")
        }
    }

    @Test func everyBitFlipCostsACompilationAndNoMore() throws {
        let scratch = try ScratchFolder()
        let cache = PluginCache(folder: scratch.path)
        var random = SeededRandom(seed: 5)
        let payload = (0..<3000).map { _ in UInt8(random.integer(0...255)) }
        try cache.store(.object, key(1), payload)
        let path = cache.path(.object, key(1))
        let sound = try Data(contentsOf: URL(filePath: path))
        for round in 0..<1000 {
            var damaged = sound
            let place = random.integer(0...damaged.count - 1)
            damaged[place] ^= 1 << UInt8(round % 8)
            try damaged.write(to: URL(filePath: path))
            #expect(cache.load(.object, key(1), logger: LogCollector().logger) == nil, "bit \(round % 8) of byte \(place)")
        }
        // The same bytes under another name are another entry's.
        try sound.write(to: URL(filePath: path))
        #expect(cache.load(.object, key(1), logger: LogCollector().logger) == payload)
        try FileManager.default.moveItem(atPath: path, toPath: cache.path(.object, "11111111other"))
        #expect(cache.load(.object, "11111111other", logger: LogCollector().logger) == nil)
    }
}
