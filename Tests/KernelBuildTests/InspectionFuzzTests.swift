import Foundation
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec
import _TestSupport

/// `describe` hands plugins of any origin to LLVM, which ends the process when a section leads astray.
@Suite struct InspectionFuzzTests {
    private func plugin(_ target: Target) async throws -> [UInt8] {
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: LogCollector().logger)
        let source = HandWritten.plugin(
            [HandWritten.multiplyAdd("few", accumulators: 4), HandWritten.multiplyAdd("many", accumulators: 40)], target: target)
        return Array(try await builder.build(source, target: target).bytes.dropLast(PluginTrailer.byteCount))
    }

    private func integer(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
        bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Damage under a true digest, half of it where sections and symbols are described.
    @Test func damagedPlugins() async throws {
        for target in Target.named {
            let sound = try await plugin(target)
            let table = integer(sound, 40, 8)
            // Symbols and names stand between the code and the section headers.
            let (front, back) = (Array(sound[..<(table - 1024)]), Array(sound[(table - 1024)...]))
            var random = 0
            let result = Fuzzing("inspection-\(target.name)", count: 400).run { generator in
                random += 1
                if random % 2 == 0 { return Fuzzing.damaged(sound, &generator) }
                return front + Fuzzing.damaged(back, &generator)
            } body: { index, bytes in
                let inspection = ObjectInspection.inspect(PluginTrailer.appended(to: bytes))
                guard case .inspected(let plugin) = inspection else { return "refused" }
                // What is counted stands in the file.
                #expect(plugin.functions.reduce(0) { $0 + $1.byteCount } <= 16 << 20, "\(target.name), case \(index)")
                return "inspected"
            }
            #expect(result.share(of: "inspected") >= 0.2 && result["refused"] > 0, "\(target.name): \(result.counts)")
            #expect(result.slowest.seconds < 5, "\(target.name): \(result.slowest)")
            await Task.yield()  // other tests wait for the few threads of tasks
        }
    }

    /// Each of these ended the process, or read what is not there.
    @Test func sectionsThatLeadAstray() async throws {
        let sound = try await plugin(Target.named[0])
        let (table, count) = (integer(sound, 40, 8), integer(sound, 60, 2))
        func section(_ matches: (Int) -> Bool) throws -> Int {
            let found = (0..<count).map { table + $0 * 64 }.first(where: matches)
            return try #require(found)
        }
        let names = integer(sound, table + integer(sound, 62, 2) * 64 + 24, 8)
        func isNamed(_ name: String) -> (Int) -> Bool {
            { place in sound[(names + integer(sound, place, 4))...].starts(with: Array(name.utf8) + [0]) }
        }
        let (text, symbols, strings) = (try section(isNamed(".text")), try section(isNamed(".symtab")), try section(isNamed(".strtab")))
        let firstSymbol = integer(sound, symbols + 24, 8) + 24
        let faults: [(what: String, place: Int, value: [UInt8], words: String)] = [
            ("names of sections that are none", 62, [0xff, 0xff], "with names does not exist"),
            ("more sections than there are", 60, [0xff, 0x0f], "do not fit it"),
            ("a section outside", text + 24, [0, 0, 0, 0, 0, 1], "lies outside the file"),
            ("a long section", text + 32, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "lies outside the file"),
            ("a name outside", text, [0xff, 0xff, 0xff, 0x7f], "name lies outside"),
            ("code without bytes", text + 4, [8], ".text has no bytes"),
            ("texts of another kind", strings + 4, [1], "holds no texts"),
            ("symbols of another size", symbols + 56, [25], "entries of 25 bytes"),
            ("symbols of another table's names", symbols + 40, [0xff], "holds no texts"),
            ("a symbol of no section", firstSymbol + 6, [0xf0, 0xff], "outside the file"),
            ("a symbol without name", firstSymbol, [0xff, 0xff, 0xff, 0x7f], "outside the file"),
        ]
        for (what, place, value, words) in faults {
            var bytes = sound
            bytes.replaceSubrange(place..<place + value.count, with: value)
            guard case .notInspected(let reason) = ObjectInspection.inspect(PluginTrailer.appended(to: bytes)) else {
                Issue.record("\(what) was inspected")
                continue
            }
            #expect(reason.contains(words), "\(what): \(reason)")
        }
    }

    /// Symbols that name all of the code again and again, and code that is nothing but jumps backwards, take no time.
    @Test func codeMadeToTakeTime() async throws {
        let sound = try await plugin(try Target(named: "x86-64-v3"))
        let jumps = PluginSource(
            kernels: [
                CSource(
                    fileName: "jumps.c",
                    text: "__attribute__((naked, used, visibility(\"hidden\"))) void jumps(void) { __asm__ volatile(\".rept 100000\\n.byte 0xeb, 0xfe\\n.endr\"); }\n")
            ], table: HandWritten.table, headers: [])
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: LogCollector().logger)
        let start = ContinuousClock.now
        guard case .inspected(let facts) = try await builder.build(jumps, target: try Target(named: "x86-64-v3")).inspection else {
            Issue.record("not inspected")
            return
        }
        #expect(facts.functions.map(\.instructions) == [100_000])
        #expect(ContinuousClock.now - start < .seconds(60))
        // All symbols as long as the largest that is allowed.
        var bytes = sound
        let table = integer(sound, 40, 8)
        let symbols = try #require((0..<integer(sound, 60, 2)).map { table + $0 * 64 }.first { integer(sound, $0 + 4, 4) == 2 })
        let first = integer(sound, symbols + 24, 8)
        for place in stride(from: first + 24, to: first + integer(sound, symbols + 32, 8), by: 24) {
            bytes.replaceSubrange(place + 16..<place + 24, with: [0, 0, 0, 1, 0, 0, 0, 0])
        }
        #expect(
            ObjectInspection.inspect(PluginTrailer.appended(to: bytes))
                == .notInspected(reason: "its functions have more than 16777216 bytes together"))
    }
}
