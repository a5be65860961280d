import Foundation
import Testing
import _TestSupport

/// What `Tools/install-prefix` lays out, and the archive that `Tools/release` makes of it.
@Suite struct InstallTests {
    /// Runs a script of `Tools`. Each of its sentences begins with its name.
    private func script(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Voxelsmith.Outcome {
        try Voxelsmith.run(arguments, environment: environment, program: Voxelsmith.package.appendingPathComponent("Tools/\(name)"))
    }

    /// A folder that looks like that of a build, with one library.
    /// - Parameters:
    ///   - version: what the program says of itself; nil for the built program.
    ///   - licence: the name of the library's licence.
    private func build(in folder: TemporaryFolder, version: String? = nil, licence: String = "LICENSE.txt") throws -> String {
        for name in ["scratch/machine/release", "scratch/checkouts/some-library"] {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
        }
        let real = "exec '\(Voxelsmith.program.path)' \"$@\""
        let programs = [
            "voxelsmith": version.map { "[ \"$1\" = --version ] && { echo '\($0)'; exit 0; }\n\(real)" } ?? real, "voxelsmith-verify": "exit 1",
        ]
        for (name, line) in programs { _ = try folder.script("scratch/machine/release/\(name)", line) }
        _ = try folder.write("scratch/checkouts/some-library/\(licence)", "a licence\n")
        _ = try folder.write(
            "Package.resolved", #"{"pins": [{"identity": "some-library", "state": {"revision": "abc", "version": "1.2.3"}}], "version": 3}"#)
        return folder.path("scratch/machine/release")
    }

    private func files(_ folder: String) throws -> Set<String> {
        Set(try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue
        })
    }

    @Test func everythingIsInItsPlace() throws {
        let folder = try TemporaryFolder()
        let outcome = try script("install-prefix", [folder.path("prefix"), "--programs", build(in: folder)])
        #expect(outcome.status == 0, "\(outcome)")
        let found = try files(folder.path("prefix"))
        #expect(
            found.subtracting(found.filter { $0.hasPrefix("include/") }).sorted() == [
                "bin/voxelsmith", "bin/voxelsmith-verify", "lib/cmake/Voxelsmith/VoxelsmithAddKernels.cmake",
                "lib/cmake/Voxelsmith/VoxelsmithConfig.cmake", "lib/cmake/Voxelsmith/VoxelsmithConfigVersion.cmake",
                "share/bash-completion/completions/voxelsmith", "share/doc/voxelsmith/libraries.txt",
                "share/fish/vendor_completions.d/voxelsmith.fish", "share/licenses/voxelsmith/LICENSE", "share/licenses/voxelsmith/NOTICE",
                "share/licenses/voxelsmith/some-library/LICENSE.txt", "share/man/man1/voxelsmith.1", "share/zsh/site-functions/_voxelsmith",
            ])
        // Every header that generated C includes.
        let emitted = try Voxelsmith.run(["emit", folder.write("layer.json", TinyLayer.json()), "-o", folder.path("c")])
        #expect(emitted.status == 0, "\(emitted.errors)")
        let headers = try folder.namesOfHeaders(in: "c")
        #expect(!headers.isEmpty && found.isSuperset(of: headers.map { "include/voxelsmith/\($0)" }), "\(headers)")

        func text(_ name: String) throws -> String { try String(contentsOfFile: folder.path("prefix/\(name)"), encoding: .utf8) }
        #expect(try text("share/doc/voxelsmith/libraries.txt") == "some-library 1.2.3 abc\n")
        // Nothing knows where it is, or where it came from.
        for name in found where !name.hasPrefix("bin/") {
            #expect(try !text(name).contains(folder.path("")) && !text(name).contains(Voxelsmith.package.path + "/"), "\(name)")
        }
        let modes = try found.map { try FileManager.default.attributesOfItem(atPath: folder.path("prefix/\($0)"))[.posixPermissions] as? Int }
        #expect(zip(found, modes).allSatisfy { $1 == ($0.hasPrefix("bin/") ? 0o755 : 0o644) })
    }

    /// The manual has every verb and every option, in marks that troff takes for text.
    @Test func theManualIsWhole() throws {
        let folder = try TemporaryFolder()
        let outcome = try script("install-prefix", [folder.path("prefix"), "--programs", build(in: folder)])
        #expect(outcome.status == 0, "\(outcome)")
        let manual = try String(contentsOfFile: folder.path("prefix/share/man/man1/voxelsmith.1"), encoding: .utf8)
        for verb in try HelpDump.verbs() {
            let section = try #require(manual.components(separatedBy: "\n.S").first { $0.hasPrefix("S \(verb.name)\n") }, "\(verb.name)")
            for argument in verb.arguments {
                #expect(section.contains(argument.name.replacing("-", with: "\\-")), "\(verb.name) \(argument.name)")
            }
        }
        // A number of cores is not the same everywhere.
        #expect(!manual.contains("one per core. (default:"))
        let requests: Set = [".TH", ".SH", ".SS", ".PP", ".TP"]
        for line in manual.split(separator: "\n") where line.hasPrefix(".") || line.hasPrefix("'") {
            #expect(requests.contains(String(line.prefix(3))), "\(line)")
        }
    }

    /// The real programs, moved after they were installed: the tool finds the verifier beside itself.
    @Test func aMovedPrefixWorks() throws {
        let folder = try TemporaryFolder()
        let outcome = try script("install-prefix", [folder.path("prefix"), "--programs", Voxelsmith.program.deletingLastPathComponent().path])
        #expect(outcome.status == 0, "\(outcome)")
        try FileManager.default.moveItem(atPath: folder.path("prefix"), toPath: folder.path("another place"))
        let built = try Voxelsmith.run(
            ["build", folder.write("layer.json", TinyLayer.json()), "-o", folder.path("p.so"), "--no-cache"],
            program: URL(fileURLWithPath: folder.path("another place/bin/voxelsmith")))
        #expect(built.status == 0 && built.output.contains("verified in"), "\(built)")
    }

