import Foundation
import Testing
import _TestSupport

/// Builds among surroundings that are not theirs: variables, a umask, a stop, other containers.
@Suite(.serialized) struct SurroundingsTests {
    /// A compiler that runs `first` and then becomes clang.
    private func clang(_ folder: TemporaryFolder, first: String) throws -> String {
        try folder.script("clang", "case \"$1\" in --version) exec clang \"$@\";; esac\n\(first)\nexec clang \"$@\"")
    }

    /// Variables that change what compilers and linkers make do not reach them: the plugin has the same bytes, and the compiler sees
    /// a few names only.
    @Test func variablesDoNotReachTheCompiler() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let seen = folder.path("seen")
        let headers = try folder.makeFolder("headers")
        for name in ["stddef.h", "stdint.h"] { _ = try folder.write("headers/\(name)", "#error a header of others\n") }
        let programs = try folder.makeFolder("programs")
        _ = try folder.script("programs/ld.lld", "exit 1")
        let clang = try clang(folder, first: "env | cut -d= -f1 | sort > '\(seen)'")
        let hostile = [
            "CCC_OVERRIDE_OPTIONS": "+-DVOXELSMITH=1 +-O0", "CPATH": headers, "C_INCLUDE_PATH": headers, "CPLUS_INCLUDE_PATH": headers,
            "SOURCE_DATE_EPOCH": "1", "LIBRARY_PATH": headers, "COMPILER_PATH": programs, "GCC_EXEC_PREFIX": programs + "/",
            "CC_PRINT_OPTIONS": "1", "DEPENDENCIES_OUTPUT": folder.path("dependencies"), "SUNPRO_DEPENDENCIES": folder.path("sunpro"),
            "LD_RUN_PATH": "/nowhere", "SDKROOT": "/nowhere", "LANG": "de_DE.UTF-8", "LLVM_PROFILE_FILE": folder.path("profile"),
        ]
        func build(_ environment: [String: String]) async throws -> Data {
            let outcome = try await Child.run(
                ["build", layer, "-o", folder.path("p.so"), "--no-cache", "--no-verify", "--clang", clang], environment: environment)
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            return try Data(contentsOf: URL(fileURLWithPath: folder.path("p.so")))
        }
        #expect(try await build([:]) == build(hostile))
        let allowed: Set<String> = [
            "PATH", "HOME", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SWIFTLY_HOME_DIR", "SWIFTLY_BIN_DIR", "SWIFTLY_TOOLCHAINS_DIR",
            "PWD", "OLDPWD", "SHLVL", "_",  // the shell's own
        ]
        let names = try String(contentsOfFile: seen, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(names.contains("PATH") && names.contains("TMPDIR") && Set(names).isSubset(of: allowed), "\(names)")
        for name in ["dependencies", "sunpro", "profile"] { #expect(!FileManager.default.fileExists(atPath: folder.path(name))) }
    }

    /// What fails its verification leaves nothing in the cache, so that a compiler that has been put right is asked again.
    @Test func whatFailsItsChecksIsNotKept() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let broken = folder.path("broken")
        let clang = try clang(folder, first: "[ -f '\(broken)' ] && sed -i 's/return VS_OK;/__builtin_trap();/' vs_tconv*.c")
        let environment = ["XDG_CACHE_HOME": folder.path("cache")]
        let build = ["build", layer, "-o", folder.path("p.so"), "--clang", clang]
        _ = try folder.write("broken", "")
        #expect(try await Child.run(build, environment: environment).isFailure("Verification failed"))
        #expect(try Voxelsmith.run(["cache", "--size"], environment: environment).output == "0 entries, 0 bytes\n")
        // Without verification it is kept; a build that verifies does not believe it for ever.
        #expect(try await Child.run(build + ["--no-verify"], environment: environment).status == 0)
        #expect(try await Child.run(build, environment: environment).isFailure("Verification failed"))
        try FileManager.default.removeItem(atPath: broken)
        let sound = try await Child.run(build, environment: environment)
        #expect(sound.status == 0 && sound.output.contains("2 units compiled"), "\(sound)")
        let again = try await Child.run(build, environment: environment)
        #expect(again.status == 0 && again.output.contains("the whole plugin from the cache"), "\(again)")
    }

    /// Takes away root's right to read files whose mode does not let it.
    private static let powerless: [String] = geteuid() == 0 ? ["/usr/bin/env", "setpriv", "--bounding-set=-all", "--inh-caps=-all"] : []

