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
