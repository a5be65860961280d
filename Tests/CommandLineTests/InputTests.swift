import Foundation
import Glibc
import Testing
import VoxTensorIO
import _TestSupport

/// Inputs that are no plain files, and names that are no text.
@Suite struct InputTests {
    /// A shell in which `$1`, `$2`, ... of `files` come through pipes of those names.
    private func throughPipes(_ folder: TemporaryFolder, _ names: [String]) -> [String] {
        let writers = names.map { "mkfifo '\(folder.path($0)).fifo'; cat '\(folder.path($0))' > '\(folder.path($0)).fifo' &" }.joined(separator: "\n")
        return Child.shell("\(writers)\n\"$@\"; status=$?; wait; rm -f '\(folder.path(""))'*.fifo; exit $status")
    }

    @Test func everyInputMayComeThroughAPipe() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let expected = try await Child.run(run + [folder.path("expected.npy")])
        #expect(expected.status == 0, "\(expected)")
        let names = ["layer.json", "x.npy", "w.npz", "expected.npy"]
        let outcome = try await Child.run(
            [
                "run", folder.path("layer.json.fifo"), "--input", folder.path("x.npy.fifo"), "--weights", folder.path("w.npz.fifo"),
                "--expect", folder.path("expected.npy.fifo"), "--tolerance", "0", "--output", folder.path("y.npy"),
            ], wrapper: throughPipes(folder, names), seconds: 60)
        #expect(outcome.status == 0 && outcome.output.contains("values agree with"), "\(outcome)")
        #expect(try NPY.read(path: folder.path("y.npy")).floats == NPY.read(path: folder.path("expected.npy")).floats)

