import Foundation
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

@Suite struct CompilerTests {
    @Test func theToolchainsClangIsFoundThroughALinkToSwift() async throws {
        let scratch = try ScratchFolder()
        let bin = scratch.path + "/bin", toolchain = scratch.path + "/toolchain"
        for folder in [bin, toolchain] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let swift = try scratch.script("toolchain/swift", "exit 0")
        let inToolchain = try scratch.script("toolchain/clang", "echo toolchain clang version 7.0.1; echo more")
        let onPath = try scratch.script("bin/clang", "echo other clang version 3")
        try FileManager.default.createSymbolicLink(atPath: bin + "/swift", withDestinationPath: swift)

        let found = try await Compiler.find(searchPath: bin)
        #expect(URL(filePath: found.path).resolvingSymlinksInPath().path == URL(filePath: inToolchain).resolvingSymlinksInPath().path)
        #expect(found.version == "toolchain clang version 7.0.1")

        try FileManager.default.removeItem(atPath: inToolchain)
        let second = try await Compiler.find(searchPath: bin)
        #expect(second.path == onPath)
        #expect(second.identity != found.identity)

        let named = try scratch.script("bin/clang-99", "echo clang version 99")
        #expect(try await Compiler.find(explicit: "clang-99", searchPath: bin).path == named)
        #expect(try await Compiler.find(explicit: named, searchPath: "/nowhere").version == "clang version 99")
    }

    @Test func anotherFileAtTheSamePathIsAnotherCompiler() async throws {
        let scratch = try ScratchFolder()
        let path = try scratch.script("clang", "echo clang version 1")
        let before = try await Compiler.find(explicit: path)
        #expect(try await Compiler.find(explicit: path) == before)
        _ = try scratch.script("clang", "echo clang version 1 # longer")
        let after = try await Compiler.find(explicit: path)
        #expect(after.version == before.version)
        #expect(after.identity != before.identity)
    }

    @Test func aMissingCompilerSaysWhereItWasLookedFor() async throws {
        let scratch = try ScratchFolder()
        let error = await #expect(throws: KernelBuildError.self) {
            try await Compiler.find(searchPath: scratch.path + ":relative:/nowhere")
        }
        #expect(error == .compilerNotFound(lookedAt: [scratch.path + "/clang", "/nowhere/clang"]))
        #expect(
            error?.description
                == "Found no clang at \(scratch.path)/clang, /nowhere/clang; expected clang beside swift, on PATH, or named explicitly."
        )
        await #expect(throws: KernelBuildError.compilerNotFound(lookedAt: ["/nowhere/cc"])) {
            try await Compiler.find(explicit: "/nowhere/cc")
        }
        let nowhere = await #expect(throws: KernelBuildError.self) { try await Compiler.find(searchPath: "relative") }
        #expect(nowhere?.description == "Found no clang, as PATH names no folder; expected clang beside swift, on PATH, or named explicitly.")
    }

    @Test func aProgramThatIsNoCompilerIsRefused() async throws {
        let scratch = try ScratchFolder()
        let failing = try scratch.script("failing", "exit 3")
        await #expect(throws: KernelBuildError.compilerUnusable(path: failing, reason: "ended with exit status 3")) {
            try await Compiler.find(explicit: failing)
        }
        let noProgram = scratch.path + "/text"
        try "no program".write(toFile: noProgram, atomically: false, encoding: .utf8)
        await #expect(throws: KernelBuildError.compilerNotFound(lookedAt: [noProgram])) {
            try await Compiler.find(explicit: noProgram)
        }
        let silent = try scratch.script("silent", "exit 0")
        await #expect(throws: KernelBuildError.compilerUnusable(path: silent, reason: "printed no version")) {
            try await Compiler.find(explicit: silent)
        }
    }

    @Test func sentences() {
        let table: [(KernelBuildError, String)] = [
            (
                .compilerUnusable(path: "/a", reason: "ended with exit status 3"),
                "Received compiler /a, which ended with exit status 3; expected a clang that answers --version."
            ),
            (
                .compilationFailed(what: "k.c", command: ["clang", "a b", "it's", "'\u{301}"], status: "exit status 1", standardError: "k.c:1"),
                "Compiling k.c ended with exit status 1, expected status 0; command: clang 'a b' 'it'\\''s' ''\\''\u{301}'\nk.c:1"
            ),
            (
                .timedOut(what: "k.c", command: ["clang", "-c"], seconds: 2.5),
                "Compiling k.c took longer than the limit of 2.5 seconds; command: clang -c"
            ),
            (
                .undefinedSymbols(["memcpy", "f"], command: ["ld"]),
                "The plugin uses memcpy, f without defining it; expected a plugin that calls nothing outside itself; command: ld"
            ),
            (
                .constructors(sections: [".init_array"]),
                "The plugin has sections .init_array, which run code when it is loaded or unloaded; expected none."
            ),
            (.wrongExports(received: [], expected: "v"), "The plugin exports nothing; expected v alone."),
            (.wrongExports(received: ["a", "v"], expected: "v"), "The plugin exports a, v; expected v alone."),
            (
                .narrowVectors(target: "x86-64-v4", expected: "zmm"),
                "The plugin for x86-64-v4 computes in narrower registers only; expected zmm."
            ),
            (
                .fileNameTaken("a/b.c"),
                "Received file name \"a/b.c\" for a generated file; expected distinct names without folders."
            ),
            (.fileSystem(operation: "open", path: "/x", errorNumber: 2), "Could not open /x: No such file or directory."),
        ]
        for (error, sentence) in table { #expect(error.description == sentence) }
    }
}
