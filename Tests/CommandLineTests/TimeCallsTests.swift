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

    @Test func wrongRequestsAreAnswered() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", TinyLayer.json())
        let answers = try answers(
            ["call\t1\t1\t1", "save\ty.npy", "shape\tnobody", "prepare\ttiny\t\(folder.path("none.npy"))\tk.npy", "sing", "", "shape\ttiny"], [layers])
        #expect(answers.map(\.[0]) == ["error", "error", "error", "error", "error", "error", "ok"])
        #expect(answers[2][1] == "Received \"nobody\"; expected tiny.")
        #expect(answers[4][1] == "Received \"sing\"; expected shape, prepare, call, call-into, save or peak.")
    }
}
