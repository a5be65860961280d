import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import _TestSupport

/// The reports that `--json` writes for other programs, as `Documentation/command-line.md` lists them.
@Suite struct ReportTests {
    /// A report on standard output, which has nothing else.
    private func report(_ arguments: [String], status: Int32 = 0, environment: [String: String] = [:]) throws -> JSONObject {
        let outcome = try Voxelsmith.run(arguments + ["--json", "-"], environment: environment)
        #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
        return try #require(try JSONValue(parsing: outcome.output.utf8).object, "\(arguments): \(outcome.output)")
    }

    private func number(_ value: JSONValue?) -> Double? {
        switch value {
        case .integer(let number)?: Double(number)
        case .number(let number)?: number
        default: nil
        }
    }

    @Test func buildVerifyRunCache() throws {
        let folder = try TemporaryFolder()
        let odd = TinyLayer.json(name: "odd").replacing("\"strides\": [2, 2, 1]", with: "\"strides\": [1, 1, 70000]")
        let layers = try folder.write("layers.json", "[\(odd), \(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b"))]")
        let environment = ["XDG_CACHE_HOME": try folder.makeFolder("cache")]
        let plugin = folder.path("p.so")

        let built = try report(["build", layers, "-o", plugin], environment: environment)
        #expect(built["plugin"]?.string == plugin && built["digest"]?.string?.count == 64)
        #expect(built["bytes"] == .integer(try Data(contentsOf: URL(fileURLWithPath: plugin)).count))
        for key in ["target", "instruction_set", "clang"] { #expect(built[key]?.string?.isEmpty == false, "\(key)") }
        #expect(built["compiled_units"] == .integer(2) && built["cached_units"] == .integer(0))
        let kernel = try #require(built["kernels"]?.array?.first?.object)
        #expect(built["kernels"]?.array?.count == 1)
        #expect(kernel["layers"]?.array == [.string("a"), .string("b")])
        #expect(kernel["key"]?.string?.hasPrefix("transposedConvolution;") == true && kernel["schedule"]?.string?.isEmpty == false)
        let left = try #require(built["interpreted"]?.array?.first?.object)
        #expect(left["name"]?.string == "odd" && left["reason"]?.string?.contains("70000") == true)
        #expect(built["verification"]?.object?["earlier"] == .bool(false))
        let again = try report(["build", layers, "-o", plugin], environment: environment)
        #expect(again["verification"]?.object?["earlier"] == .bool(true) && again["cached_units"] == .integer(2))

        let verified = try report(["verify", plugin])
        #expect(verified["plugin"]?.string == plugin && verified["sound"] == .bool(true))
        let verdict = try #require(verified["kernels"]?.array?.first?.object)
        #expect(verdict["name"] == kernel["name"] && verdict["sound"] == .bool(true) && verdict["interruption"] == nil)
        let checks = try #require(verdict["checks"]?.array)
        #expect(checks.count > 3 && checks.allSatisfy { $0.object?["name"]?.string != nil && $0.object?["failure"] == nil })

        let cache = try report(["cache"], environment: environment)
        #expect(cache["folder"]?.string == folder.path("cache") + "/voxelsmith" && cache["entries"] == .integer(3) && cache["removed"] == nil)
        let cleared = try report(["cache", "--clear"], environment: environment)
        #expect(cleared["entries"] == .integer(0) && cleared["bytes"] == .integer(0))
        #expect(cleared["removed"]?.object?["entries"] == .integer(3) && cleared["removed"]?.object?["bytes"] == cache["bytes"])
    }

    @Test func runSaysWhatComputedAndWhatDiffers() throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun() + [folder.path("y.npy")]
        let computed = try report(run + ["--report", "--threads", "1"])
        #expect(computed["output"]?.string == folder.path("y.npy") && computed["element_type"]?.string == "float32")
        #expect(computed["shape"]?.array == TinyLayer.outputShape.map { .integer($0) } && computed["threads"] == .integer(1))
        let layer = try #require(computed["layers"]?.array?.first?.object)
        #expect(layer["name"]?.string == "tiny" && layer["specialized"] == .bool(false) && layer["kernel"]?.string?.isEmpty == false)
        #expect(layer["reason"]?.string?.hasPrefix("interpreter: no plugin is loaded; channels_last by ") == true)
        let times = try #require(layer["measurement"]?.object)
        for key in ["median_ms", "gflops", "interpreter_ms", "speedup"] { #expect(number(times[key]) ?? 0 > 0, "\(key)") }
        #expect(computed["expected"] == nil && computed["psnr"] == nil)

        try FileManager.default.copyItem(atPath: folder.path("y.npy"), toPath: folder.path("e.npy"))
        let agreeing = try #require(try report(run + ["--expect", folder.path("e.npy")])["expected"]?.object)
        #expect(agreeing["agrees"] == .bool(true) && number(agreeing["worst_difference"]) == 0 && number(agreeing["values"]) == 1200)
        try NPY.write(TinyLayer.random(TinyLayer.outputShape, seed: 9), to: folder.path("e.npy"))
        let differing = try #require(try report(run + ["--expect", folder.path("e.npy")], status: 1)["expected"]?.object)
        #expect(differing["agrees"] == .bool(false) && number(differing["worst_difference"]) ?? 0 > number(differing["tolerance"]) ?? 0)
    }

    /// A result that is the truth has an infinite ratio, which JSON cannot say.
    @Test func infiniteRatiosAreLeftOut() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write(
            "l.json",
            "{\"class_name\": \"Conv3DTranspose\", \"config\": {\"name\": \"n\", \"filters\": 1, \"kernel_size\": 1, \"use_bias\": false}}")
        try NPY.write(TinyLayer.random([1, 4, 2, 2, 1], seed: 1), to: folder.path("x.npy"))
        try NPZFile.write([("kernel", TinyLayer.random([1, 1, 1, 1, 1], seed: 2))], to: folder.path("w.npz"))
        let run = ["run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")]
        #expect(try Voxelsmith.run(run).status == 0)
        try FileManager.default.copyItem(atPath: folder.path("y.npy"), toPath: folder.path("t.npy"))
        let ratios = try #require(try report(run + ["--truth", folder.path("t.npy")])["psnr"]?.object)
        #expect(ratios["result"] == nil && number(ratios["interpolation"]) != nil)
    }

    /// A model is measured layer by layer and as a whole; one with layers that are not computed here by its layers alone.
    @Test func benchMeasuresModelsAsAWhole() throws {
        let folder = try TemporaryFolder()
        func model(_ name: String, _ between: String) throws -> String {
            try folder.write(
                name,
                """
                {"class_name": "Sequential", "config": {"name": "m", "layers": [
                 {"class_name": "InputLayer", "config": {"batch_shape": [null, 4, 5, 6, 2], "name": "x"}},
                 {"class_name": "Conv3D", "config": {"name": "first", "filters": 3, "kernel_size": [1, 2, 3], "padding": "same"}},
                 \(between)
                 {"class_name": "Conv3DTranspose", "config": {"name": "second", "filters": 4, "kernel_size": 2, "strides": [2, 1, 2]}}]}}
                """)
        }
        let layers = try model("model.json", "{\"class_name\": \"Activation\", \"config\": {\"name\": \"between\", \"activation\": \"relu\"}},")
        let bench = try report(["bench", layers, "--seconds", "0", "--threads", "1"])
        #expect(bench["results"]?.array?.count == 2)
        let whole = try #require(bench["whole"]?.object)
        for key in ["median_ms", "min_ms", "first_ms", "gflop", "gflops", "interpreter_ms", "speedup"] { #expect(number(whole[key]) ?? 0 > 0, "\(key)") }
        #expect(number(whole["min_ms"]) ?? 1 <= number(whole["median_ms"]) ?? 0)
        #expect(whole["input_shapes"]?.array == [[1, 4, 5, 6, 2]] && whole["output_shapes"]?.array == [[1, 8, 6, 12, 4]])
        #expect(whole["convolutions"] == .integer(2) && whole["specialized"] == .integer(0) && whole["threads"] == .integer(1))
        #expect(whole["calls"] == .integer(20) && number(whole["worst_difference_over_largest"]) == 0)
        // Of both layers together.
        let parts = (bench["results"]?.array ?? []).compactMap { number($0.object?["gflop"]) }
        #expect(abs((number(whole["gflop"]) ?? 0) - parts.reduce(0, +)) < 1e-12)
        let shown = try Voxelsmith.run(["bench", layers, "--seconds", "0", "--threads", "1", "--input-shape", "2,3,3,3,2"])
        #expect(shown.output.contains("model  convolutions  specialised"), "\(shown.output)")

        let unknown = try model("unknown.json", "{\"class_name\": \"Mystery\", \"config\": {\"name\": \"between\"}},")
        let partly = try Voxelsmith.run(["bench", unknown, "--seconds", "0", "--threads", "1", "--json", folder.path("b.json")])
        #expect(partly.status == 0 && partly.errors.contains("The model as a whole is not measured."), "\(partly.errors)")
        let written = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: folder.path("b.json"))))
        #expect(written.object?["whole"] == nil && written.object?["results"]?.array?.count == 1)
    }

    /// What a call costs besides its kernel is measured of ordinary layers too.
    @Test func overheadOfAnOrdinaryLayer() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write(
            "down.json",
            """
            {"class_name": "Conv3D", "config": {"name": "down", "filters": 3, "kernel_size": 2, "strides": 2},
             "build_config": {"input_shape": [1, 4, 6, 8, 2]}}
            """)
        let outcome = try Voxelsmith.run(["bench", layer, "--overhead", "--seconds", "0.01", "--threads", "1"])
        #expect(outcome.status == 0 && outcome.output.contains("largest overhead"), "\(outcome)")
        #expect(outcome.output.split(separator: "\n").contains { $0.hasPrefix("down ") }, "\(outcome.output)")
    }

    /// Without a file the report goes to standard output, in a file it leaves the text there.
    @Test func reportsGoWhereTheyAreWanted() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let environment = ["XDG_CACHE_HOME": folder.path("cache")]
        let bare = try Voxelsmith.run(["cache", "--json"], environment: environment)
        #expect(try JSONValue(parsing: bare.output.utf8).object?["entries"] == .integer(0))
        let filed = try Voxelsmith.run(["cache", "--json", folder.path("c.json")], environment: environment)
        #expect(filed.status == 0 && filed.output.contains("0 entries"))
        #expect(try String(contentsOfFile: folder.path("c.json"), encoding: .utf8) == bare.output)
        let bench = try report(["bench", layer, "--seconds", "0", "--threads", "1"])
        #expect(bench["results"]?.array?.count == 1)
        let tuned = try report(["tune", layer, "--tunings", folder.path("t.json"), "--time-limit", "1", "--threads", "1", "-q"])
        #expect(tuned["results"]?.array?.count == 1)
        // What has no report says so.
        let overhead = try Voxelsmith.run(["bench", layer, "--overhead", "--json", folder.path("o.json")])
        #expect(overhead.status == 64 && isOneSentence(overhead.errors) && overhead.errors.contains("--overhead"), "\(overhead.errors)")
        // A report that cannot be written is an error.
        let nowhere = try Voxelsmith.run(["cache", "--json", folder.path("no/such/c.json")], environment: environment)
        #expect(nowhere.status == 1 && isOneSentence(nowhere.errors), "\(nowhere.errors)")
        // On a busy machine a second is over before anything is measured, and then there are no tunings to write.
        #expect(try folder.names().filter { $0 != "t.json" } == ["c.json", "layer.json"])
    }
}
