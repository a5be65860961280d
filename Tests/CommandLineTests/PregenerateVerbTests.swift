import Foundation
import Glibc
import Testing
import _TestSupport

/// What the build plugin runs for a target.
@Suite struct PregenerateVerbTests {
    /// Runs the verb for the folder `app` of a temporary folder, whose file is `config`.
    private func pregenerate(
        _ config: String, in folder: TemporaryFolder, planned: [String] = ["up.json"], options: [String] = []
    ) throws -> Voxelsmith.Outcome {
        try write(config, in: folder)
        return try Voxelsmith.run(
            ["pregenerate", folder.path("app"), "--output", folder.path("out"), "--bundle", "App_app"] + options + ["--planned"] + planned)
    }

    private func write(_ config: String, in folder: TemporaryFolder) throws {
        for name in ["app", "out"] { try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true) }
        _ = try folder.write("app/voxelsmith.json", config)
        _ = try folder.write("app/up.json", TinyLayer.json(name: "up"))
    }

    private func plugins(_ folder: TemporaryFolder) throws -> [String: Int] {
        var sizes: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path("out")) where name.hasSuffix(".so") {
            sizes[name] = try Data(contentsOf: URL(fileURLWithPath: folder.path("out/\(name)"))).count
        }
        return sizes
    }

    @Test func everyDeclaredFileIsMade() throws {
        let folder = try TemporaryFolder()
        let result = try pregenerate(#"{"layers": ["up.json"], "targets": ["x86-64-v3", "aarch64-neon"]}"#, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let sizes = try plugins(folder)
        #expect(sizes.keys.sorted() == ["kernels-aarch64-neon.so", "kernels-x86-64-v2.so", "kernels-x86-64-v3.so", "kernels-x86-64-v4.so"])
        #expect(sizes.filter { $0.value > 0 }.keys.sorted() == ["kernels-aarch64-neon.so", "kernels-x86-64-v3.so"])
        let described = try Voxelsmith.run(["describe", folder.path("out/kernels-x86-64-v3.so")])
        #expect(described.output.contains("x86-64-v3"))
        let swift = try String(contentsOfFile: folder.path("out/Pregenerated.swift"), encoding: .utf8)
        #expect(swift.contains("\"App_app.resources\"") && swift.contains("[\"kernels-x86-64-v3.so\", \"kernels-aarch64-neon.so\"]"))

        // Files that are as they should be keep their times, so that SwiftPM copies and compiles nothing that uses them.
        func times() throws -> [Date?] {
            try (sizes.keys.sorted() + ["Pregenerated.swift"]).map { name in
                try FileManager.default.attributesOfItem(atPath: folder.path("out/\(name)"))[.modificationDate] as? Date
            }
        }
        let before = try times()
        #expect(try pregenerate(#"{"layers": ["up.json"], "targets": ["x86-64-v3", "aarch64-neon"], "policy": "fast"}"#, in: folder).status == 0)
        #expect(try times() == before && !before.contains(nil))

        // A target that is no longer wanted leaves nothing behind.
        let fewer = try pregenerate(#"{"layers": ["up.json"], "targets": ["aarch64-neon"]}"#, in: folder)
        #expect(fewer.status == 0, "\(fewer.errors)")
        #expect(try plugins(folder).filter { $0.value > 0 }.keys.sorted() == ["kernels-aarch64-neon.so"])
        #expect(try String(contentsOfFile: folder.path("out/Pregenerated.swift"), encoding: .utf8).contains("[\"kernels-aarch64-neon.so\"]"))
    }

    /// Without a build there is nothing but the plugins that are asked for, so that `load(folder:)` finds kernels in every file.
    @Test func intoAFolderGoPluginsAlone() throws {
        let folder = try TemporaryFolder()
        func made(_ targets: String) throws -> [String] {
            try write(#"{"layers": ["up.json"], "targets": \#(targets)}"#, in: folder)
            let result = try Voxelsmith.run(["pregenerate", folder.path("app"), "--output", folder.path("out")])
            #expect(result.status == 0, "\(result.errors)")
            return try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted()
        }
        let files = try made(#"["x86-64-v3", "aarch64-neon"]"#)
        #expect(files.filter { !$0.hasSuffix(".verification.json") } == ["kernels-aarch64-neon.so", "kernels-x86-64-v3.so"], "\(files)")
        #expect(try plugins(folder).values.allSatisfy { $0 > 0 })
        // A target that is no longer wanted would be loaded; its plugin goes with the record of its verification.
        let fewer = try made(#"["aarch64-neon"]"#)
        #expect(fewer.first == "kernels-aarch64-neon.so" && fewer.allSatisfy { $0.hasPrefix("kernels-aarch64-neon.so") }, "\(fewer)")
    }

    @Test func wrongFilesAreSentencesAndMakeNothing() throws {
        for (config, sentence) in [
            (#"{"layers": ["up.json"], "polcy": "fast"}"#, #"voxelsmith.json has a field "polcy"; expected none but layers, targets, policy, tunings, threads, optional."#),
            (#"{"layers": 3}"#, "The field layers of "), (#"{"layers": ["up.json"}"#, "voxelsmith.json is not what it must be: "),
            (#"{"layers": ["none.json"]}"#, "none.json"),
            (#"{"layers": ["up.json", "../app/up.json"]}"#, "expected a new plan: touch Package.swift and build again."),
        ] {
            let folder = try TemporaryFolder()
            let result = try pregenerate(config, in: folder)
            #expect(result.status == 1, "\(config)")
            #expect(isOneSentence(result.errors) && result.errors.contains(sentence), "\(result.errors)")
            #expect(try plugins(folder).isEmpty, "\(config)")
        }
    }

    /// An installed program works for the build plugin of its own version alone.
    @Test func anotherVersionsBuildPluginIsRefused() throws {
        let folder = try TemporaryFolder()
        let config = #"{"layers": ["up.json"], "targets": ["aarch64-neon"]}"#
        let version = try Voxelsmith.run(["--version"]).output.dropLast().split(separator: " ")[1]
        let refused = try pregenerate(config, in: folder, options: ["--for-version", "\(version)1"])
        #expect(refused.status == 1 && isOneSentence(refused.errors), "\(refused)")
        #expect(refused.errors.contains("is voxelsmith \(version); expected version \(version)1,"), "\(refused.errors)")
        #expect(try plugins(folder).isEmpty)
        let taken = try pregenerate(config, in: folder, options: ["--for-version", String(version)])
        #expect(taken.status == 0, "\(taken.errors)")
    }

    /// No file of the output folder takes the place of what is no file, or of an input, whatever link stands there.
    @Test func outputsAreLookedAtBeforeAnyWork() throws {
        for name in ["kernels-x86-64-v3.so", "kernels-x86-64-v3.so.verification.json", "kernels-aarch64-neon.so", "Pregenerated.swift"] {
            for input in [nil, "up.json", "voxelsmith.json"] as [String?] {
                let folder = try TemporaryFolder()
                try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: false)
                if let input {
                    try FileManager.default.createSymbolicLink(atPath: folder.path("out/\(name)"), withDestinationPath: "../app/\(input)")
                } else {
                    #expect(mkfifo(folder.path("out/\(name)"), 0o600) == 0)
                }
                let config = #"{"layers": ["up.json"], "targets": ["x86-64-v3"]}"#
                let result = try pregenerate(config, in: folder)
                let words = input == nil ? "It is a pipe" : "the same file for"
                #expect(
                    [1, 64].contains(result.status) && isOneSentence(result.errors) && result.errors.contains(words), "\(name) \(input ?? "pipe"): \(result)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")) == [name], "\(name) \(input ?? "pipe")")
                #expect(try String(contentsOfFile: folder.path("app/up.json"), encoding: .utf8) == TinyLayer.json(name: "up"))
                #expect(try String(contentsOfFile: folder.path("app/voxelsmith.json"), encoding: .utf8) == config)
            }
        }
    }

    @Test func aFailingCompilerFailsWithItsSentence() throws {
        let folder = try TemporaryFolder()
        let clang = try folder.write(
            "clang", "#!/bin/sh\n[ \"$1\" = --version ] && { echo 'clang version 21.0.0'; exit 0; }\necho 'no space in this register' >&2\nexit 3\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: clang)
        let result = try pregenerate(
            #"{"layers": ["up.json"], "targets": ["x86-64-v3"]}"#, in: folder, options: ["--clang", clang, "--no-cache"])
        #expect(result.status == 1)
        #expect(result.errors.contains("expected status 0") && result.errors.contains("no space in this register"), "\(result.errors)")
        #expect(try plugins(folder).isEmpty)
    }

    /// A build that can do without kernels gets a program that finds none, and a warning with the reason.
    @Test func optionalKernelsNeedNoCompiler() throws {
        for clang in ["/no/such/clang", "/bin/false"] {
            let folder = try TemporaryFolder()
            let options = ["--clang", clang, "--no-cache"]
            let needed = try pregenerate(#"{"layers": ["up.json"], "optional": false}"#, in: folder, options: options)
            #expect(needed.status == 1 && isOneSentence(needed.errors), "\(needed)")
            let optional = try pregenerate(#"{"layers": ["up.json"], "optional": true}"#, in: folder, options: options)
            #expect(optional.status == 0 && optional.errors.contains("warning: ") && optional.errors.contains(clang), "\(optional)")
            #expect(try plugins(folder).count == 4 && plugins(folder).allSatisfy { $0.value == 0 })
            #expect(try String(contentsOfFile: folder.path("out/Pregenerated.swift"), encoding: .utf8).contains("plugins: [],"))
            // What is wrong with the file itself is an error of every build.
            #expect(try pregenerate(#"{"layers": ["none.json"], "optional": true}"#, in: folder, planned: ["none.json"], options: options).status == 1)
        }
    }
}