    /// What is there already is replaced, and a file that cannot be replaced is named.
    @Test func installsOverAnOlderOne() throws {
        let folder = try TemporaryFolder()
        let programs = try build(in: folder)
        for name in ["bin", "share/man/man1/voxelsmith.1"] {
            try FileManager.default.createDirectory(atPath: folder.path("prefix/\(name)"), withIntermediateDirectories: true)
        }
        _ = try folder.write("prefix/bin/voxelsmith", "old")
        let refused = try script("install-prefix", [folder.path("prefix"), "--programs", programs])
        #expect(refused.status == 1 && refused.errors.contains("cannot write \(folder.path("prefix/share/man/man1/voxelsmith.1"))"), "\(refused)")
        #expect(try !files(folder.path("prefix")).contains { $0.contains(".new") })
        try FileManager.default.removeItem(atPath: folder.path("prefix/share/man/man1/voxelsmith.1"))
        #expect(try script("install-prefix", [folder.path("prefix"), "--programs", programs]).status == 0)
        #expect(try String(contentsOfFile: folder.path("prefix/bin/voxelsmith"), encoding: .utf8) != "old")
    }

    @Test func wrongCallsAreSentences() throws {
        let folder = try TemporaryFolder()
        let programs = try build(in: folder)
        let file = try folder.write("file", "")
        let calls: [(script: String, arguments: [String], status: Int32, words: String)] = [
            ("install-prefix", [], 64, "received no folder"), ("install-prefix", ["a", "b"], 64, "received \"b\""),
            ("install-prefix", ["a", "--programs"], 64, "--programs without a value"), ("install-prefix", ["--help"], 64, "the option \"--help\""),
            ("install-prefix", [file, "--programs", programs], 1, "\(file) is no folder"),
            ("install-prefix", [folder.path("p"), "--programs", folder.path("")], 1, "found no program voxelsmith in "),
            ("release", ["--frob"], 64, "received \"--frob\""), ("release", ["--output"], 64, "--output without a value"),
            ("release", ["--programs", folder.path(""), "--output", folder.path("o")], 1, "found no program voxelsmith in "),
        ]
        for call in calls {
            let outcome = try script(call.script, call.arguments, environment: ["SOURCE_DATE_EPOCH": "1"])
            #expect(outcome.status == call.status && outcome.output.isEmpty, "\(call): \(outcome)")
            #expect(outcome.errors.hasPrefix("Tools/") && outcome.errors.contains("; expected "), "\(call): \(outcome)")
            #expect(outcome.errors.hasSuffix(".\n") && outcome.errors.split(separator: "\n").count == 1, "\(call): \(outcome)")
            #expect(outcome.errors.contains(call.words), "\(call): \(outcome)")
        }
        let noTime = try script("release", ["--programs", programs, "--output", folder.path("o")], environment: ["SOURCE_DATE_EPOCH": "today"])
        #expect(noTime.status == 64 && noTime.errors.contains("SOURCE_DATE_EPOCH \"today\"; expected seconds"), "\(noTime)")
        #expect(try folder.names() == ["Package.resolved", "file", "scratch"])
    }

    /// Programs of another version, and libraries whose licence is not found, are not installed.
    @Test func whatDoesNotFitIsNotInstalled() throws {
        for (version, licence, words) in [("voxelsmith 0.0.1", "LICENSE", "expected \"voxelsmith "), (nil, "README", "found no file LICENSE in ")] {
            let folder = try TemporaryFolder()
            let outcome = try script(
                "install-prefix", [folder.path("prefix"), "--programs", build(in: folder, version: version, licence: licence)])
            #expect(outcome.status == 1 && outcome.errors.contains(words), "\(outcome)")
            #expect(!FileManager.default.fileExists(atPath: folder.path("prefix")))
        }
    }

    /// Equal programs give equal bytes whatever the day, the time zone, the umask and the folders; and another time gives others.
    @Test func archivesOfEqualProgramsAreEqual() throws {
        func archive(_ environment: [String: String]) throws -> Data {
            let folder = try TemporaryFolder()
            let outcome = try script("release", ["--programs", build(in: folder), "--output", folder.path("out")], environment: environment)
            #expect(outcome.status == 0 && outcome.errors.contains("it is no release"), "\(outcome)")
            let path = outcome.output.dropLast()
            #expect(path.hasPrefix(folder.path("out/voxelsmith-")) && path.hasSuffix("-trial.tar.gz"), "\(outcome.output)")
            let sum = try Voxelsmith.run(
                ["-C", folder.path("out"), "sh", "-c", "sha256sum --check *.sha256"], program: URL(fileURLWithPath: "/usr/bin/env"))
            #expect(sum.status == 0, "\(sum)")
            return try Data(contentsOf: URL(fileURLWithPath: String(path)))
        }
        let one = try archive(["SOURCE_DATE_EPOCH": "1700000000", "TZ": "UTC"])
        let again = try archive(["SOURCE_DATE_EPOCH": "1700000000", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "GZIP": "-1"])
        let later = try archive(["SOURCE_DATE_EPOCH": "1700000001", "TZ": "UTC"])
        #expect(one.count > 10_000 && one == again)
        #expect(one != later)
    }
}

extension TemporaryFolder {
    /// The names of the headers in a folder of this one.
    fileprivate func namesOfHeaders(in name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(name)).filter { $0.hasSuffix(".h") }
    }
}
