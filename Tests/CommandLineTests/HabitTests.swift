import Foundation
import Testing
import VoxKerasConfig
import _TestSupport

/// What users expect of any program: its version, how much it says, hints after wrong arguments.
@Suite struct HabitTests {
    /// Every verb that the program's help lists, with the arguments that it cannot do without, and names that it may have.
    static let verbs: [String: [String]] = [
        "describe": ["p.so"], "inspect": ["p.so", "kernel", "-o", "p.html"], "emit": ["l.json"], "build": ["l.json", "-o", "p.so"],
        "run": ["l.json", "--input", "x.npy", "--output", "y.npy"], "verify": ["p.so"], "bench": ["l.json"],
        "tune": ["l.json", "--tunings", "t.json"], "regenerate": [], "cache": [], "version": [],
    ]

    @Test func everyVerbIsHere() throws {
        let help = try Voxelsmith.run(["--help"]).output
        let list = try #require(help.components(separatedBy: "SUBCOMMANDS:").last).components(separatedBy: "\n\n").first ?? ""
        let listed = list.split(separator: "\n").compactMap { line in
            line.hasPrefix("  ") && !line.hasPrefix("   ") ? line.split(separator: " ").first.map(String.init) : nil
        }
        #expect(listed.sorted() == Self.verbs.keys.sorted())
    }

