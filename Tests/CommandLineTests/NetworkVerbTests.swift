import Foundation
import FoundationXML
import Testing
import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Whole networks at the command line: several inputs and outputs by name, layers without kernels, every step of a plan.
@Suite struct NetworkVerbTests {
    /// Two inputs, and two results that are exact whatever computes them; no convolution and no weight.
    private func two(_ folder: TemporaryFolder) throws -> String {
        func input(_ name: String) -> String {
            """
            {"class_name": "InputLayer", "name": "\(name)", "inbound_nodes": [], "config": {"batch_input_shape": [null, 2, 3, 1, 4], "name": "\(name)"}}
            """
        }
        func both(_ className: String, _ name: String) -> String {
            """
            {"class_name": "\(className)", "name": "\(name)", "config": {"name": "\(name)"}, "inbound_nodes": [[["a", 0, 0, {}], ["b", 0, 0, {}]]]}
            """
        }
        return try folder.write(
            "two.json",
            """
            {"class_name": "Functional", "config": {"name": "two", "layers": [
             \(input("a")), \(input("b")), \(both("Subtract", "less")), \(both("Multiply", "times"))],
             "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["less", 0, 0], ["times", 0, 0]]}}
            """)
    }

    /// Whole numbers that differ in every element and between inputs.
    private func numbers(_ shape: [Int], from start: Int) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float(start + 3 * $0 % 17) })
    }

    private func json(_ text: String) throws -> JSONObject { try #require(try JSONValue(parsing: text.utf8).object, "\(text)") }

    @Test func inputsAndOutputsHaveNames() throws {
        let folder = try TemporaryFolder()
        let model = try two(folder)
        let shape = [2, 2, 3, 1, 4]
        let (a, b) = (try numbers(shape, from: -5), try numbers(shape, from: 40))
        let less = try Tensor(shape: shape, zip(a.floats, b.floats).map { $0 - $1 })
        let times = try Tensor(shape: shape, zip(a.floats, b.floats).map { $0 * $1 })
        for (name, tensor) in [("a", a), ("b", b), ("less", less), ("times", times)] { try NPY.write(tensor, to: folder.path("\(name).npy")) }
        // In any order, and a path may have the mark.
        try NPY.write(b, to: folder.path("b=2.npy"))
        let run = ["run", model, "--input", "b=\(folder.path("b=2.npy"))", "--input", "a=\(folder.path("a.npy"))"]
        let outcome = try Voxelsmith.run(
            run + ["--output", "times=\(folder.path("t.npy"))", "--output", "less=\(folder.path("l.npy"))", "--tolerance", "0"]
                + ["--expect", "less=\(folder.path("less.npy"))", "--expect", "times=\(folder.path("times.npy"))", "--json", folder.path("r.json")])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("l.npy: less \(shape), computed by 2 layers") && outcome.output.contains("t.npy: times"), "\(outcome.output)")
        #expect(try NPY.read(path: folder.path("l.npy")).floats == less.floats)
        #expect(try NPY.read(path: folder.path("t.npy")).floats == times.floats)
        let report = try json(String(contentsOfFile: folder.path("r.json"), encoding: .utf8))
        let outputs = (report["outputs"]?.array ?? []).compactMap(\.object)
        #expect(outputs.map { $0["name"]?.string } == ["less", "times"] && report["output"] == nil && report["layers"] == [])
        #expect(outputs.allSatisfy { $0["expected"]?.object?["agrees"] == true && $0["shape"]?.array?.count == 5 })

        // One that differs fails, and says so in the report of both.
        let swapped = try Voxelsmith.run(
            run + ["--output", folder.path("all.npz"), "--expect", "less=\(folder.path("times.npy"))", "--json", folder.path("r.json")])
        #expect(swapped.status == 1 && isOneSentence(swapped.errors) && swapped.errors.contains("times.npy"), "\(swapped.errors)")
        // All results in one archive, by their names.
        let archive = try NPZFile(path: folder.path("all.npz"))
        #expect(archive.names == ["less", "times"])
        #expect(try archive.tensor("less").floats == less.floats && archive.tensor("times").floats == times.floats)

        // Without the batch axis, which then none of them has.
        for (name, tensor) in [("a", a), ("b", b)] {
            try NPY.write(Tensor(shape: Array(shape.dropFirst()), Array(tensor.floats[..<24])), to: folder.path("\(name).npy"))
        }
        let single = try Voxelsmith.run([
            "run", model, "--input", "a=\(folder.path("a.npy"))", "--input", "b=\(folder.path("b.npy"))", "--output", folder.path("all.npz"),
        ])
        #expect(single.status == 0, "\(single.errors)")
        let one = try NPZFile(path: folder.path("all.npz")).tensor("times")
        #expect(one.shape == [2, 3, 1, 4] && one.floats == Array(times.floats[..<24]))
    }

    @Test func wrongNamesAreOneSentence() throws {
        let folder = try TemporaryFolder()
        let model = try two(folder)
        let tiny = try folder.tinyRun()
        try NPY.write(numbers([2, 2, 3, 1, 4], from: 1), to: folder.path("x.npy"))
        try NPY.write(numbers([3, 2, 3, 1, 4], from: 1), to: folder.path("three.npy"))
        let before = try folder.names()
        let (x, y) = (folder.path("x.npy"), folder.path("y.npy"))
        let inputs = ["run", model, "--input", "a=\(x)", "--input", "b=\(x)"]
        let table: [([String], Int32, String)] = [
            (["run", model, "--input", x, "--output", y], 1, "Received --input without a name; expected --input NAME=FILE once for each of a, b."),
            (["run", model, "--input", "a=\(x)", "--output", y], 1, "Received no --input for b; expected one for each of a, b."),
            (["run", model, "--input", "a=\(x)", "--input", "c=\(x)", "--output", y], 1, "Received --input for \"c\"; expected a, b before"),
            (["run", model, "--input", "a=\(x)", "--input", "a=\(x)", "--output", y], 64, "Received --input twice for \"a\"; expected it once"),
            (["run", model, "--input", x, "--input", x, "--output", y], 64, "Received --input twice without a name; expected it once"),
            (inputs + ["--output", y], 1, "Received --output without a name; expected --output NAME=FILE once for each of less, times."),
            (inputs + ["--output", "less=\(y)"], 1, "Received no --output for times; expected one for each of less, times."),
            (inputs + ["--output", "less=\(y)", "--output", "times=\(y)"], 64, "the same file for --output less and for --output times"),
            (inputs + ["--output", "less=\(x)", "--output", "times=\(y)"], 64, "the same file for"),
            (inputs + ["--output", folder.path("y.npz"), "--expect", x], 1, "Received --expect without a name;"),
            (inputs + ["--output", folder.path("y.npz"), "--truth", x], 1, "Received --truth for a model that takes a, b and returns less, times;"),
            (
                ["run", model, "--input", "a=\(x)", "--input", "b=\(folder.path("three.npy"))", "--output", folder.path("y.npz")], 1,
                "Received [2, 3] samples of the inputs a, b; expected equal numbers."
            ),
            // A layer by itself has its own name at both ends.
            (tiny.map { $0 == x ? "other=\(x)" : $0 } + [y], 1, "Received --input for \"other\"; expected tiny before"),
            (tiny + ["tiny=\(y)", "--output", y], 64, "the same file for --output tiny and for --output"),
        ]
        for (arguments, status, words) in table {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == status && isOneSentence(outcome.errors) && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
        }
        #expect(try folder.names() == before)
    }

    @Test func aPathMayHaveTheMark() throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        #expect(try Voxelsmith.run(run + [folder.path("a=b.npy")]).status == 0)
        #expect(try Voxelsmith.run(run + ["tiny=\(folder.path("c=d.npy"))"]).status == 0)
        #expect(try folder.names().filter { $0.contains("=") } == ["a=b.npy", "c=d.npy"])
        #expect(try NPY.read(path: folder.path("a=b.npy")).floats == NPY.read(path: folder.path("c=d.npy")).floats)
    }

    /// An archive is one also where it holds a single result, with its name before the path or not.
    @Test func whatIsCalledAnArchiveIsOne() throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        for path in ["y.npy", "one.npz"] { #expect(try Voxelsmith.run(run + [folder.path(path)]).status == 0) }
        #expect(try Voxelsmith.run(run + ["tiny=\(folder.path("named.npz"))"]).status == 0)
        for path in ["one.npz", "named.npz"] {
            let archive = try NPZFile(path: folder.path(path))
            #expect(archive.names == ["tiny"])
            #expect(try archive.tensor("tiny").floats == NPY.read(path: folder.path("y.npy")).floats)
        }
    }

    /// Results of one layer get numbers, also where another layer has the name that this makes; long names fit into the picture as they are shown.
    @Test func namesAreToldApartAndFit() throws {
        let folder = try TemporaryFolder()
        let long = String(repeating: "\\n", count: 30)
        func layer(_ className: String, _ name: String, of input: String) -> String {
            "{\"class_name\": \"\(className)\", \"name\": \"\(name)\", \"config\": {\"name\": \"\(name)\"}, \"inbound_nodes\": [[[\"\(input)\", 0, 0, {}]]]}"
        }
        let model = try folder.write(
            "m.json",
            """
            {"class_name": "Functional", "config": {"name": "m", "layers": [
             {"class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": {"batch_input_shape": [null, 2, 3, 1, 4], "name": "x"}},
             \(layer("ReLU", long, of: "x")), \(layer("ReLU", "r", of: long)), \(layer("Flatten", "r[1]", of: long))],
             "input_layers": [["x", 0, 0]], "output_layers": [["r", 0, 0], ["r", 0, 0], ["r[1]", 0, 0]]}}
            """)
        try NPY.write(numbers([2, 2, 3, 1, 4], from: -9), to: folder.path("x.npy"))
        let all = try Voxelsmith.run(["run", model, "--input", folder.path("x.npy"), "--output", folder.path("y.npz")])
        #expect(all.status == 0, "\(all.errors)")
        let archive = try NPZFile(path: folder.path("y.npz"))
        #expect(archive.names == ["r", "r[1]", "r[1][1]"])
        #expect(try archive.tensor("r[1]").shape == [2, 2, 3, 1, 4] && archive.tensor("r[1][1]").shape == [2, 24])
        let files = ["r", "r[1]", "r[1][1]"].flatMap { ["--output", "\($0)=\(folder.path("\($0).npy"))"] }
        #expect(try Voxelsmith.run(["run", model, "--input", folder.path("x.npy")] + files).status == 0)
        #expect(try NPY.read(path: folder.path("r[1][1].npy")).shape == [2, 24])

        let bench = try Voxelsmith.run(["bench", model, "--seconds", "0", "--threads", "1", "--plot", folder.path("b.svg")])
        #expect(bench.status == 0, "\(bench.errors)")
        let picture = try String(contentsOfFile: folder.path("b.svg"), encoding: .utf8)
        let cut = String(repeating: "\\n", count: 17) + "\\\u{2026}"
        #expect(picture.contains(">\(cut)</text>") && picture.contains("<title>\(String(repeating: "\\n", count: 30)):"), "\(picture)")
    }

    /// What has no convolution is described, run and measured; what makes kernels says that there is nothing to make them for.
    @Test func networksWithoutConvolutions() throws {
        let folder = try TemporaryFolder()
        let model = try two(folder)
        let described = try Voxelsmith.run(["describe", model])
        #expect(described.status == 0 && described.output.contains("model \"two\" of 4 layers, 0 convolutions"), "\(described)")
        #expect(described.output.contains("input b [null, 2, 3, 1, 4]") && described.output.contains("output times"), "\(described.output)")
        let listed = try #require(try json(Voxelsmith.run(["describe", model, "--json"]).output)["model"]?.object)
        #expect((listed["layers"]?.array ?? []).map { $0.object?["name"]?.string } == ["a", "b", "less", "times"] && listed["parameters"] == 0)
        for arguments in [
            ["build", model, "-o", folder.path("p.so")], ["tune", model, "--tunings", folder.path("t.json")], ["emit", model], ["verify", model],
            ["bench", model, "--overhead"],
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 1 && isOneSentence(outcome.errors), "\(arguments): \(outcome.errors)")
            #expect(
                outcome.errors.contains("The model \"two\" has no convolution to make kernels for, but \"less\" (Subtract), \"times\" (Multiply)"),
                "\(arguments): \(outcome.errors)")
        }
        let bench = try Voxelsmith.run([
            "bench", model, "--seconds", "0", "--threads", "1", "--json", folder.path("b.json"), "--plot", folder.path("b.svg"), "--plot-rates",
            folder.path("r.svg"),
        ])
        #expect(bench.status == 0 && bench.output.contains("step") && !bench.output.contains("error/bound"), "\(bench)")
        let report = try json(String(contentsOfFile: folder.path("b.json"), encoding: .utf8))
        let whole = try #require(report["whole"]?.object)
        #expect(report["results"] == [] && whole["convolutions"] == 0 && whole["share_of_peak"] == nil)
        let steps = (whole["steps"]?.array ?? []).compactMap(\.object)
        #expect(!steps.isEmpty && steps.allSatisfy { $0["specialized"] == nil && $0["gflops"] == nil && $0["name"]?.string?.isEmpty == false })
        #expect(try folder.names() == ["b.json", "b.svg", "r.svg", "two.json"])
    }

    /// A chain whose file states no input has the shape that is stated beside it.
    @Test func chainsWithoutAnInputAreMeasured() throws {
        let folder = try TemporaryFolder()
        let chain = try folder.write(
            "chain.json",
            """
            {"class_name": "Sequential", "config": {"name": "s", "layers": [
             {"class_name": "ReLU", "config": {"name": "first"}}, {"class_name": "Flatten", "config": {"name": "flat"}}]}}
            """)
        for (shape, size) in [("2,3,4,5,6", JSONValue(shape: [2, 3, 4, 5, 6])), ("first=1,3,4,5,6", JSONValue(shape: [1, 3, 4, 5, 6]))] {
            let outcome = try Voxelsmith.run(["bench", chain, "--input-shape", shape, "--seconds", "0", "--threads", "1", "--json", "-"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try json(outcome.output)["whole"]?.object?["input_shapes"]?.array == [size])
        }
        let unknown = try Voxelsmith.run(["bench", chain, "--seconds", "0"])
        #expect(unknown.status == 1 && unknown.errors.contains("states no complete shape of every input"), "\(unknown.errors)")
    }

    /// Convolutions in wrappers and in models inside are in every count, and run by their kernels.
    @Test func convolutionsInsideAreCounted() throws {
        let folder = try TemporaryFolder()
        let each = "{\"class_name\": \"Conv3D\", \"config\": {\"name\": \"each\", \"filters\": 5, \"kernel_size\": [1, 2, 3], \"padding\": \"same\"}}"
        let model = try folder.write(
            "deep.json",
            """
            {"class_name": "Sequential", "config": {"name": "outer", "layers": [
             {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 2, 3, 4, 5, 3], "name": "x"}},
             {"class_name": "TimeDistributed", "config": {"name": "steps", "layer": \(each)}},
             {"class_name": "Reshape", "config": {"name": "join", "target_shape": [6, 4, 5, 5]}},
             {"class_name": "Sequential", "config": {"name": "inner", "layers": [
              {"class_name": "Conv3DTranspose", "config": {"name": "up", "filters": 4, "kernel_size": 2, "strides": [1, 2, 1]}}]}}]}}
            """)
        let built = try Voxelsmith.run(["build", model, "-o", folder.path("p.so")])
        #expect(built.status == 0 && built.output.contains("2 kernels for"), "\(built.errors)")
        let verified = try Voxelsmith.run(["verify", model])
        #expect(verified.status == 0 && verified.output.contains("\(model): 2 kernels verified"), "\(verified)")
        let described = try Voxelsmith.run(["describe", model])
        for row in ["steps/each  ", "inner/up  "] { #expect(described.output.contains("\n\(row)"), "\(described.output)") }
        #expect(described.output.contains("model \"outer\" of 6 layers, 2 convolutions"), "\(described.output)")

        try NPY.write(TinyLayer.random([2, 2, 3, 4, 5, 3], seed: 1), to: folder.path("x.npy"))
        try NPZFile.write(
            [
                ("each/kernel", TinyLayer.random([1, 2, 3, 3, 5], seed: 2)), ("each/bias", TinyLayer.random([5], seed: 3)),
                ("up/kernel", TinyLayer.random([2, 2, 2, 4, 5], seed: 4)), ("up/bias", TinyLayer.random([4], seed: 5)),
            ], to: folder.path("w.npz"))
        let run = ["run", model, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz")]
        let plain = try Voxelsmith.run(run + ["--output", folder.path("e.npy"), "--kernel", "interpreter"])
        #expect(plain.status == 0, "\(plain.errors)")
        // Chains of at most 40 products of numbers below 1, twice.
        let quick = try Voxelsmith.run(
            run + ["--output", folder.path("y.npy"), "--plugin", folder.path("p.so"), "--kernel", "specialized", "--expect", folder.path("e.npy")]
                + ["--tolerance", "1e-4", "--report", "--json", folder.path("r.json")])
        #expect(quick.status == 0 && quick.output.contains("computed by"), "\(quick.errors)")
        let report = try json(String(contentsOfFile: folder.path("r.json"), encoding: .utf8))
        let layers = (report["layers"]?.array ?? []).compactMap(\.object)
        #expect(layers.count == 2 && layers.allSatisfy { $0["specialized"] == true && $0["measurement"]?.object?["median_ms"] != nil }, "\(report)")
        #expect(report["steps"]?.array?.isEmpty == false && report["outputs"]?.array?.count == 1)

        let bench = try Voxelsmith.run([
            "bench", model, "--plugin", folder.path("p.so"), "--seconds", "0", "--threads", "1", "--json", "-", "--plot", folder.path("b.svg"),
        ])
        #expect(bench.status == 0, "\(bench.errors)")
        let whole = try #require(try json(bench.output)["whole"]?.object)
        #expect(whole["convolutions"] == 2 && whole["specialized"] == 2)
        let steps = (whole["steps"]?.array ?? []).compactMap(\.object)
        #expect(steps.filter { $0["specialized"] == true }.count == 2)
        let picture = try String(contentsOfFile: folder.path("b.svg"), encoding: .utf8)
        #expect(picture.hasPrefix("<svg") && picture.contains("time in ms") && picture.components(separatedBy: "<title>").count == steps.count + 1)
        #expect(XMLParser(data: Data(picture.utf8)).parse())
    }

    /// Options that are for layers are refused beside a plugin.
    @Test func verifyTakesLayersOrAPlugin() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let report = try json(Voxelsmith.run(["verify", layer, "--policy", "direct", "--json", "-"]).output)
        #expect(report["plugin"]?.string == layer && report["sound"] == true && report["kernels"]?.array?.count == 1)
        #expect(try Voxelsmith.run(["build", layer, "-o", folder.path("p.so")]).status == 0)
        let before = try folder.names()
        for option in [["--input-shape", "1,3,4,5,3"], ["--policy", "fast"], ["--clang", "clang"], ["--no-cache"]] {
            let outcome = try Voxelsmith.run(["verify", folder.path("p.so")] + option)
            #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains("Received \(option[0]) without"), "\(outcome.errors)")
        }
        #expect(try folder.names() == before)
    }
}
