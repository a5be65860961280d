import Foundation
import Glibc
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

    private static let make = URL(fileURLWithPath: "/usr/bin/make")
    private static let compiler = URL(fileURLWithPath: "/usr/bin/cc")
    /// GCC is fit from version 12 on; no clang below that is asked for either.
    private static let hasMake: Bool = {
        guard [make, compiler].allSatisfy({ FileManager.default.isExecutableFile(atPath: $0.path) }),
            let answer = try? Voxelsmith.run(["-dumpversion"], program: compiler), let version = Int(answer.output.prefix { $0.isNumber })
        else { return false }
        return version >= 12
    }()
    private static let noMake: Comment = "make, or cc of version 12 or later, is not in /usr/bin: the Makefile is not tried"

    /// Runs make in a folder.
    private func runMake(_ goal: String, in folder: String) throws -> Voxelsmith.Outcome {
        try Voxelsmith.run(
            ["--no-print-directory", "-C", folder, goal, "CFLAGS=-O1 -Wall -Wextra -Wpedantic -Werror"], program: Self.make)
    }

    /// What is written is built and run by two words.
    @Test(.enabled(if: hasMake, noMake)) func makeBuildsAndChecksIt() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let written = try Voxelsmith.run(["emit", layer, "--standalone", "-o", folder.path("c")])
        #expect(written.status == 0, "\(written.errors)")
        let built = try runMake("test", in: folder.path("c"))
        #expect(built.status == 0 && built.output.hasSuffix("tiny: agrees\n"), "\(built)")
    }

    /// Two libraries are parts of one program, here with a kernel that both have.
    @Test(.enabled(if: hasMake, noMake)) func librariesOfTwoNamesAreOneProgram() throws {
        let folder = try TemporaryFolder()
        let layers = [
            "encoder": TinyLayer.json(name: "up"), "decoder": "[\(TinyLayer.json(name: "up again")), \(TinyLayer.json(name: "wide", filters: 6))]",
        ]
        for (name, json) in layers {
            let written = try Voxelsmith.run(
                ["emit", try folder.write("\(name).json", json), "--standalone", "--name", name, "-o", folder.path(name)])
            #expect(written.status == 0, "\(written.errors)")
            let built = try runMake("lib\(name).a", in: folder.path(name))
            #expect(built.status == 0, "\(built)")
        }
        let program = try folder.write("program.c", Self.programOfTwo)
        let archives = ["encoder", "decoder"].map { folder.path("\($0)/lib\($0).a") }
        let linked = try Voxelsmith.run(
            ["-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", folder.path("program"), program] + archives, program: Self.compiler)
        #expect(linked.status == 0, "\(linked.errors)")
        let outcome = try Voxelsmith.run([], program: URL(fileURLWithPath: folder.path("program")))
        #expect(outcome.status == 0 && outcome.output == "equal\n", "\(outcome)")
    }

    /// Both libraries compute one layer, and the second another one too.
    private static let programOfTwo = """
        #include <stdio.h>
        #include <string.h>
        #include "encoder/encoder.h"
        #include "decoder/decoder.h"

        static float input[up_INPUT_ELEMENTS], weights[up_WEIGHT_ELEMENTS], bias[5], one[up_OUTPUT_ELEMENTS], other[up_again_OUTPUT_ELEMENTS];
        static _Alignas(64) unsigned char packed[up_PACKED_BYTES], workspace[up_WORKSPACE_BYTES + 64];

        int main(void) {
            for (int64_t i = 0; i < up_INPUT_ELEMENTS; ++i) input[i] = (float)(i % 7);
            for (int64_t i = 0; i < up_WEIGHT_ELEMENTS; ++i) weights[i] = (float)(i % 5);
            if (up_pack(weights, packed) != VOXELSMITH_OK || up_run_all(input, packed, bias, one, workspace, 1) != VOXELSMITH_OK) return 2;
            if (up_again_run_all(input, packed, bias, other, workspace, 1) != VOXELSMITH_OK || wide_packed_bytes() == 0) return 3;
            puts(one[0] != 0 && memcmp(one, other, sizeof one) == 0 ? "equal" : "DIFFERENT");
            return 0;
        }
        """

    /// Functions of two layers would have one name: the second header says so.
    @Test(.enabled(if: hasMake, noMake)) func layersOfOneNameAreNoProgram() throws {
        let folder = try TemporaryFolder()
        for (name, filters) in [("one", 5), ("other", 6)] {
            let layer = try folder.write("layer.json", TinyLayer.json(name: "up", filters: filters))
            let written = try emit(layer, ["--name", name, "-o", folder.path(name)])
            #expect(written.status == 0, "\(written.errors)")
        }
        let program = try folder.write("program.c", "#include \"one/one.h\"\n#include \"other/other.h\"\n#include \"other/other.h\"\n")
        let outcome = try Voxelsmith.run(["-std=c17", "-fsyntax-only", program], program: Self.compiler)
        #expect(outcome.status != 0 && outcome.errors.contains("another header has a layer up too"), "\(outcome)")
    }

    @Test func namesOfLibrariesAreChecked() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for name in ["", "a-b", "../x", "main", "features", "vs_x"] {
            let outcome = try emit(layer, ["--name", name, "-o", folder.path("c")])
            #expect(outcome.status == 64 && isOneSentence(outcome.errors), "\(name): \(outcome)")
            #expect(outcome.errors.contains("as the name of a library; expected"), "\(name): \(outcome)")
        }
        let plugin = try Voxelsmith.run(["emit", layer, "--name", "decoder", "-o", folder.path("c")])
        #expect(plugin.status == 64 && isOneSentence(plugin.errors) && plugin.errors.contains("--name without --standalone"), "\(plugin)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("c")))
    }

    /// The C of an earlier call goes: kernels of layers that are gone, and a library of another name. Files of others stay.
    @Test func nothingOfAnEarlierCallIsLeft() throws {
        let folder = try TemporaryFolder()
        let two = try folder.write("two.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        let one = try folder.write("one.json", TinyLayer.json(name: "b", filters: 6))
        let first = try emit(two, ["--name", "first", "-o", folder.path("c")])
        #expect(first.status == 0, "\(first.errors)")
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path("c"))
        let text = try String(contentsOfFile: folder.path("c/first.c"), encoding: .utf8)
        // C of others, C without anything, C below the folder, and what was rendered and is no C.
        _ = try folder.makeFolder("c/below")
        let others = ["vs_own.c": "/* mine */\n", "vs_empty.c": "", "below/first.c": text, "first.txt": text]
        for (name, text) in others { _ = try folder.write("c/\(name)", text) }
        #expect(mkfifo(folder.path("c/pipe.c"), 0o600) == 0)

        let second = try emit(one, ["--name", "second", "-o", folder.path("c")])
        #expect(second.status == 0 && second.errors.isEmpty, "\(second)")
        let after = try FileManager.default.contentsOfDirectory(atPath: folder.path("c"))
        let gone = before.filter { $0.hasPrefix("vs_") && $0.contains("_f5_") } + ["first.c", "first.h"]
        #expect(gone.count == 3 && Set(before).subtracting(after) == Set(gone), "\(after)")
        for name in gone { #expect(second.output.contains("deleted \(folder.path("c/\(name)"))\n"), "\(second.output)") }
        #expect(after.contains("pipe.c") && after.contains("second.c") && after.count { $0.hasPrefix("vs_tconv") } == 1)
        for (name, text) in others { #expect(try String(contentsOfFile: folder.path("c/\(name)"), encoding: .utf8) == text, "\(name)") }
    }

    /// The archive has the objects of the layers that there are, and none that an earlier one had.
    @Test(.enabled(if: hasMake, noMake)) func theArchiveIsMadeAnew() throws {
        let folder = try TemporaryFolder()
        for (filters, count) in [([5, 6], 3), ([6], 2)] {
            let layers = filters.map { TinyLayer.json(name: "of \($0)", filters: $0) }.joined(separator: ", ")
            let written = try Voxelsmith.run(["emit", try folder.write("layers.json", "[\(layers)]"), "--standalone", "-o", folder.path("c")])
            #expect(written.status == 0, "\(written.errors)")
            let built = try runMake("libvoxelsmith_layers.a", in: folder.path("c"))
            #expect(built.status == 0, "\(built)")
            let listed = try Voxelsmith.run(["t", folder.path("c/libvoxelsmith_layers.a")], program: URL(fileURLWithPath: "/usr/bin/ar"))
            #expect(listed.output.split(separator: "\n").count == count, "\(listed)")
        }
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