        // Both are read for one sentence of the report each: a volume of one channel.
        let one = try folder.write("one.json", TinyLayer.json(filters: 1).replacing("[null, 3, 4, 5, 3]", with: "[null, 3, 4, 5, 1]"))
        try NPY.write(TinyLayer.random([1, 3, 4, 5, 1], seed: 1), to: folder.path("v.npy"))
        try NPZFile.write([("kernel", TinyLayer.random([2, 3, 3, 1, 1], seed: 2)), ("bias", TinyLayer.random([1], seed: 3))], to: folder.path("u.npz"))
        try NPY.write(TinyLayer.random([1, 6, 8, 5, 1], seed: 4), to: folder.path("t.npy"))
        let ratio = ["run", one, "--input", folder.path("v.npy"), "--weights", folder.path("u.npz"), "--output", folder.path("z.npy"), "--truth"]
        let plain = try await Child.run(ratio + [folder.path("t.npy")])
        let piped = try await Child.run(ratio + [folder.path("t.npy.fifo")], wrapper: throughPipes(folder, ["t.npy"]), seconds: 60)
        #expect(plain.status == 0 && plain.output == piped.output, "\(plain) \(piped)")
    }

    @Test func modelsMayComeThroughPipesAndStandardInput() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        try FileManager.default.copyItem(atPath: Fixture.keras("model.keras"), toPath: folder.path("model.keras"))
        let shape = ["--input-shape", "1,3,2,4,2", "-o"]
        let plain = try await Child.run(["emit", folder.path("model.keras")] + shape + [folder.path("a")])
        #expect(plain.status == 0, "\(plain)")
        let fifo = try await Child.run(["emit", folder.path("model.keras.fifo")] + shape + [folder.path("b")], wrapper: throughPipes(folder, ["model.keras"]))
        let stdin = try await Child.run(
            ["emit", "/dev/stdin"] + shape + [folder.path("c")], wrapper: Child.shell("exec \"$@\" < '\(folder.path("model.keras"))'"))
        let pipe = try await Child.run(
            ["emit", "/dev/stdin"] + shape + [folder.path("d")], wrapper: Child.shell("cat '\(folder.path("model.keras"))' | \"$@\""))
        for (outcome, name) in [(fifo, "b"), (stdin, "c"), (pipe, "d")] {
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path(name)).sorted()
                    == FileManager.default.contentsOfDirectory(atPath: folder.path("a")).sorted())
        }
        let text = try Voxelsmith.run(["emit", layer]).output
        let substitution = ["/bin/bash", "-c", "exec \"$@\" <(cat '\(layer)')", "bash"]
        let substituted = try await Child.run(["emit"], wrapper: substitution)
        #expect(substituted.status == 0 && substituted.output == text, "\(substituted)")
    }

    /// What comes through a pipe comes once.
    @Test func onePipeForTwoInputsIsRefused() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let outcome = try await Child.run(
            ["run", "/dev/stdin", "--input", "/dev/stdin"] + Array(run[4...]) + [folder.path("y.npy")],
            wrapper: Child.shell("cat '\(folder.path("layer.json"))' | \"$@\""))
        #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains("the same pipe"), "\(outcome)")
    }

    /// A plugin is read from a path or not at all, also by the verb that takes layers as well.
    @Test func aPluginThroughAPipeIsRefused() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        #expect(try Voxelsmith.run(["build", layer, "-o", folder.path("p.so"), "--no-verify"]).status == 0)
        for verb in ["describe", "verify"] {
            let outcome = try await Child.run([verb, "/dev/stdin"], wrapper: Child.shell("cat '\(folder.path("p.so"))' | \"$@\""))
            #expect(outcome.isFailure("Plugin /dev/stdin is not a regular file."), "\(verb): \(outcome)")
        }
    }

    @Test func argumentsThatAreNoTextAreRefused() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        // What a repaired name would lead to.
        let innocent = try folder.write("y\u{fffd}.npy", "mine")
        let before = try folder.names()
        let outcome = try await Child.run(run, wrapper: Child.shell("exec \"$@\" \"$(printf '\(folder.path("y"))\\377.npy')\""))
        #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains("y\\xff.npy"), "\(outcome)")
        #expect(try folder.names() == before && String(contentsOfFile: innocent, encoding: .utf8) == "mine")
    }

    /// The working folder may have any name.
    @Test func aFolderWhoseNameIsNoTextServes() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let inside = "cd '\(folder.path(""))' && mkdir \"$(printf 'd\\377')\" 2>/dev/null; cd \"$(printf 'd\\377')\" && "
        let built = try await Child.run(["build", "../layer.json", "-o", "p.so"], wrapper: Child.shell(inside + "\"$@\""))
        #expect(built.status == 0 && built.errors.isEmpty && built.output.contains("verified in"), "\(built)")
        let ran = try await Child.run(
            ["run", "../layer.json", "--input", "../x.npy", "--weights", "../w.npz", "--plugin", "p.so", "--kernel", "specialized", "--output", "y.npy"],
            wrapper: Child.shell(inside + "\"$@\" && cmp y.npy ../y.npy && ls"))
        let plain = try await Child.run(run + [folder.path("y.npy"), "--kernel", "interpreter"])
        #expect(plain.status == 0)
        let again = try await Child.run(
            ["run", "../layer.json", "--input", "../x.npy", "--weights", "../w.npz", "--kernel", "interpreter", "--output", "y.npy"],
            wrapper: Child.shell(inside + "\"$@\" && cmp y.npy ../y.npy && ls -A"))
        #expect(again.status == 0 && again.output.hasSuffix("p.so\np.so.verification.json\ny.npy\n"), "\(again) \(ran)")
        let verified = try await Child.run(["verify", "p.so"], wrapper: Child.shell(inside + "exec \"$@\""))
        #expect(verified.status == 0, "\(verified)")
        // A compiler beside the layers, by a relative path.
        _ = try folder.script("clang", "exec clang \"$@\"")
        let own = try await Child.run(
            ["build", "../layer.json", "-o", "q.so", "--no-cache", "--clang", "../clang"], wrapper: Child.shell(inside + "exec \"$@\""))
        #expect(own.status == 0, "\(own)")
    }

    /// Folders that variables name are used as they are, or not at all.
    @Test func variablesThatAreNoTextNameNoOtherFolder() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        _ = try folder.makeFolder("c\u{fffd}")
        for variable in ["XDG_CACHE_HOME", "TMPDIR"] {
            let outcome = try await Child.run(
                ["build", layer, "-o", folder.path("p.so")],
                wrapper: Child.shell("\(variable)=\"$(printf '\(folder.path("c"))\\377')\"; export \(variable); exec \"$@\""),
                environment: ["HOME": folder.path("home")])
            #expect(outcome.status == 0, "\(variable): \(outcome)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("c\u{fffd}")).isEmpty, "\(variable)")
        }
        let path = try await Child.run(
            ["build", layer, "-o", folder.path("p.so"), "--no-cache"], wrapper: Child.shell("PATH=\"$(printf '/c\\377'):$PATH\"; export PATH; exec \"$@\""))
        #expect(path.status == 0, "\(path)")
    }

    /// With `ulimit -f`, in blocks of 512 bytes.
    @Test func filesBeyondTheLimitAreSentences() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let shape = [1, 8, 8, 8, 3]
        try NPY.write(TinyLayer.random(shape, seed: 9), to: folder.path("big.npy"))
        let before = try folder.names() + ["tmp"]
        let places = ["TMPDIR": try folder.makeFolder("tmp"), "XDG_CACHE_HOME": folder.path("tmp/cache")]
        let big = run.map { $0.hasSuffix("x.npy") ? folder.path("big.npy") : $0 }
        for command in [
            big + [folder.path("y.npy")], ["build", folder.path("layer.json"), "-o", folder.path("p.so"), "--no-cache"],
            ["emit", folder.path("layer.json"), "-o", folder.path("c/deep")],
        ] {
            let outcome = try await Child.run(command, wrapper: Child.limited("f", 2), environment: places)
            #expect(outcome.isFailure("oo large") && !outcome.errors.contains("signal"), "\(command[0]): \(outcome)")
            #expect(try folder.names().sorted() == before.sorted(), "\(command[0])")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")).filter { $0 != "cache" }.isEmpty, "\(command[0])")
        }
    }
}
