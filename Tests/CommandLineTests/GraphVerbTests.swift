import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Models that are more than chains of known layers, at the command line.
@Suite struct GraphVerbTests {
    private func path(_ name: String) -> String {
        Fixture.layer("graphs/\(name)")
    }

    /// Layers between the convolutions have no kernels, give their successors shapes, and are computed by `run`.
    @Test func layersBetweenConvolutionsRun() throws {
        let folder = try TemporaryFolder()
        for (name, values, kernels) in [
            ("gan_bn.keras", "gan_bn", 3), ("gan_bn.h5", "gan_bn", 3), ("gan_dense.h5", "gan_dense", 2), ("resize.keras", "resize", 2),
        ] {
            let emitted = try Voxelsmith.run(["emit", path(name), "-o", folder.path(name), "--target", "x86-64-v3"])
            #expect(emitted.status == 0 && emitted.output.contains("\(kernels) kernel"), "\(name): \(emitted.errors)")
            #expect(!emitted.errors.contains("passed over"), "\(name): \(emitted.errors)")
            let described = try Voxelsmith.run(["describe", path(name)])
            #expect(described.status == 0 && described.errors.isEmpty && !described.output.contains("not computed here"), "\(name): \(described.errors)")
            let arrays = try NPZFile(path: path("\(values).npz"))
            try NPY.write(arrays.tensor("x"), to: folder.path("x.npy"))
            try NPY.write(arrays.tensor("y0"), to: folder.path("e.npy"))
            let run = try Voxelsmith.run([
                "run", path(name), "--input", folder.path("x.npy"), "--output", folder.path("y.npy"), "--expect", folder.path("e.npy"), "--report",
            ])
            #expect(run.status == 0 && run.output.contains("values agree"), "\(name): \(run.errors)")
        }
    }

    /// Every verb takes the layers it knows, and names the others; `run` names what it lacks.
    @Test func knownLayersAreTakenOutOfAnyModel() throws {
        let folder = try TemporaryFolder()
        let model = Fixture.config("graphs/shared_shapes.json")
        let emitted = try Voxelsmith.run(["emit", model, "-o", folder.path("k"), "--target", "x86-64-v3"])
        #expect(emitted.status == 0 && emitted.output.contains("3 kernel"), "\(emitted.errors)")
        #expect(emitted.errors.split(separator: "\n").filter { $0.contains("\"lam\" (Lambda)") }.count == 1, "\(emitted.errors)")
        let described = try Voxelsmith.run(["describe", model])
        #expect(described.status == 0 && described.output.contains("  \"lam\" (Lambda)\n"), "\(described.errors)")
        try NPY.write(Tensor(zeros: [1, 1, 1, 1, 1]), to: folder.path("x.npy"))
        let run = try Voxelsmith.run(["run", path("mc.keras"), "--input", folder.path("x.npy"), "--output", folder.path("y.npy")])
        #expect(run.status == 1 && isOneSentence(run.errors) && run.errors.contains("\"mc\" (Dropout, called with training=True)"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("y.npy")))
    }

