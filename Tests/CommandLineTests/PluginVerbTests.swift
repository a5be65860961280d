import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import _TestSupport

/// The verbs that make and look at kernels.
@Suite struct PluginVerbTests {
    @Test func buildDescribeVerifyRun() throws {
        let folder = try TemporaryFolder()
        let (layer, plugin) = (try folder.write("layer.json", TinyLayer.json()), folder.path("p.so"))
        let built = try Voxelsmith.run(["build", layer, "-o", plugin, "--verify"])
        #expect(built.status == 0, "\(built.errors)")
        #expect(built.output.contains("1 kernel for native"))
        #expect(try folder.names() == ["layer.json", "p.so", "p.so.verification.json"])

        let described = try Voxelsmith.run(["describe", plugin, "--json"])
        #expect(described.status == 0)
        let contents = try JSONValue(parsing: described.output.utf8)
        let kernels = try #require(contents.object?["kernels"]?.array)
        #expect(kernels.count == 1)
        let kernel = try #require(kernels.first?.object)
        #expect(kernel["key"]?.string?.hasPrefix("transposedConvolution;i3x4x5;o6x8x5;k2x3x3;s2x2x1;") == true)
        // Products: taps that meet an input, per axis 6 (2 per input), 11 of 12, and 13 of 15; times channels and filters.
        #expect(kernel["flop_per_sample"] == .integer(2 * 6 * 11 * 13 * 3 * 5))
        #expect(kernel["template_digest"]?.string?.count == 64)
        #expect(contents.object?["inspection"]?.object?["status"]?.string != nil)
        let text = try Voxelsmith.run(["describe", plugin])
        for word in ["key ", "schedule ", "loops ", "memory ", "work ", "SHA-256"] { #expect(text.output.contains(word), "\(word)") }

        let verified = try Voxelsmith.run(["verify", plugin])
        #expect(verified.status == 0, "\(verified.errors)")
        #expect(verified.output.contains("NaN reaches exactly the results that read it"))
        #expect(!verified.output.contains("FAILED"))

        // The specialised kernel and the interpreter agree on real weights.
        let x = try TinyLayer.random(TinyLayer.inputShape, seed: 1)
        try NPY.write(x, to: folder.path("x.npy"))
        let weights = [("kernel", try TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("bias", try TinyLayer.random([5], seed: 3))]
        try NPZFile.write(weights.map { (name: $0.0, tensor: $0.1) }, to: folder.path("w.npz"))
        let common = ["run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz")]
        let specialised = try Voxelsmith.run(
            common + ["--output", folder.path("a.npy"), "--plugin", plugin, "--kernel", "specialized", "--report"])
        #expect(specialised.status == 0, "\(specialised.errors)")
        #expect(specialised.output.contains("vs_tconv_f32_i3x4x5"))
        let interpreted = try Voxelsmith.run(common + ["--output", folder.path("b.npy"), "--kernel", "interpreter"])
        #expect(interpreted.status == 0, "\(interpreted.errors)")
        let (a, b) = (try NPY.read(path: folder.path("a.npy")), try NPY.read(path: folder.path("b.npy")))
        #expect(a.shape == TinyLayer.outputShape)
        #expect(a.floats.contains { $0 != 0 })
        // Chains of at most 2 * 3 * 3 * 3 products of numbers below 1, in float32.
        #expect(zip(a.floats, b.floats).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test func equalProblemsShareAKernel() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b"))]")
        let built = try Voxelsmith.run(["build", layers, "-o", folder.path("p.so")])
        #expect(built.status == 0)
        #expect(built.output.contains("1 kernel for"))
    }

    @Test func layersWithoutAFamilyAreNamed() throws {
        let folder = try TemporaryFolder()
        let layer = TinyLayer.json(name: "odd").replacing("\"strides\": [2, 2, 1]", with: "\"strides\": [1, 1, 70000]")
        let both = try folder.write("both.json", "[\(layer), \(TinyLayer.json(name: "plain"))]")
        let built = try Voxelsmith.run(["build", both, "-o", folder.path("p.so")])
        #expect(built.status == 0)
        #expect(built.errors.contains("\"odd\"") && built.errors.contains("stride 70000"))
        let odd = try folder.write("odd.json", layer)
        let none = try Voxelsmith.run(["build", odd, "-o", folder.path("q.so")])
        #expect(none.status == 1)
        #expect(none.errors.contains("No layer of \(odd) has a kernel family"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("q.so")))
    }

    @Test func emitWritesTheC() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let printed = try Voxelsmith.run(["emit", layer, "--target", "x86-64-v3"])
        #expect(printed.status == 0)
        #expect(printed.output.contains("_x86_64_v3_") && printed.output.contains("_run("))
        let written = try Voxelsmith.run(["emit", layer, "--target", "x86-64-v3", "-o", folder.path("c/deep")])
        #expect(written.status == 0, "\(written.errors)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("c/deep")).sorted()
        #expect(names.count == 5 && names.contains("plugin.c") && names.contains("voxelsmith_kernel_abi.h"))
        let kernel = try #require(names.first { $0.hasPrefix("vs_") })
        #expect(try String(contentsOfFile: folder.path("c/deep/\(kernel)"), encoding: .utf8) == printed.output)

        let many = try folder.write("many.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        let refused = try Voxelsmith.run(["emit", many])
        #expect(refused.status == 64 && isOneSentence(refused.errors), "\(refused.errors)")
    }

    @Test func inputShapeSetsAndOverrides() throws {
        let folder = try TemporaryFolder()
        let shapeless = TinyLayer.json().replacing(", \"build_config\": {\"input_shape\": [null, 3, 4, 5, 3]}", with: "")
        let layer = try folder.write("layer.json", shapeless)
        let unknown = try Voxelsmith.run(["emit", layer])
        #expect(unknown.status == 1 && isOneSentence(unknown.errors) && unknown.errors.contains("--input-shape"), "\(unknown.errors)")
        #expect(try Voxelsmith.run(["emit", layer, "--input-shape", "1,7,6,5,4"]).output.contains("_i7x6x5_"))
        let stated = try folder.write("stated.json", TinyLayer.json())
        #expect(try Voxelsmith.run(["emit", stated, "--input-shape", "2,7,6,5,4"]).output.contains("_i7x6x5_"))
        let malformed = try Voxelsmith.run(["emit", layer, "--input-shape", "1,7,x,5,4"])
        #expect(malformed.status == 64 && isOneSentence(malformed.errors), "\(malformed.errors)")
    }

    @Test func damagedPluginsAreRefused() throws {
        let folder = try TemporaryFolder()
        let (layer, plugin) = (try folder.write("layer.json", TinyLayer.json()), folder.path("p.so"))
        #expect(try Voxelsmith.run(["build", layer, "-o", plugin]).status == 0)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: plugin))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: plugin))
        for verb in ["describe", "verify"] {
            let outcome = try Voxelsmith.run([verb, plugin])
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("damaged"), "\(verb): \(outcome.errors)")
            #expect(outcome.output.isEmpty, "\(verb)")
        }
    }

