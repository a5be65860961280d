import Foundation
import Testing
import _TestSupport

/// Folders that others own or may write to: what is refused, in which words, and the switch that names them.
@Suite(.serialized) struct TrustedFolderTests {
    private static let words = ["is not trusted", "--trust-folder", "VOXELSMITH_TRUSTED_FOLDERS"]

    /// Every verb that reads or makes plugins, in this folder.
    private func verbs(_ shared: String, _ run: [String]) -> [[String]] {
        let plugin = shared + "/p.so"
        return [
            ["build", run[1], "-o", plugin], ["describe", plugin, "--short"], ["verify", plugin],
            run + [shared + "/y.npy", "--plugin", plugin, "--kernel", "specialized"],
            ["bench", run[1], "--plugin", plugin, "--seconds", "0.01", "--threads", "1"],
        ]
    }

    private func check(_ folder: TemporaryFolder, owner: uid_t, group: gid_t, mode: mode_t) async throws {
        let run = try folder.tinyRun()
        let shared = try folder.makeFolder("shared")
        let other = try folder.makeFolder("other")
        #expect(chown(shared, owner, group) == 0 && chmod(shared, mode) == 0)
        for (index, verb) in verbs(shared, run).enumerated() {
            if index == 1 {  // written by hand, so that the verbs that read it have something to refuse
                #expect(try await Child.run(verbs(shared, run)[0] + ["--trust-folder", shared]).status == 0)
                #expect(chown(shared + "/p.so", owner, group) == 0 && chmod(shared + "/p.so", 0o664) == 0)
            }
            for (arguments, environment) in [
                ([], [:]), (["--trust-folder", other], [:]), ([], ["VOXELSMITH_TRUSTED_FOLDERS": "\(other):shared:\(shared)x"]),
            ] as [([String], [String: String])] {
                let refused = verb[0] == "bench" ? nil : try await Child.run(verb + arguments, environment: environment)
                if let refused {
                    #expect(refused.status == 1 && Self.words.allSatisfy { refused.errors.contains($0) }, "\(verb[0]) \(arguments): \(refused)")
                }
            }
            for (arguments, environment) in [
                (["--trust-folder", shared], [:]), (["--trust-folder=" + other, "--trust-folder=" + shared], [:]),
                ([], ["VOXELSMITH_TRUSTED_FOLDERS": shared]), ([], ["VOXELSMITH_TRUSTED_FOLDERS": "\(other)::\(shared)/."]),
            ] as [([String], [String: String])] {
                let outcome = try await Child.run(verb + arguments, environment: environment)
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(verb[0]) \(arguments) \(environment): \(outcome)")
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func aFolderOfAnotherUser() async throws {
        try await check(try TemporaryFolder(), owner: 12345, group: 12345, mode: 0o755)
        try await check(try TemporaryFolder(), owner: 12345, group: 12345, mode: 0o775)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root, for a group this machine does not know")) func aFolderThatAGroupMayWriteTo() async throws {
        try await check(try TemporaryFolder(), owner: 0, group: 12345, mode: 0o775)
    }

    /// A folder that anybody may write to is not trusted, even when it is named. A plugin for another machine, and one that is not
    /// verified, may be put anywhere.
    @Test func aFolderThatAnybodyMayWriteTo() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let shared = try folder.makeFolder("shared")
        #expect(chmod(shared, 0o777) == 0)
        for verb in [verbs(shared, run)[0], verbs(shared, run)[0] + ["--trust-folder", shared]] {
            let refused = try await Child.run(verb)
            #expect(refused.isFailure("has mode 777") && !refused.errors.contains("--trust-folder") && isOneSentence(refused.errors), "\(refused)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: shared) == [])
        }
        #expect(try await Child.run(verbs(shared, run)[0] + ["--no-verify"]).status == 0)
    }

    /// Where the user's group is the user's alone, a umask of 002 is as good as any.
    @Test func aGroupOfTheUsersOwn() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let shared = try folder.makeFolder("shared")
        #expect(chmod(shared, 0o775) == 0)
        let user = getpwuid(geteuid())?.pointee
        guard let user, user.pw_gid == getegid(), let group = getgrgid(getegid())?.pointee, group.gr_mem[0] == nil else {
            try Test.cancel("the group may be others' too")
        }
        let built = try await Child.run(verbs(shared, run)[0], wrapper: Child.shell("umask 002 && exec \"$@\""))
        let isKnown = built.status == 0
        // On a machine with accounts of a network the group cannot be known.
        #expect(isKnown || Self.words.allSatisfy { built.errors.contains($0) }, "\(built)")
        let services = (try? String(contentsOfFile: "/etc/nsswitch.conf", encoding: .utf8)) ?? ""
        let sources = services.split(separator: "\n").filter { $0.hasPrefix("passwd:") || $0.hasPrefix("group:") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace).dropFirst() }
        if sources.allSatisfy({ $0 == "files" }), !services.contains("initgroups") {
            let others = (try? String(contentsOfFile: "/etc/passwd", encoding: .utf8))?.split(separator: "\n").filter {
                let fields = $0.split(separator: ":", omittingEmptySubsequences: false)
                return fields.count > 3 && fields[3] == "\(getegid())" && fields[2] != "\(geteuid())"
            } ?? []
            #expect(isKnown == others.isEmpty, "\(others)")
        }
        guard isKnown else { try Test.cancel("this machine does not tell whether the group is the user's alone: what trusts such a group was not looked at") }
        #expect(chmod(shared + "/p.so", 0o664) == 0)
        for verb in verbs(shared, run).dropFirst() {
            let outcome = try await Child.run(verb, wrapper: Child.shell("umask 002 && exec \"$@\""))
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(verb[0]): \(outcome)")
        }
    }
}