    @Test func versionIsSaid() throws {
        let flag = try Voxelsmith.run(["--version"])
        #expect(flag.status == 0 && flag.errors.isEmpty)
        #expect(flag.output.wholeMatch(of: /voxelsmith \d+\.\d+\.\d+(-dev)?\n/) != nil, "\(flag.output)")
        for arguments in [["version"], ["build", "--version"]] { #expect(try Voxelsmith.run(arguments).output == flag.output, "\(arguments)") }

        let json = try JSONValue(parsing: Voxelsmith.run(["version", "--json"]).output.utf8)
        let report = try #require(json.object)
        #expect("\(report["name"]?.string ?? "") \(report["version"]?.string ?? "")\n" == flag.output)
        #expect(report["abi_version"] == .integer(2))
        let machine = try #require(report["machine"]?.object)
        for key in ["cpu", "cores", "target", "swift", "clang", "os"] { #expect(machine[key]?.isNull == false, "\(key)") }
    }

    /// A full disk or a closed descriptor behind standard output: a part of a result must not pass for the whole.
    @Test(arguments: [">/dev/full", ">&-"]) func lostOutputIsAFailure(sink: String) async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for command in [
            ["describe", layer], ["describe", layer, "--json"], ["emit", layer], ["emit", layer, "-o", "-"], ["cache", "--json"], ["cache", "--path"],
            ["version"], ["version", "--json"], ["--version"], ["--help"], ["help", "build"], ["--generate-completion-script", "bash"],
        ] {
            let outcome = try await Child.run(
                command, wrapper: Child.shell("exec \"$@\" \(sink)"), environment: ["XDG_CACHE_HOME": folder.path("cache")])
            #expect(outcome.isFailure("Could not write standard output: ") && isOneSentence(outcome.errors), "\(command): \(outcome)")
        }
        // Standard error and input may be closed: nothing takes their place.
        let run = try folder.tinyRun() + [folder.path("y.npy"), "--verbose"]
        let whole = try await Child.run(run)
        let first = try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy")))
        let closed = try await Child.run(run, wrapper: Child.shell("exec \"$@\" 2>&- <&-"))
        #expect(whole.status == 0 && closed.status == 0 && closed.output == whole.output)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy"))) == first)
    }

    @Test(arguments: verbs.keys.sorted()) func wrongArgumentsEndWithAHint(verb: String) throws {
        let needed = Self.verbs[verb] ?? []
        var wrong = [[verb] + needed + ["--frobnicate"], [verb] + needed + ["superfluous"], [verb] + needed + ["-q", "--verbose"]]
        if !needed.isEmpty { wrong += [[verb], [verb] + needed.dropLast()] }
        for arguments in wrong {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 64 && outcome.output.isEmpty && isOneSentence(outcome.errors), "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.hasSuffix(". See 'voxelsmith \(verb) --help' for more information.\n"), "\(arguments): \(outcome.errors)")
        }
    }

    @Test func wrongVerbsAndLateRefusalsEndWithAHintToo() throws {
        let folder = try TemporaryFolder()
        let many = try folder.write("many.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        for (arguments, place) in [
            (["frobnicate"], "voxelsmith"), (["help", "frobnicate"], "voxelsmith"), (["", "build"], "voxelsmith"), (["--frobnicate"], "voxelsmith"),
            (["--generate-completion-script", "command.com"], "voxelsmith"),
            (["emit", many], "voxelsmith emit"), (["build", many, "-o", "p.so", "--time-limit", "3"], "voxelsmith build"),
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 64 && outcome.output.isEmpty && isOneSentence(outcome.errors), "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.contains("See '\(place) --help' for more"), "\(arguments): \(outcome.errors)")
        }
    }

    /// The parser alone would take the last value.
    @Test func optionsWithOneValueAreGivenOnce() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        for (arguments, option, count) in [
            (["emit", layer, "--target", "x86-64-v3", "--target", "x86-64-v4"], "--target", 2),
            (["emit", layer, "--target=x86-64-v3", "--target", "x86-64-v3"], "--target", 2),
            (["build", layer, "-o", folder.path("a"), "--output", folder.path("b")], "--output", 2),
            (["build", layer, "-o", folder.path("a"), "-o=b", "-o", "c"], "--output", 3),
            (["bench", layer, "--plugin", "a", "--threads", "1", "--plugin", "b", "--threads", "2"], "--threads", 2),
        ] {
            let outcome = try Voxelsmith.run(arguments)
            #expect(outcome.status == 64 && isOneSentence(outcome.errors), "\(arguments): \(outcome.errors)")
            #expect(outcome.errors.contains("Received \(option) \(count) times; expected it at most once."), "\(arguments): \(outcome.errors)")
        }
        #expect(try Voxelsmith.run(["build", layer, "-o", "p.so", "--verify", "--no-verify"]).status == 64)
        #expect(try folder.names() == ["layer.json"])
        // Options for several values, flags, and values that look like the names of options.
        let emitted = try Voxelsmith.run(["emit", layer, "-q", "-q", "-o", folder.path("--policy"), "--policy", "direct"])
        #expect(emitted.status == 0 && emitted.errors.isEmpty, "\(emitted.errors)")
        let bench = ["bench", layer, "--seconds", "0", "--plugin", folder.path("a"), "--plugin", folder.path("b")]
        #expect(try Voxelsmith.run(bench).status == 0)
    }

