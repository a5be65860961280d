import Foundation
import Testing
import _TestSupport

/// `emit --standalone`: which files it writes, what it refuses, and that what it writes is built by make.
@Suite struct StandaloneVerbTests {
    private func emit(_ layer: String, _ more: [String], target: String = "x86-64-v3") throws -> Voxelsmith.Outcome {
        try Voxelsmith.run(["emit", layer, "--standalone", "--target", target] + more)
    }

    @Test func writesWhatAProgramNeeds() throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write(
            "layers.json", "[\(TinyLayer.json(name: "a.b")), \(TinyLayer.json(name: "c", filters: 6)), \(TinyLayer.json(name: "a b"))]")
        let written = try emit(layers, ["-o", folder.path("c/deep")])
        #expect(written.status == 0 && written.errors.isEmpty, "\(written.errors)")
        #expect(written.output.contains("2 kernels for x86-64-v3"), "\(written.output)")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("c/deep")).sorted()
        #expect(names.count { $0.hasPrefix("vs_") } == 2)
        let others = names.filter { !$0.hasPrefix("vs_") }
        #expect(
            others == [
                "CMakeLists.txt", "Makefile", "main.c", "voxelsmith_kernel_abi.h", "voxelsmith_layers.c", "voxelsmith_layers.h", "voxelsmith_layout.h",
                "voxelsmith_reference.h", "voxelsmith_vectors.h",
            ])
        let header = try String(contentsOfFile: folder.path("c/deep/voxelsmith_layers.h"), encoding: .utf8)
        for function in ["a_b_run(", "a_b_2_run(", "c_run_all("] { #expect(header.contains(function), "\(function)") }
        // Again into the same folder: what was generated is replaced.
        let again = try emit(layers, ["-o", folder.path("c/deep")])
        #expect(again.status == 0, "\(again.errors)")
    }

    /// The compiler's flags in the Makefile fit the target, for a layer this machine may not run.
    @Test(arguments: ["x86-64-v4", "x86-64-v2", "aarch64-neon"]) func everyTargetHasItsFlags(target: String) throws {
        let folder = try TemporaryFolder()
        let written = try emit(try folder.write("layer.json", TinyLayer.json()), ["-o", folder.path("c")], target: target)
        #expect(written.status == 0, "\(written.errors)")
        let makefile = try String(contentsOfFile: folder.path("c/Makefile"), encoding: .utf8)
        #expect(makefile.contains(target == "aarch64-neon" ? "-mcpu=" : "-march=\(target)") && makefile.contains("-fno-math-errno"))
    }

    private static let make = "/usr/bin/make"
    private static let hasMake = [make, "/usr/bin/cc"].allSatisfy(FileManager.default.isExecutableFile)

    /// What is written is built and run by two words.
    @Test(.enabled(if: hasMake, "neither make nor cc in /usr/bin: the Makefile is not tried"))
    func makeBuildsAndChecksIt() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let written = try Voxelsmith.run(["emit", layer, "--standalone", "-o", folder.path("c")])
        #expect(written.status == 0, "\(written.errors)")
        let built = try Voxelsmith.run(
            ["--no-print-directory", "-C", folder.path("c"), "test", "CFLAGS=-O1 -Wall -Wextra -Wpedantic -Werror"], program: URL(fileURLWithPath: Self.make))
        #expect(built.status == 0 && built.output.hasSuffix("tiny: agrees\n"), "\(built)")
    }

    /// A Makefile or main.c of somebody's own stays, and nothing else is written.
    @Test func filesOfOthersAreNotReplaced() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let own = try folder.makeFolder("own")
        for name in ["Makefile", "main.c"] { _ = try folder.write("own/\(name)", "mine\n") }
        let refused = try emit(layer, ["-o", own])
        #expect(refused.status == 1 && isOneSentence(refused.errors) && refused.errors.contains("were not generated"), "\(refused)")
        #expect(refused.errors.contains("\(own)/Makefile") && refused.errors.contains("\(own)/main.c"), "\(refused.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: own).sorted() == ["Makefile", "main.c"])
        #expect(try String(contentsOfFile: own + "/main.c", encoding: .utf8) == "mine\n")
    }

    @Test func refusesWhatItCannotDo() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for arguments in [[], ["-o", "-"]] {
            let outcome = try emit(layer, arguments)
            #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains("--standalone without a folder"), "\(outcome)")
        }
        // No family takes the second layer: plain C has no interpreter, so there is none at all.
        let odd = TinyLayer.json(name: "odd").replacing("\"strides\": [2, 2, 1]", with: "\"strides\": [1, 1, 70000]")
        let mixed = try folder.write("mixed.json", "[\(TinyLayer.json(name: "even")), \(odd)]")
        let outcome = try emit(mixed, ["-o", folder.path("none")])
        #expect(outcome.status == 1 && outcome.errors.contains("There is no plain C for layer \"odd\""), "\(outcome)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("none")))
    }

    /// An activation that the kernel leaves to its caller is named, on standard error and in the header.
    @Test func activationsThatAreLeftOutAreNamed() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write(
            "layer.json", TinyLayer.json(extra: #", "dtype": "float64""#).replacing("\"activation\": \"relu\"", with: "\"activation\": \"tanh\""))
        let outcome = try emit(layer, ["-o", folder.path("c")])
        #expect(outcome.status == 0 && outcome.errors.contains("leaves tanh to its caller"), "\(outcome)")
        let header = try String(contentsOfFile: folder.path("c/voxelsmith_layers.h"), encoding: .utf8)
        #expect(header.contains("NOT applied: tanh."))
    }
}
