import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// The verb that `Tools/compare` talks to.
@Suite struct TimeCallsTests {
    private func answers(_ requests: [String], _ arguments: [String]) throws -> [[String]] {
        let outcome = try Voxelsmith.run(["time-calls"] + arguments, input: requests.map { $0 + "\n" }.joined())
        #expect(outcome.status == 0)
        return outcome.output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    @Test func callsGiveTheLayersResult() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", "[\(TinyLayer.json()), \(TinyLayer.json(name: "other", filters: 2))]")
        var shape = TinyLayer.inputShape
        shape[0] = 2
        let (x, kernel) = (try TinyLayer.random(shape, seed: 1), try TinyLayer.random(TinyLayer.kernelShape, seed: 2))
        let bias = try TinyLayer.random([5], seed: 3)
        for (name, tensor) in [("x", x), ("kernel", kernel), ("bias", bias)] { try NPY.write(tensor, to: folder.path("\(name).npy")) }
        try NPZFile.write([("kernel", kernel), ("bias", bias)], to: folder.path("w.npz"))
        let single = try folder.write("tiny.json", TinyLayer.json())
        let run = try Voxelsmith.run([
            "run", single, "--input", folder.path("x.npy"), "--output", folder.path("expected.npy"), "--weights",
            folder.path("w.npz"),
        ])
        #expect(run.status == 0, "\(run.errors)")

        let prepare = ["prepare", "tiny", folder.path("x.npy"), folder.path("kernel.npy"), folder.path("bias.npy")].joined(separator: "\t")
        let answers = try answers(
            [
                "shape\ttiny", prepare, "call\t1\t3\t10", "save\t\(folder.path("y1.npy"))", "call-into\t2\t4\t10",
                "save\t\(folder.path("y2.npy"))", "call\t1\t1000000\t0",
            ], [layers])
        #expect(answers.map(\.[0]) == ["ok", "ok", "ok", "ok", "ok", "ok", "ok"])
        #expect(answers[0].contains("input=3,4,5") && answers[0].contains("output=6,8,5") && answers[0].contains("crop=0,0,1"), "\(answers[0])")
        #expect(answers[0].contains("activation=relu") && answers[0].contains("batch=1"))
        #expect(answers[1][1] == "interpreter")
        #expect(answers[2].count == 4)
        #expect(answers[4].count == 5)
        #expect(answers[6].count == 2, "the time was over after one call")
        for time in answers[2][1...] + answers[4][1...] { #expect(try #require(Int(time)) > 0) }
        let expected = try NPY.read(path: folder.path("expected.npy"))
        for name in ["y1.npy", "y2.npy"] { #expect(try NPY.read(path: folder.path(name)).floats == expected.floats, "\(name)") }
    }

    /// An ordinary layer is described from its own side: it reads what a transposed one results in.
    @Test func ordinaryLayersAreDescribedFromTheirOwnSide() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write(
            "layers.json",
            """
            {"class_name": "Conv3D", "config": {"name": "down", "filters": 6, "kernel_size": [3, 2, 4], "strides": [2, 1, 2], "padding": "same",
             "groups": 2}, "build_config": {"input_shape": [2, 7, 5, 6, 4]}}
            """)
        let answer = try answers(["shape\tdown"], [layers])[0]
        for field in [
            "kind=ordinary", "batch=2", "input=7,5,6", "output=4,5,3", "kernel=3,2,4", "strides=2,1,2", "dilations=1,1,1", "crop=1,0,1", "channels=4",
            "filters=6", "groups=2",
        ] { #expect(answer.contains(field), "\(field) in \(answer)") }
        let transposed = try answers(["shape\ttiny"], [folder.write("tiny.json", TinyLayer.json())])[0]
        #expect(transposed.contains("kind=transposed") && transposed.contains("channels=3") && transposed.contains("filters=5"), "\(transposed)")
    }

    @Test func callsGiveTheModelsResult() throws {
        let folder = try TemporaryFolder()
        let arrays = try NPZFile(path: Fixture.layer("graphs/noops.npz"))
        try NPY.write(arrays.tensor("x"), to: folder.path("x.npy"))
        let requests = [
            "prepare-model\t\(folder.path("x.npy"))", "call\t1\t2\t10", "save\t\(folder.path("y1.npy"))", "call-into\t2\t3\t10",
            "save\t\(folder.path("y2.npy"))", "prepare-model\t\(folder.path("none.npy"))", "call\t1\t1\t1",
        ]
        let answers = try answers(requests, [Fixture.layer("graphs/noops.keras")])
        #expect(answers.map(\.[0]) == ["ok", "ok", "ok", "ok", "ok", "error", "error"], "\(answers)")
        #expect(answers[0].count == 3 && answers[0][1] == "0" && Int(answers[0][2]) ?? 0 > 0, "\(answers[0])")
        #expect(answers[1].count == 3 && answers[3].count == 4)
        let expected = try arrays.tensor("y0").doubles
        let results = try ["y1.npy", "y2.npy"].map { try NPY.read(path: folder.path($0)) }
        #expect(Comparison(results[0].doubles, expected: expected).absoluteError < 2e-5)
        #expect(results[0].floats == results[1].floats)
    }

    @Test func wrongRequestsAreAnswered() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", TinyLayer.json())
        let refused = try answers(["prepare-model\tx.npy"], [layers])
        #expect(refused == [["error", "Received \"prepare-model\"; expected a file with a model."]])
        let answers = try answers(
            ["call\t1\t1\t1", "save\ty.npy", "shape\tnobody", "prepare\ttiny\t\(folder.path("none.npy"))\tk.npy", "sing", "", "shape\ttiny"], [layers])
        #expect(answers.map(\.[0]) == ["error", "error", "error", "error", "error", "error", "ok"])
        #expect(answers[2][1] == "Received \"nobody\"; expected tiny.")
        #expect(answers[4][1] == "Received \"sing\"; expected shape, prepare, prepare-model, call, call-into, save or peak.")
    }
}