    @Test func kernelsOfAGeneratorServeItsLayers() throws {
        let folder = try TemporaryFolder()
        let built = try Voxelsmith.run(["build", path("gan_dense.h5"), "-o", folder.path("p.so")])
        // Of the layers, and of the first one with the activation behind it, which the plan of the network asks for.
        #expect(built.status == 0 && built.output.contains("3 kernels"), "\(built.errors)")
        let bench = try Voxelsmith.run([
            "bench", path("gan_dense.h5"), "--plugin", folder.path("p.so"), "--seconds", "0", "--json", folder.path("b.json"),
        ])
        #expect(bench.status == 0, "\(bench.errors)")
        let report = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: folder.path("b.json"))))
        let results = (report.object?["results"]?.array ?? []).map { $0.object ?? [:] }
        #expect(results.map { $0["name"]?.string } == ["conv3d_transpose", "conv3d_transpose_1"])
        #expect(results.allSatisfy { $0["specialized"] == true })
    }

    @Test func unknownShapesAreStatedByName() throws {
        let folder = try TemporaryFolder()
        let model = try folder.write(
            "model.json",
            """
            {"class_name": "Sequential", "config": {"name": "m", "layers": [
             {"class_name": "InputLayer", "config": {"batch_shape": [null, 3, 3, 3, 2], "name": "x"}},
             {"class_name": "Conv3DTranspose", "config": {"name": "first", "filters": 2, "kernel_size": 2, "strides": 2}},
             {"class_name": "Mystery", "config": {"name": "between"}},
             {"class_name": "Conv3DTranspose", "config": {"name": "second", "filters": 2, "kernel_size": 2, "strides": 2}}]}}
            """)
        let partly = try Voxelsmith.run(["emit", model, "-o", folder.path("a")])
        #expect(partly.status == 0 && partly.output.contains("1 kernel "), "\(partly.errors)")
        #expect(partly.errors.contains("\"second\" is passed over: shape unknown; --input-shape second=1,D,H,W,C states it."))
        let both = try Voxelsmith.run(["emit", model, "-o", folder.path("b"), "--input-shape", "second=1,6,6,6,2"])
        #expect(both.status == 0 && both.output.contains("2 kernels ") && !both.errors.contains("unknown"), "\(both.errors)")
        let described = try Voxelsmith.run(["describe", model, "--json", "--input-shape", "1,4,4,4,2", "--input-shape", "second=1,5,5,5,2"])
        let layers = try JSONValue(parsing: described.output.utf8).object?["layers"]?.array ?? []
        #expect(layers.map { $0.object?["input_shape"] } == [[1, 4, 4, 4, 2], [1, 5, 5, 5, 2]])
        #expect(try Voxelsmith.run(["describe", model]).output.contains("shape unknown"))
        for (arguments, status, words) in [
            (["emit", model, "--input-shape", "third=1,2,2,2,2"], 1, "\"first\", \"second\""),
            (["emit", model, "--input-shape", "second=1,x"], 64, "second=1,x"),
            (["emit", model, "--input-shape", "second=1,2,2,2,2", "--input-shape", "second=1,2,2,2,2"], 64, "twice"),
        ] as [([String], Int32, String)] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == status && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
        }
    }

    @Test func activationsDropoutAndNamedEndsRun() throws {
        let folder = try TemporaryFolder()
        for (name, values) in [("noops.keras", "noops"), ("named_ends.keras", "named_ends"), ("named_ends.h5", "named_ends")] {
            let arrays = try NPZFile(path: path("\(values).npz"))
            try NPY.write(arrays.tensor("x"), to: folder.path("x.npy"))
            try NPY.write(arrays.tensor("y0"), to: folder.path("e.npy"))
            let outcome = try Voxelsmith.run([
                "run", path(name), "--input", folder.path("x.npy"), "--output", folder.path("y.npy"), "--expect", folder.path("e.npy"), "--report",
            ])
            #expect(outcome.status == 0 && outcome.output.contains("values agree"), "\(name): \(outcome.errors)")
            #expect(outcome.output.contains(values == "noops" ? "computed by 5 layers" : "mask [1, 4, 12, 8, 1], computed by 2 layers"))
        }
        let described = try Voxelsmith.run(["describe", path("named_ends.h5")])
        #expect(described.output.contains("input image [null, 2, 3, 2, 2]") && described.output.contains("output mask"))
        let several = ["run", path("deep.keras"), "--input", "image=\(folder.path("x.npy"))"]
        let nameless = try Voxelsmith.run(several + ["--output", folder.path("z.npy")])
        #expect(nameless.status == 1 && nameless.errors.contains("once for each of mask, raw"), "\(nameless.errors)")
        let deep = try NPZFile(path: path("deep.npz"))
        try NPY.write(deep.tensor("x"), to: folder.path("x.npy"))
        try NPY.write(deep.tensor("mask"), to: folder.path("e.npy"))
        try NPY.write(deep.tensor("raw"), to: folder.path("r.npy"))
        let both = try Voxelsmith.run(
            several + ["--output", "raw=\(folder.path("y.npy"))", "--output", "mask=\(folder.path("m.npy"))"]
                + ["--expect", "raw=\(folder.path("r.npy"))", "--expect", "mask=\(folder.path("e.npy"))"])
        #expect(both.status == 0 && both.output.components(separatedBy: "values agree").count == 3, "\(both.errors)")
        let one = try Voxelsmith.run([
            "run", path("one.keras"), "--input", folder.path("x.npy"), "--output", folder.path("y.npy"), "--expect", folder.path("e.npy"),
        ])
        #expect(one.status == 0 && one.output.contains("values agree"), "\(one.errors)")
    }
}