    @Test func quietAndVerbose() throws {
        let folder = try TemporaryFolder()
        let odd = TinyLayer.json(name: "odd").replacing("\"strides\": [2, 2, 1]", with: "\"strides\": [1, 1, 70000]")
        let both = try folder.write("both.json", "[\(odd), \(TinyLayer.json(name: "plain"))]")
        let environment = ["XDG_CACHE_HOME": try folder.makeFolder("cache")]
        let plugin = folder.path("p.so")

        let quiet = try Voxelsmith.run(["build", both, "-o", plugin, "--quiet"], environment: environment)
        #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.output)\(quiet.errors)")
        let usual = try Voxelsmith.run(["build", both, "-o", plugin], environment: environment)
        #expect(usual.output.contains("1 kernel for") && usual.errors.contains("warning: ") && !usual.errors.contains("debug: "), "\(usual.errors)")
        let cached = try Voxelsmith.run(["build", both, "-o", plugin, "-v"], environment: environment)
        let compiled = try Voxelsmith.run(["build", both, "-o", plugin, "-v", "--no-cache"], environment: environment)
        for (outcome, words) in [(cached, "is in the cache: "), (compiled, " -O3 "), (compiled, "layer \"plain\": "), (compiled, "compiler: ")] {
            #expect(outcome.status == 0 && outcome.errors.contains("debug: ") && outcome.errors.contains(words), "\(outcome.errors)")
        }
        // What was asked for is printed, and errors are.
        let verified = try Voxelsmith.run(["verify", plugin, "-q"])
        #expect(verified.status == 0 && verified.output.isEmpty && verified.errors.isEmpty)
        #expect(try Voxelsmith.run(["describe", plugin, "-q"]).output == Voxelsmith.run(["describe", plugin]).output)
        let absent = try Voxelsmith.run(["describe", folder.path("absent.so"), "-q"])
        #expect(absent.status == 1 && isOneSentence(absent.errors), "\(absent.errors)")

        var run = try folder.tinyRun()
        run += [folder.path("y.npy"), "--plugin", plugin]
        let chosen = try Voxelsmith.run(run + ["--verbose"])
        #expect(chosen.status == 0 && chosen.errors.contains("exact match"), "\(chosen.errors)")
        let spurned = try Voxelsmith.run(run + ["--verbose", "--kernel", "interpreter"])
        #expect(spurned.status == 0 && !spurned.errors.contains("exact match"), "\(spurned.errors)")
        let silent = try Voxelsmith.run(run + [folder.path("none.so"), "-q"])
        #expect(silent.status == 0 && silent.errors.isEmpty && silent.output.isEmpty, "\(silent.output)\(silent.errors)")
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionScripts(shell: String) throws {
        let script = try Voxelsmith.run(["--generate-completion-script", shell])
        #expect(script.status == 0 && script.errors.isEmpty)
        for verb in Self.verbs.keys { #expect(script.output.contains(verb), "\(verb)") }
    }

    // A shell has the last word on its script, where it is at hand.
    @Test(.enabled(if: HabitTests.isThere("bash"), "no bash on this machine")) func bashReadsItsScript() throws { try check("bash") }
    @Test(.enabled(if: HabitTests.isThere("zsh"), "no zsh on this machine")) func zshReadsItsScript() throws { try check("zsh") }
    @Test(.enabled(if: HabitTests.isThere("fish"), "no fish on this machine")) func fishReadsItsScript() throws { try check("fish") }

    fileprivate static func isThere(_ shell: String) -> Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/\(shell)") }

    private func check(_ shell: String) throws {
        let folder = try TemporaryFolder()
        let script = try folder.write("completion", Voxelsmith.run(["--generate-completion-script", shell]).output)
        let checked = try Voxelsmith.run(["-n", script], program: URL(fileURLWithPath: "/usr/bin/\(shell)"))
        #expect(checked.status == 0 && checked.errors.isEmpty, "\(checked.errors)")
    }

    /// The script of the most usual shell, in that shell.
    @Test(.enabled(if: HabitTests.isThere("bash"), "no bash on this machine")) func bashCompletesVerbsAndOptions() throws {
        let bash = URL(fileURLWithPath: "/usr/bin/bash")
        let folder = try TemporaryFolder()
        let script = try folder.write("completion", Voxelsmith.run(["--generate-completion-script", "bash"]).output)
        for (words, expected) in [(["voxelsmith", "des"], "describe"), (["voxelsmith", "build", "--no-c"], "--no-cache")] {
            let line = words.joined(separator: " ")
            let outcome = try Voxelsmith.run(
                ["-c", """
                    source "$1"
                    COMP_LINE="\(line)"; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1)
                    _voxelsmith voxelsmith "\(words.last ?? "")" "\(words.dropLast().last ?? "")"
                    printf '%s\\n' "${COMPREPLY[@]}"
                    """, "bash", script], program: bash)
            #expect(outcome.output.split(separator: "\n").map { line in line.filter { $0 != " " } } == [expected], "\(outcome.output)\(outcome.errors)")
        }
    }
}