    @Test func benchmarksCheckAndReport() throws {
        let folder = try TemporaryFolder()
        let (layer, plugin) = (try folder.write("layer.json", TinyLayer.json()), folder.path("p.so"))
        #expect(try Voxelsmith.run(["build", layer, "-o", plugin]).status == 0)
        let outcome = try Voxelsmith.run([
            "bench", layer, "--plugin", plugin, "--threads", "1", "--seconds", "0.01", "--json", folder.path("b.json"), "--plot",
            folder.path("b.svg"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let json = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: folder.path("b.json"))))
        let machine = try #require(json.object?["machine"]?.object)
        for key in ["cpu", "cores", "target", "peak_gflops_per_thread", "swift", "clang", "os"] {
            #expect(machine[key]?.isNull == false, "\(key)")
        }
        let result = try #require(json.object?["results"]?.array?.first?.object)
        #expect(result["name"]?.string == "tiny")
        #expect(result["kernel"]?.string?.hasPrefix("vs_tconv_") == true)
        #expect(result["specialized"] == .bool(true))
        for key in [
            "median_ms", "min_ms", "first_ms", "fresh_ms", "fresh_page_faults", "gflops", "share_of_peak", "interpreter_ms", "speedup",
            "worst_error_over_bound",
        ] {
            #expect(result[key]?.isNull == false, "\(key)")
        }
        #expect(try String(contentsOfFile: folder.path("b.svg"), encoding: .utf8).hasPrefix("<svg"))
    }

    @Test func regenerateMendsWhatCheckFinds() throws {
        let folder = try TemporaryFolder()
        let suite = try folder.write("suite.json", "[\(TinyLayer.json())]")
        let common = ["regenerate", "--suite", suite, "--output", folder.path("g")]
        _ = try folder.write("precious", "")
        let foreign = try Voxelsmith.run(["regenerate", "--suite", suite, "--output", folder.path(".")])
        #expect(foreign.status == 1 && isOneSentence(foreign.errors) && foreign.errors.contains("manifest.json"), "\(foreign.errors)")
        #expect(try folder.names() == ["precious", "suite.json"])

        let missing = try Voxelsmith.run(common + ["--check"])
        #expect(missing.status == 1 && missing.errors.contains("voxelsmith regenerate"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("g")))
        #expect(try Voxelsmith.run(common).status == 0)
        #expect(try Voxelsmith.run(common + ["--check"]).status == 0)
        let again = try Voxelsmith.run(common)
        #expect(again.status == 0 && !again.output.contains("wrote"))

        _ = try folder.write("g/x86-64-v3/orphan.c", "/* Generated by voxelsmith from some.c.mustache: do not edit, regenerate.")
        _ = try folder.write("g/manifest.json", "{}")
        let differs = try Voxelsmith.run(common + ["--check"])
        #expect(differs.status == 1)
        #expect(differs.output.contains("orphan.c") && differs.output.contains("manifest.json"))
        #expect(try Voxelsmith.run(common).status == 0)
        #expect(!FileManager.default.fileExists(atPath: folder.path("g/x86-64-v3/orphan.c")))
        for own in ["int main(void) { return 0; }", ""] {
            _ = try folder.write("g/own.c", own)
            let refused = try Voxelsmith.run(common)
            #expect(refused.status == 1 && isOneSentence(refused.errors) && refused.errors.contains("own.c"), "\(refused.errors)")
            #expect(FileManager.default.fileExists(atPath: folder.path("g/own.c")))
        }
        try FileManager.default.removeItem(atPath: folder.path("g/own.c"))
        #expect(try Voxelsmith.run(common + ["--check"]).status == 0)
    }
}