    /// A umask that lets nobody read anything.
    @Test func anyUmaskWillDo() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let environment = ["XDG_CACHE_HOME": folder.path("cache"), "TMPDIR": try folder.makeFolder("tmp")]
        if let program = Self.powerless.dropFirst().first, try Voxelsmith.run(
            [program, "--help"], program: URL(fileURLWithPath: "/usr/bin/env")).status != 0 {
            try Test.cancel("root without setpriv")
        }
        for umask in ["0777", "0400", "0002", "0"] {
            let wrapper = Self.powerless + Child.shell("umask \(umask) && exec \"$@\"")
            try? FileManager.default.removeItem(atPath: folder.path("cache"))
            let build = ["build", folder.path("layer.json"), "-o", folder.path("p.so")]
            for origin in ["2 units compiled", "the whole plugin from the cache"] {
                let built = try await Child.run(build, wrapper: wrapper, environment: environment)
                #expect(built.status == 0 && built.output.contains(origin), "\(umask): \(built)")
            }
            let result = try await Child.run(
                run + [folder.path("y.npy"), "--plugin", folder.path("p.so"), "--kernel", "specialized"], wrapper: wrapper, environment: environment)
            #expect(result.status == 0, "\(umask): \(result)")
            var status = stat()
            #expect(stat(folder.path("y.npy"), &status) == 0 && status.st_mode & 0o777 == 0o666 & ~(mode_t(umask, radix: 8) ?? 0), "\(umask)")
            #expect(stat(folder.path("p.so"), &status) == 0 && status.st_mode & 0o777 == 0o644, "\(umask)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")) == [], "\(umask)")
            for name in ["p.so", "p.so.verification.json", "y.npy"] { unlink(folder.path(name)) }
            let emitted = try await Child.run(["emit", folder.path("layer.json"), "-o", folder.path("c/deep")], wrapper: wrapper, environment: environment)
            #expect(emitted.status == 0 && emitted.errors.isEmpty, "\(umask): \(emitted)")
            #expect(stat(folder.path("c/deep"), &status) == 0 && status.st_mode & 0o777 == 0o777 & ~(mode_t(umask, radix: 8) ?? 0) | 0o700, "\(umask)")
            try FileManager.default.removeItem(atPath: folder.path("c"))
        }
    }

    /// Stopped for longer than the compiler's limit, while the compiler is at work and while it is not.
    @Test func aStoppedBuildGoesOn() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let begun = folder.path("begun")
        let clang = try clang(folder, first: "touch '\(begun)'; sleep 2")
        let build = try Child(["build", layer, "-o", folder.path("p.so"), "--no-cache", "--no-verify", "--clang", clang, "--compiler-time-limit", "8"])
        for _ in 0..<600 where !FileManager.default.fileExists(atPath: begun) { try await Task.sleep(for: .milliseconds(50)) }
        build.send(SIGSTOP)
        try await Task.sleep(for: .seconds(10))
        build.send(SIGCONT)
        let outcome = await build.wait()
        #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.seconds > 10, "\(outcome)")

        // A compiler that hangs is ended all the same, and not by the clock of the stop.
        let mark = Int.random(in: 100_000_000...999_999_999)
        let hanging = try folder.script("hanging", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\nsleep \(mark)")
        let stuck = try Child(["build", layer, "-o", folder.path("q.so"), "--no-cache", "--clang", hanging, "--compiler-time-limit", "3"])
        try await Task.sleep(for: .seconds(1))
        stuck.send(SIGSTOP)
        try await Task.sleep(for: .seconds(4))
        stuck.send(SIGCONT)
        #expect(await stuck.wait().isFailure("took longer than the limit of 3.0 seconds"))
        #expect(await !isRunning("sleep \(mark)"))
    }

    /// Twelve builds that have equal process numbers, onto one folder, with one cache and one folder for temporary files.
    @Test func buildsInContainersOfTheirOwn() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let container = ["/usr/bin/env", "unshare", "-p", "-f"]
        guard try Voxelsmith.run(Array(container.dropFirst()) + ["true"], program: URL(fileURLWithPath: container[0])).status == 0 else {
            try Test.cancel("this machine does not let tests make containers")
        }
        let environment = ["XDG_CACHE_HOME": folder.path("cache"), "TMPDIR": try folder.makeFolder("tmp")]
        let builds = try (0..<12).map { _ in try Child(["build", layer, "-o", folder.path("p.so")], wrapper: container, environment: environment) }
        for (index, build) in builds.enumerated() {
            let outcome = await build.wait(seconds: 300)
            #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(index): \(outcome)")
        }
        #expect(try folder.names() == ["cache", "layer.json", "p.so", "p.so.verification.json", "tmp"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")) == [])
        #expect(try Voxelsmith.run(["verify", folder.path("p.so")]).status == 0)
    }
}
