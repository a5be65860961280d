import Foundation
import Glibc
import Testing
import _TestSupport

/// No output can destroy a device, a pipe, an input or another output: every output of every verb is tried.
@Suite struct OutputTests {
    private enum Role {
        case input, output, folder
        /// A number, a name: no file.
        case value
    }

    /// What each argument that takes a value is. One that is missing here fails the test: say what it is.
    private static let roles: [String: Role] = [
        "layers": .input, "plugin": .input, "file": .input, "--plugin": .input, "--input": .input, "--weights": .input, "--truth": .input, "--expect": .input,
        "--suite": .input, "--clang": .input, "--verifier": .input,
        "build --output": .output, "inspect --output": .output, "run --output": .output, "--picture": .output, "--json": .output, "--plot": .output, "--plot-rates": .output, "--tunings": .output,
        "emit --output": .folder, "regenerate --output": .folder,
        "--input-shape": .value, "--trust-folder": .value, "--target": .value, "--policy": .value, "--effort": .value, "--threads": .value,
        "--time-limit": .value,
        "--total-time-limit": .value, "--compiler-time-limit": .value, "--kernel": .value, "--expect-every": .value, "--tolerance": .value,
        "--seconds": .value, "kernel": .value, "--name": .value,
    ]

    /// Arguments without which a verb would not use all its files.
    private static let always = ["build": ["--effort", "measure"]]

    private struct File {
        let argument: String
        let role: Role
        var path: String
    }

    private func role(_ argument: HelpDump.Argument, of verb: String) -> Role? {
        Self.roles["\(verb) \(argument.name)"] ?? Self.roles[argument.name.hasPrefix("--") ? argument.name : argument.name.lowercased()]
    }

    private func command(_ verb: String, _ files: [File]) -> [String] {
        [verb] + files.flatMap { $0.argument.hasPrefix("--") ? [$0.argument, $0.path] : [$0.path] } + Self.always[verb, default: []]
    }

    /// Every entry of a folder: kind, size, number and first bytes of what it is.
    private func contents(_ folder: TemporaryFolder) throws -> [String] {
        try folder.names().map { name in
            var status = stat()
            lstat(folder.path(name), &status)
            let isFile = status.st_mode & S_IFMT == S_IFREG
            let bytes = isFile ? FileManager.default.contents(atPath: folder.path(name)).map { "\([UInt8]($0))" } ?? "" : ""
            return "\(name) \(status.st_mode) \(status.st_size) \(status.st_ino) \(status.st_nlink) \(bytes)"
        }
    }

    private func makeSocket(_ path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        #expect(status == 0)
        close(descriptor)
    }

    /// A device of our own where we may make one: root could replace the machine's.
    private static func device(in folder: TemporaryFolder) -> String? {
        if mknod(folder.path("null"), S_IFCHR | 0o666, 0x103) == 0 { return folder.path("null") }
        return geteuid() == 0 ? nil : "/dev/null"
    }

    @Test func noOutputTakesThePlaceOfADevice() throws {
        let folder = try TemporaryFolder()
        guard let null = Self.device(in: folder) else { try Test.cancel("this machine lets root make no device of its own") }
        try FileManager.default.createSymbolicLink(atPath: folder.path("to-null"), withDestinationPath: null)
        try check(in: folder, special: [null, folder.path("to-null")])
    }

