import Testing
import VoxLayerSpec
import VoxPregeneration

/// Reading `voxelsmith.json`.
@Suite struct PregenerationPlanTests {
    private func plan(_ text: String) throws -> PregenerationPlan { try PregenerationPlan(bytes: Array(text.utf8), path: "app/voxelsmith.json") }

    @Test func everyMemberIsRead() throws {
        let plan = try plan(
            #"{"layers": ["decoder.keras", "../up.json"], "targets": ["aarch64-neon", "x86-64-v2"], "policy": "direct", "#
                + #""tunings": "fleet.json", "threads": 8, "optional": true}"#)
        #expect(plan.layers == ["decoder.keras", "../up.json"] && plan.inputs == plan.layers + ["fleet.json"])
        #expect(plan.tunings == "fleet.json" && plan.threads == 8 && plan.isOptional)
        #expect(plan.targets == [Target(.aarch64NEON), Target(.x86_64_v2)])
        #expect(plan.policy == .direct)
    }

    /// For the architecture of the machine that builds, never for its processor.
    @Test func layersAloneSuffice() throws {
        let plan = try plan(#"{"layers": ["up.json"]}"#)
        #expect(plan.policy == .fast && plan.tunings == nil && plan.threads == nil && !plan.isOptional && plan.inputs == ["up.json"])
        #if arch(arm64)
            #expect(plan.targets.map(\.name) == ["aarch64-neon"])
        #else
            #expect(plan.targets.map(\.name) == ["x86-64-v4", "x86-64-v3"])
        #endif
    }

    @Test func whatIsWrongIsNamedWithItsField() throws {
        func field(_ name: String, _ received: String, _ expected: String) -> String {
            "The field \(name) of app/voxelsmith.json is not what it must be: received \(received); expected \(expected)."
        }
        let paths = "the paths of files with layers, seen from the folder of this file"
        let tunings = "the path of a file that `voxelsmith tune` wrote, seen from the folder of this file"
        let targets = "x86-64-v4, x86-64-v3, x86-64-v2, aarch64-neon"
        for (text, sentence) in [
            (#"{"targets": ["x86-64-v4"]}"#, field("layers", "nothing", "a list of \(paths)")),
            (#"{"layers": "up.json"}"#, field("layers", "\"up.json\"", "a list of \(paths), at least one")),
            (#"{"layers": []}"#, field("layers", "[]", "a list of \(paths), at least one")),
            (#"{"layers": ["a", 1]}"#, field("layers[1]", "1", "one of \(paths)")),
            (#"{"layers": ["a", "a"]}"#, field("layers[1]", "\"a\"", "each of \(paths) once")),
            (#"{"layers": [""]}"#, field("layers[0]", "\"\"", "one of \(paths)")),
            (#"{"layers": ["/up.json"]}"#, field("layers[0]", "\"/up.json\"", "one of \(paths)")),
            (#"{"layers": null}"#, field("layers", "null", "a list of \(paths), at least one")),
            (#"{"layers": ["a"], "targets": "x86-64-v4"}"#, field("targets", "\"x86-64-v4\"", "a list of \(targets), at least one")),
            (#"{"layers": ["a"], "targets": []}"#, field("targets", "[]", "a list of \(targets), at least one")),
            (#"{"layers": ["a"], "targets": [4]}"#, field("targets[0]", "4", "one of \(targets)")),
            (#"{"layers": ["a"], "targets": ["x86-64-v3", "native"]}"#, field("targets[1]", "\"native\"", "one of \(targets)")),
            (#"{"layers": ["a"], "targets": ["x86-64-v3", "x86-64-v3"]}"#, field("targets[1]", "\"x86-64-v3\"", "each of \(targets) once")),
            (#"{"layers": ["a"], "policy": "quick"}"#, field("policy", "\"quick\"", "one of direct, fast")),
            (#"{"layers": ["a"], "policy": true}"#, field("policy", "true", "one of direct, fast")),
            (#"{"layers": ["a"], "tunings": ["t"]}"#, field("tunings", "[\"t\"]", tunings)),
            (#"{"layers": ["a"], "tunings": "/t.json"}"#, field("tunings", "\"/t.json\"", tunings)),
            (#"{"layers": ["a"], "threads": 0}"#, field("threads", "0", "a whole number from 1 to 4096")),
            (#"{"layers": ["a"], "threads": 1.5}"#, field("threads", "1.5", "a whole number from 1 to 4096")),
            (#"{"layers": ["a"], "optional": "yes"}"#, field("optional", "\"yes\"", "true or false")),
            (
                #"{"layers": ["a"], "target": ["x86-64-v3"]}"#,
                "The file app/voxelsmith.json has a field \"target\"; expected none but layers, targets, policy, tunings, threads, optional."
            ),
        ] {
            #expect(throws: (any Error).self, "\(text)") { try plan(text) }
            do { _ = try plan(text) } catch { #expect("\(error)" == sentence, "\(text)") }
        }
        for text in ["", "{", "[]", "\"layers\"", "{\"layers\": [\"a\"]", "{\"layers\": [\"a\"]} x", "\u{0}"] {
            do {
                _ = try plan(text)
                Issue.record("\(text) was read")
            } catch {
                #expect("\(error)".hasPrefix("The file app/voxelsmith.json is not what it must be: "), "\(text)")
            }
        }
    }

    /// No bytes crash the reader.
    @Test func damagedFilesAreReadOrRefused() throws {
        let good = Array(#"{"layers": ["decoder.keras", "up.json"], "targets": ["x86-64-v4"], "policy": "fast"}"#.utf8)
        for position in good.indices {
            for byte in [0, 0x22, 0x5B, 0x7B, 0x80, 0xFF] as [UInt8] {
                var bytes = good
                bytes[position] = byte
                do throws(PregenerationError) { _ = try PregenerationPlan(bytes: bytes, path: "p") } catch { #expect(!error.description.isEmpty) }
            }
        }
    }

    @Test func layersThatNobodyWatchesAreRefused() throws {
        let plan = try plan(#"{"layers": ["up.json", "../down.json"]}"#)
        try plan.check(planned: ["other.json", "../down.json", "up.json"], path: "p")
        #expect(throws: PregenerationError.unplannedFile(path: "p", file: "../down.json")) {
            try plan.check(planned: ["up.json", "down.json"], path: "p")
        }
    }
}
