import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import VoxTensorIO
import _TestSupport

/// The verbs with plugins for several targets.
@Suite struct SeveralTargetsVerbTests {
    private static let all = ["x86-64-v4", "x86-64-v3", "x86-64-v2"]
    private static let several = all.flatMap { ["--target", $0] }

    private func json(_ text: String) throws -> JSONObject { try #require(try JSONValue(parsing: text.utf8).object, "\(text)") }

    #if arch(x86_64)
    /// Kernels for each target in one file. Those that this machine can run are verified, and the rest is said.
    @Test func buildDescribeVerifyRun() throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let (layer, plugin) = (folder.path("layer.json"), folder.path("p.so"))
        let built = try Voxelsmith.run(["build", layer, "-o", plugin, "--json", folder.path("b.json")] + Self.several)
        #expect(built.status == 0, "\(built)")
        #expect(built.output.contains("p.so: 3 kernels for x86-64-v4, x86-64-v3, x86-64-v2, "), "\(built)")
        let report = try json(String(contentsOfFile: folder.path("b.json"), encoding: .utf8))
        #expect(report["target"]?.string == "x86-64-v4, x86-64-v3, x86-64-v2" && report["instruction_set"] == report["target"])
        let kernels = try #require(report["kernels"]?.array).compactMap(\.object)
        #expect(kernels.map { $0["target"]?.string } == Self.all)
        #expect(kernels.allSatisfy { $0["layers"]?.array == [.string("tiny")] })
        let names = kernels.compactMap { $0["name"]?.string }

        let described = try Voxelsmith.run(["describe", plugin, "--json"])
        let contents = try json(described.output)
        #expect(contents["machine"]?.string == "x86_64" && contents["targets"]?.array == Self.all.map { .string($0) })
        #expect(contents["kernels"]?.array?.compactMap { $0.object?["name"]?.string } == names)
        for arguments in [[], ["--short"]] {
            let text = try Voxelsmith.run(["describe", plugin] + arguments).output
            #expect(text.contains("3 kernels for x86_64 (x86-64-v4, x86-64-v3, x86-64-v2), "), "\(text)")
            for name in names { #expect(text.contains(name)) }
        }

        // In the other order the same bytes; the record of the first verification holds.
        let again = try Voxelsmith.run(["build", layer, "-o", plugin] + Self.all.reversed().flatMap { ["--target", $0] })
        #expect(try json(Voxelsmith.run(["describe", plugin, "--json"]).output)["digest"] == contents["digest"])

        let verified = try Voxelsmith.run(["verify", plugin, "--json", folder.path("v.json")])
        #expect(verified.status == 0 && !verified.output.contains("FAILED"), "\(verified)")
        let verdicts = try json(String(contentsOfFile: folder.path("v.json"), encoding: .utf8))
        let sound = try #require(verdicts["kernels"]?.array).compactMap { $0.object?["name"]?.string }
        let omitted = try #require(verdicts["omitted"]?.array).compactMap(\.object)
        #expect(verdicts["sound"] == .bool(true) && omitted.compactMap { $0["name"]?.string } == names.filter { !sound.contains($0) })
        // What a machine cannot run stands before what it can.
        #expect(!sound.isEmpty && sound == Array(names.suffix(sound.count)))
        let verification = try #require(report["verification"]?.object)
        #expect(verification["omitted"]?.array == omitted.compactMap { $0["name"] } && verification["earlier"] == .bool(false))
        #expect(again.output.contains("earlier: \(plugin).verification.json"), "\(again)")
        for (target, name) in zip(Self.all, names) where !sound.contains(name) {
            #expect(built.errors.contains("warning: Not verified for \(target), as this machine lacks "), "\(built)")
            #expect(verified.output.contains("\(name)\n  not verified: Kernel \(name) of plugin "), "\(verified)")
        }
        let rest = omitted.isEmpty ? "" : ", \(omitted.count) not, as this machine cannot run them"
        #expect(verified.output.hasSuffix("\(plugin): \(sound.count) kernel\(sound.count == 1 ? "" : "s") verified\(rest)\n"), "\(verified)")

        // The best that fits, without a word about the others.
        let computed = try Voxelsmith.run(
            run + [folder.path("y.npy"), "--plugin", plugin, "--kernel", "specialized", "--json", folder.path("r.json")])
        #expect(computed.status == 0 && computed.errors.isEmpty, "\(computed)")
        let layers = try #require(json(String(contentsOfFile: folder.path("r.json"), encoding: .utf8))["layers"]?.array)
        #expect(layers.first?.object?["kernel"]?.string == sound.first)
        #expect(try Voxelsmith.run(run + [folder.path("z.npy"), "--kernel", "interpreter"]).status == 0)
        let (y, z) = (try NPY.read(path: folder.path("y.npy")), try NPY.read(path: folder.path("z.npy")))
        #expect(y.floats.contains { $0 != 0 } && zip(y.floats, z.floats).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    #endif

    /// A kernel that no machine can run, beside one that every machine can.
    @Test func verifyNamesWhatItCannotRun() throws {
        let folder = try TemporaryFolder()
        var hand = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "usable")
        hand.others = [("foreign", "UINT64_C(1) << 60")]
        let plugin = try hand.build(in: folder)
        let outcome = try Voxelsmith.run(["verify", plugin])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let reason = "Kernel foreign of plugin \(plugin) needs processor features 0x1000000000000000, which this version does not know."
        #expect(outcome.output.contains("foreign\n  not verified: \(reason)\n\(plugin): 1 kernel verified, 1 not, as this machine cannot run them\n"), "\(outcome)")
        let report = try json(Voxelsmith.run(["verify", plugin, "--json", "-"]).output)
        let omitted = try #require(report["omitted"]?.array?.first?.object)
        #expect(omitted["name"]?.string == "foreign" && omitted["reason"]?.string == reason && report["omitted"]?.array?.count == 1)
        #expect(report["sound"] == .bool(true) && report["kernels"]?.array?.count == 1)

        // Quietly, an unsound kernel is named and the others are not.
        var wrong = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "wrong", atRun: "return 7;")
        wrong.others = hand.others
        let unsound = try Voxelsmith.run(["verify", wrong.build(in: folder), "--quiet"])
        #expect(unsound.status == 1 && unsound.output.contains("wrong\n") && !unsound.output.contains("foreign"), "\(unsound)")
        #expect(isOneSentence(unsound.errors) && unsound.errors.contains("Verification failed for 1 of the kernels of "), "\(unsound)")
    }

    @Test func targetsThatDoNotGoTogetherAreWrongUsage() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for (targets, sentence) in [
            (["x86-64-v3", "aarch64-neon"], "Received the targets x86-64-v3 and aarch64-neon for one plugin; expected targets of one processor family"),
            (["x86-64-v3", "x86-64-v4", "x86-64-v3"], "Received the targets x86-64-v3 and x86-64-v3 for one plugin, which stand for one instruction set"),
            (["x86-64-v3", "pdp11"], "pdp11"),
        ] {
            let outcome = try Voxelsmith.run(["build", layer, "-o", folder.path("p.so")] + targets.flatMap { ["--target", $0] })
            #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains(sentence), "\(outcome)")
        }
        #expect(try folder.names() == ["layer.json"])
    }
}