    @Test func noOutputTakesThePlaceOfWhatIsNoFileOrAnInput() throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        #expect(mkfifo(folder.path("fifo"), 0o600) == 0)
        makeSocket(folder.path("socket"))
        try files.createDirectory(atPath: folder.path("folder"), withIntermediateDirectories: false)
        for (link, target) in [("to-fifo", "fifo"), ("to-nothing", "absent"), ("to-itself", "to-itself"), ("to-folder", "folder")] {
            try files.createSymbolicLink(atPath: folder.path(link), withDestinationPath: target)
        }
        let special = ["fifo", "socket", "to-fifo", "to-nothing", "to-itself"].map(folder.path)
        #expect(try check(in: folder, special: special + ["", folder.path("absent/x")], othersToo: true) > 150)
    }

    /// Gives each output of each verb the paths `special`, one at a time, and expects a sentence and a folder that stays as it was.
    /// - Parameter othersToo: also gives it the paths of folders, of the command's inputs, links to those, and its other outputs.
    /// - Returns: how many commands were tried.
    @discardableResult
    private func check(in folder: TemporaryFolder, special: [String], othersToo: Bool = false) throws -> Int {
        let files = FileManager.default
        var tried = 0
        for (verb, arguments) in try HelpDump.verbs() {
            var all: [File] = []
            for argument in arguments {
                guard let role = role(argument, of: verb) else {
                    Issue.record("Does \(argument.name) of \(verb) name a file? Say so in `roles`.")
                    continue
                }
                if role == .value { continue }
                let name = argument.name.replacing("--", with: "")
                let path = role == .input ? try folder.write("\(name).in", "{\"what\": \"\(name)\"}") : folder.path("\(name).out")
                all.append(File(argument: argument.name, role: role, path: path))
            }
            for input in all where input.role == .input {
                for link in ["hard", "soft"] where !files.fileExists(atPath: input.path + "." + link) {
                    if link == "hard" { try files.linkItem(atPath: input.path, toPath: input.path + ".hard") }
                    if link == "soft" { try files.createSymbolicLink(atPath: input.path + ".soft", withDestinationPath: input.path) }
                }
            }
            let before = try contents(folder)
            for (index, output) in all.enumerated() where output.role != .input {
                var targets = special
                if othersToo { targets += others(all, than: output, of: verb, in: folder) }
                if output.role == .folder { targets.removeAll { $0 == folder.path("absent/x") } }
                for target in targets {
                    var files = all
                    files[index].path = target
                    let outcome = try Voxelsmith.run(command(verb, files))
                    #expect(
                        [1, 64].contains(outcome.status) && isOneSentence(outcome.errors) && outcome.output.isEmpty,
                        "\(verb) \(output.argument) \(target): \(outcome)")
                    #expect(outcome.errors.contains("eceived"), "\(verb) \(output.argument) \(target): \(outcome)")
                    let after = try contents(folder)
                    #expect(after == before, "\(verb) \(output.argument) \(target)")
                    tried += 1
                }
            }
            #expect(try contents(folder) == before, "\(verb)")
        }
        return tried
    }

    /// What an output must not be beside what is no file: a folder, standard output, the command's inputs, links to them, its other outputs.
    private func others(_ all: [File], than output: File, of verb: String, in folder: TemporaryFolder) -> [String] {
        var targets: [String] = []
        if output.role == .output { targets += [folder.path("folder"), folder.path("to-folder"), folder.path("folder/")] }
        if !(verb == "emit" || output.argument == "--json") { targets.append("-") }
        for input in all where input.role == .input { targets += [input.path, input.path + ".hard", input.path + ".soft"] }
        if output.role == .output { for other in all where other.role == .output && other.argument != output.argument { targets.append(other.path) } }
        return targets
    }

    /// The record of a verification takes a place of its own beside the plugin.
    @Test func theRecordOfAVerificationTakesNoInputsPlace() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("p.so.verification.json", TinyLayer.json())
        let outcome = try Voxelsmith.run(["build", layer, "-o", folder.path("p.so")])
        #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains("the same file for the layers and for"), "\(outcome)")
        #expect(try folder.names() == ["p.so.verification.json"] && String(contentsOfFile: layer, encoding: .utf8) == TinyLayer.json())
    }

    /// Files of a folder that is written to are looked at before the first is written.
    @Test func foldersAreHeldToTheSame() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        #expect(try Voxelsmith.run(["emit", layer, "-o", folder.path("c")]).status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("c")).sorted()
        for name in names {
            for path in try FileManager.default.contentsOfDirectory(atPath: folder.path("c")) { unlink(folder.path("c/\(path)")) }
            #expect(mkfifo(folder.path("c/\(name)"), 0o600) == 0)
            let outcome = try Voxelsmith.run(["emit", layer, "-o", folder.path("c")])
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("It is a pipe"), "\(name): \(outcome)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("c")) == [name])
        }
        // An input in the place of a file that would be written.
        for name in names { unlink(folder.path("c/\(name)")) }
        let inside = try folder.write("c/\(names[0])", TinyLayer.json())
        let outcome = try Voxelsmith.run(["emit", inside, "-o", folder.path("c")])
        #expect(outcome.status == 64 && isOneSentence(outcome.errors), "\(outcome)")
        #expect(try String(contentsOfFile: inside, encoding: .utf8) == TinyLayer.json())
    }

    /// An input is not said to be replaced, a folder not to be a file.
    @Test func theSentenceFitsWhatIsNamed() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let before = try folder.names()
        let run = ["run", layer, "--weights", "w.npz", "--output", folder.path("y.npy"), "--input"]
        for (command, words) in [
            (run + [""], "an empty path for --input;"), (["describe", ""], "an empty path for the file;"),
            (["bench", layer, "--plugin", ""], "an empty path for --plugin;"), (["emit", layer, "-o", ""], "an empty path for --output;"),
            (["build", layer, "-o", folder.path("p.so"), "--clang", ""], "an empty path for --clang;"),
        ] {
            let outcome = try Voxelsmith.run(command)
            #expect(outcome.status == 64 && isOneSentence(outcome.errors) && outcome.errors.contains(words), "\(command): \(outcome)")
        }
        let outcome = try Voxelsmith.run(["emit", layer, "-o", layer])
        #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("which is no folder; expected one"), "\(outcome)")
        #expect(try folder.names() == before)
    }

    /// What is printed goes to where a shell has put it, not into a file of the same name.
    @Test func outputsAndStandardOutputDiffer() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let shell = Child.shell("exec \"$@\" > '\(folder.path("out"))'")
        let outcome = try await Child.run(["bench", layer, "--seconds", "0", "--json", folder.path("out")], wrapper: shell)
        #expect(outcome.status == 64 && outcome.errors.contains("standard output"), "\(outcome)")
    }

    @Test func aDashIsStandardOutput() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let bench = try Voxelsmith.run(["bench", layer, "--seconds", "0", "--json", "-"])
        #expect(bench.status == 0, "\(bench)")
        #expect(try JSONSerialization.jsonObject(with: Data(bench.output.utf8)) is [String: Any], "\(bench)")
        let emitted = try Voxelsmith.run(["emit", layer, "-o", "-"])
        let printed = try Voxelsmith.run(["emit", layer])
        #expect(emitted.status == 0 && emitted.output == printed.output && emitted.output.hasPrefix("/* Generated by voxelsmith"), "\(emitted)")
        #expect(try folder.names() == ["layer.json"])
    }

    /// A link to a file stays a link, and the file keeps its permissions.
    @Test func linksToFilesAreFollowed() throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        try FileManager.default.createDirectory(atPath: folder.path("far"), withIntermediateDirectories: false)
        let real = try folder.write("far/y.npy", "old")
        chmod(real, 0o640)
        try FileManager.default.createSymbolicLink(atPath: folder.path("one"), withDestinationPath: "far/two")
        try FileManager.default.createSymbolicLink(atPath: folder.path("far/two"), withDestinationPath: "../far/y.npy")
        let outcome = try Voxelsmith.run(run + [folder.path("one")])
        #expect(outcome.status == 0, "\(outcome)")
        var status = stat()
        #expect(lstat(folder.path("one"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(lstat(folder.path("far/two"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(stat(real, &status) == 0 && status.st_mode & 0o777 == 0o640 && status.st_size > 100)

        // A plugin too, and the folder it comes to stand in is the one that must be trusted.
        let plugin = try folder.write("far/q.so", "old")
        try FileManager.default.createSymbolicLink(atPath: folder.path("p.so"), withDestinationPath: "far/q.so")
        let build = ["build", folder.path("layer.json"), "-o", folder.path("p.so")]
        let built = try Voxelsmith.run(build)
        #expect(built.status == 0, "\(built)")
        #expect(lstat(folder.path("p.so"), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(lstat(plugin, &status) == 0 && status.st_mode & 0o7777 == 0o644 && status.st_size > 1000)
        let number = status.st_ino
        #expect(chmod(folder.path("far"), 0o777) == 0)
        let refused = try Voxelsmith.run(build)
        #expect(refused.status == 1 && isOneSentence(refused.errors) && refused.errors.contains("far has mode 777"), "\(refused)")
        #expect(lstat(plugin, &status) == 0 && status.st_ino == number)
    }

    /// The link of a descriptor whose file was removed says "NAME (deleted)", which may be another file.
    @Test func filesWithoutANameAreNotReplaced() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let other = try folder.write("gone (deleted)", "mine")
        let before = try folder.names()
        let gone = folder.path("gone")
        let commands = [
            run + ["/dev/fd/3"], ["build", folder.path("layer.json"), "-o", "/proc/self/fd/3"],
            ["bench", folder.path("layer.json"), "--seconds", "0", "--json", "/dev/fd/3"],
        ]
        for command in commands {
            let outcome = try await Child.run(command, wrapper: Child.shell("exec 3> '\(gone)' && rm '\(gone)' && exec \"$@\""))
            #expect(outcome.status == 1 && isOneSentence(outcome.errors) && outcome.errors.contains("whose name is gone"), "\(outcome)")
            #expect(try folder.names() == before && String(contentsOfFile: other, encoding: .utf8) == "mine", "\(command)")
        }
    }
}
