import Testing
import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// The record beside a plugin spares a verification, so nothing but a whole record of these very bytes is believed.
@Suite struct VerificationRecordTests {
    private let plugin: PluginFile
    private let sound: String

    init() throws {
        let folder = try TemporaryFolder()
        plugin = try PluginFile(path: HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), name: "k").build(in: folder))
        sound = #"{"digest": "\#(plugin.digest)", "seconds": 1.5, "kernels": [{"name": "k", "checks": 8, "seconds": 1.5}]}"#
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let record = try #require(VerificationRecord(Array(sound.utf8), of: plugin))
        #expect(record.digest == plugin.digest && record.seconds == 1.5 && record.kernels.map(\.checks) == [8])
        #expect(VerificationRecord(Array(record.text.utf8), of: plugin) == record)
    }

    @Test func whatSaysLessIsNotBelieved() {
        for (from, to) in [
            (plugin.digest, String(plugin.digest.reversed())), ("\"name\": \"k\"", "\"name\": \"other\""), ("\"checks\": 8", "\"checks\": 0"),
            ("\"checks\": 8", "\"checks\": 8.5"), ("[{", "[{}, {"), ("[{\"name\": \"k\", \"checks\": 8, \"seconds\": 1.5}]", "[]"),
            ("\"seconds\": 1.5,", "\"seconds\": -1,"),
            ("\"kernels\"", "\"kernel\""), ("}]}", "}]"), (sound, ""), (sound, "null"),
        ] {
            let changed = sound.replacing(from, with: to, maxReplacements: 1)
            #expect(changed != sound && VerificationRecord(Array(changed.utf8), of: plugin) == nil, "\(to)")
        }
    }

    /// A machine verifies what it can run. The record of a lesser one spares nothing here, that of a greater one does.
    @Test func kernelsThatCannotBeRunMayBeMissing() throws {
        let folder = try TemporaryFolder()
        var hand = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "wide", features: "VS_CPU_SSE42 | VS_CPU_AVX2")
        hand.others = [("narrow", "VS_CPU_SSE42"), ("plain", "0")]
        let plugin = try PluginFile(path: hand.build(in: folder))
        func believed(_ names: [String], on features: Set<Target.Feature>) -> [String]? {
            let kernels = names.map { #"{"name": "\#($0)", "checks": 8, "seconds": 1}"# }.joined(separator: ", ")
            let text = #"{"digest": "\#(plugin.digest)", "seconds": 3, "kernels": [\#(kernels)]}"#
            return VerificationRecord(Array(text.utf8), of: plugin, features: features)?.kernels.map(\.name)
        }
        let all = ["wide", "narrow", "plain"]
        for features in [[], [.sse42], [.sse42, .avx2]] as [Set<Target.Feature>] { #expect(believed(all, on: features) == all) }
        #expect(believed(["narrow", "plain"], on: [.sse42]) == ["narrow", "plain"])
        #expect(believed(["plain"], on: [.avx2]) == ["plain"])
        for (names, features) in [
            (["narrow", "plain"], [.sse42, .avx2]), (["plain"], [.sse42]), (["wide", "narrow"], []), ([], []), (["plain", "narrow"], [.sse42]),
            (["narrow", "plain", "plain"], [.sse42]), (["narrow", "plain", "other"], [.sse42]),
        ] as [([String], Set<Target.Feature>)] {
            #expect(believed(names, on: features) == nil, "\(names) on \(features)")
        }
        // Where nothing can be run, nothing but a whole record counts.
        let foreign = try PluginFile(path: HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), name: "k", features: "VS_CPU_AVX2").build(in: folder, as: "f.so"))
        let empty = #"{"digest": "\#(foreign.digest)", "seconds": 0, "kernels": []}"#
        #expect(VerificationRecord(Array(empty.utf8), of: foreign, features: []) == nil)
    }

    @Test func damagedRecordsFuzz() throws {
        let sample = Array(sound.utf8)
        let result = Fuzzing("record", count: 2000).run { random in
            random.integer(0...1) == 0 ? Fuzzing.alteredJSON(sample, &random) : Fuzzing.damaged(sample, &random)
        } body: { index, bytes in
            guard let record = VerificationRecord(bytes, of: plugin) else { return "refused" }
            let stated = try? JSONValue(parsing: bytes).object
            #expect(stated?["digest"]?.string == plugin.digest && record.digest == plugin.digest, "case \(index)")
            #expect(record.kernels.map(\.name) == ["k"] && record.kernels.allSatisfy { $0.checks >= 1 && $0.seconds >= 0 }, "case \(index)")
            #expect(stated?["kernels"]?.array?.first?.object?["checks"] == .integer(record.kernels[0].checks), "case \(index)")
            return "read"
        }
        #expect(result["read"] > 0 && result["refused"] > result["read"], "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }
}
