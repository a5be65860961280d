import Foundation
import Testing
import VoxKerasConfig
import _TestSupport

/// `tune`, and the options of `build` that read and write what it finds.
@Suite struct TuningVerbTests {
    /// Decisions of the whole file, as text.
    private func schedule(_ plugin: String) throws -> String {
        let described = try Voxelsmith.run(["describe", plugin, "--json"])
        let kernels = try JSONValue(parsing: described.output.utf8).object?["kernels"]?.array
        return try #require(kernels?.first?.object?["schedule"]?.string)
    }

    @Test func tuneThenBuild() throws {
        let folder = try TemporaryFolder()
        let (layer, tunings, plugin) = (try folder.write("layer.json", TinyLayer.json()), folder.path("t.json"), folder.path("p.so"))
        let tuned = try Voxelsmith.run([
            "tune", layer, "--tunings", tunings, "--threads", "1", "--time-limit", "3", "--json", folder.path("r.json"),
        ])
        #expect(tuned.status == 0, "\(tuned.errors)")
        #expect(tuned.output.contains("estimate/best") && tuned.output.contains("on the median layer"), "\(tuned.output)")
        let report = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: folder.path("r.json"))))
        for key in ["machine", "threads", "command", "median_share", "worst_share"] { #expect(report.object?[key]?.isNull == false, "\(key)") }
        let result = try #require(report.object?["results"]?.array?.first?.object)
        for key in ["name", "key", "tried", "dropped", "estimate_ms", "best_ms", "estimate_gflops", "best_gflops", "share"] {
            #expect(result[key]?.isNull == false, "\(key)")
        }
        #expect(result["state"] == "measured")
        let best = try #require(result["schedule"]?.string)

        // The file says it already.
        let again = try Voxelsmith.run(["tune", layer, "--tunings", tunings, "--threads", "1"])
        #expect(again.status == 0 && again.output.contains("earlier") && again.output.contains(best), "\(again)")

        // build uses the decision, whatever it is: another one than the estimate is put in.
        var text = try String(contentsOfFile: tunings, encoding: .utf8)
        for unroll in [1, 2, 3, 4] { text = text.replacing("\"unroll\": \(unroll)", with: "\"unroll\": 6") }
        _ = try folder.write("t.json", text)
        let built = try Voxelsmith.run(["build", layer, "-o", plugin, "--tunings", tunings, "--threads", "1"])
        #expect(built.status == 0 && built.errors.isEmpty, "\(built)")
        #expect(try schedule(plugin).hasSuffix("unroll6"))

        // Of another machine or number of threads: noted, and not used.
        for (wrong, words) in [(text.replacing("\"cpu\": \"", with: "\"cpu\": \"un"), "of another machine"), (text, "for another number of threads")] {
            _ = try folder.write("t.json", wrong)
            let threads = wrong == text ? "2" : "1"
            let other = try Voxelsmith.run(["build", layer, "-o", plugin, "--tunings", tunings, "--threads", threads])
            #expect(other.status == 0 && isOneSentence(other.errors) && other.errors.contains(words), "\(other)")
            #expect(try !schedule(plugin).hasSuffix("unroll6"))
        }
    }

    @Test func buildMeasures() throws {
        let folder = try TemporaryFolder()
        let (layer, tunings) = (try folder.write("layer.json", TinyLayer.json()), folder.path("t.json"))
        let common = ["build", layer, "-o", folder.path("p.so"), "--effort", "measure", "--time-limit", "2", "--threads", "1"]
        let built = try Voxelsmith.run(common + ["--tunings", tunings])
        #expect(built.status == 0 && built.output.contains("1 kernel for native"), "\(built)")
        let records = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: tunings))).object?["records"]?.array
        #expect(records?.count == 1)
        let withoutFile = try Voxelsmith.run(common)
        #expect(withoutFile.status == 0, "\(withoutFile.errors)")
        #expect(try folder.names() == ["layer.json", "p.so", "p.so.verification.json", "t.json"])
    }

    @Test func withoutTimeTheEstimateStays() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        let tuned = try Voxelsmith.run(["tune", layers, "--tunings", folder.path("t.json"), "--time-limit", "0.000001"])
        #expect(tuned.status == 0, "\(tuned)")
        for name in ["a", "b"] { #expect(tuned.errors.contains("Layer \"\(name)\" was not measured and keeps the estimate"), "\(tuned.errors)") }
        #expect(try folder.names() == ["layers.json"])
    }

    @Test func wrongFilesAndOptions() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let damaged = try folder.write("damaged.json", "{\"format\": \"voxelsmith-tunings\", \"version\": 1, \"records\": [{\"key\": 7}]}")
        for arguments in [
            ["build", layer, "-o", folder.path("p.so"), "--tunings", damaged], ["tune", layer, "--tunings", damaged],
            ["build", layer, "-o", folder.path("p.so"), "--effort", "measure", "--tunings", damaged],
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("records[0].key"), "\(outcome)")
        }
        let absent = try Voxelsmith.run(["build", layer, "-o", folder.path("p.so"), "--tunings", folder.path("absent.json")])
        #expect(absent.status == 1 && isOneSentence(absent.errors), "\(absent)")
        let foreign = try Voxelsmith.run(["tune", layer, "--tunings", folder.path("t.json"), "--target", "aarch64-neon"])
        #if arch(x86_64)
            #expect(foreign.status == 1 && isOneSentence(foreign.errors) && foreign.errors.contains("neon"), "\(foreign)")
        #endif
        for arguments in [
            ["tune", layer], ["tune", layer, "--tunings", "t.json", "--time-limit", "0"], ["tune", layer, "--tunings", "t.json", "--time-limit", "nan"],
            ["build", layer, "-o", folder.path("p.so"), "--effort", "patient"], ["build", layer, "-o", folder.path("p.so"), "--time-limit", "3"],
            ["tune", layer, "--tunings", "t.json", "--threads", "0"],
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 64 && isOneSentence(outcome.errors), "\(arguments): \(outcome)")
        }
        #expect(try folder.names() == ["damaged.json", "layer.json"])
    }
}
