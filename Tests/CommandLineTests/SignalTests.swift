import Foundation
import Glibc
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// The program when it is asked to end.
@Suite(.serialized) struct SignalTests {
    private static let signals = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")]

    /// Waits until a process with `mark` in its command line runs. On a thread of its own: those of the tasks may be busy with other
    /// tests for longer than the process lives.
    private func appears(_ mark: String) async -> Bool {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: Self.waits(for: mark)) }
        }
    }

    private static func waits(for mark: String) -> Bool {
        for _ in 0..<3000 {
            let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
            let found = numbers.contains { number in
                guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
                return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(mark)
            }
            if found { return true }
            usleep(10_000)
        }
        return false
    }

    /// While the compiler is at work: it ends too, and nothing is left.
    @Test func signalsEndABuildAndItsCompiler() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let (temporary, cache) = (try folder.makeFolder("tmp"), try folder.makeFolder("cache"))
        let mark = Int.random(in: 100_000_000...999_999_999)
        let clang = try folder.script("clang", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\nsleep \(mark)")
        for (number, name) in Self.signals {
            let build = try Child(
                ["build", layer, "-o", folder.path("p.so"), "--clang", clang], environment: ["TMPDIR": temporary, "XDG_CACHE_HOME": cache])
            #expect(await appears("sleep \(mark)"), "\(name)")
            build.send(number)
            let outcome = await build.wait()
            #expect(outcome.signal == number && outcome.errors.contains("Received \(name) before the work was done"), "\(name): \(outcome)")
            #expect(isOneSentence(outcome.errors), "\(name): \(outcome)")
            #expect(await !isRunning("sleep \(mark)"), "\(name)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [], "\(name)")
            #expect(try folder.names() == ["cache", "clang", "layer.json", "tmp"], "\(name)")
        }
    }

    /// What the compiler started may outlive it for a moment; the files it makes then are removed too.
    @Test func filesOfTheCompilersChildrenAreRemoved() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let temporary = try folder.makeFolder("tmp")
        let mark = Int.random(in: 100_000_000...999_999_999)
        // A second of files, in a group of its own, which no signal to the compiler's reaches; less when the folder is gone.
        let late = "setsid timeout 1 sh -c 'i=0; while : > \"$TMPDIR/late$i\"; do i=$(((i + 1) % 8)); done' &"
        let lines = [
            "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }", late, "while [ ! -e \"$TMPDIR/late0\" ]; do :; done", "sleep \(mark)",
        ]
        let clang = try folder.script("clang", lines.joined(separator: "\n"))
        let build = try Child(["build", layer, "-o", folder.path("p.so"), "--no-cache", "--clang", clang], environment: ["TMPDIR": temporary])
        #expect(await appears("sleep \(mark)"))
        build.send(SIGTERM)
        let outcome = await build.wait()
        #expect(outcome.signal == SIGTERM, "\(outcome)")
        let forgotten = try FileManager.default.subpathsOfDirectory(atPath: temporary)
        #expect(forgotten == [], "\(forgotten)")
    }

    /// A signal that is ignored when the program starts stays ignored, as `nohup` wants it.
    @Test func ignoredSignalsStayIgnored() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let mark = Int.random(in: 100_000_000...999_999_999)
        let clang = try folder.script("clang", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\nsleep \(mark)")
        let build = try Child(
            ["build", layer, "-o", folder.path("p.so"), "--clang", clang, "--compiler-time-limit", "10"], wrapper: Child.shell("trap '' HUP; exec \"$@\""))
        #expect(await appears("sleep \(mark)"))
        build.send(SIGHUP)
        let outcome = await build.wait()
        #expect(outcome.isFailure("took longer than the limit of 10.0 seconds"), "\(outcome)")
    }

    @Test func signalsEndAVerificationAndItsKernel() async throws {
        let folder = try TemporaryFolder()
        let plugin = try HandWrittenPlugin(
            spec: HandWrittenPlugin.pointwise(), name: "hanging", atRun: "for (;;) __asm__ volatile(\"\");"
        ).build(in: folder, as: "hanging.so")
        for (number, name) in Self.signals {
            let verify = try Child(["verify", plugin])
            #expect(await appears("voxelsmith-verify \(plugin)"), "\(name)")
            verify.send(number)
            let outcome = await verify.wait()
            #expect(outcome.signal == number && isOneSentence(outcome.errors), "\(name): \(outcome)")
            #expect(await !isRunning("voxelsmith-verify \(plugin)"), "\(name)")
        }
    }

    /// At any moment: the output is whole or as it was, and no other file is left anywhere.
    @Test func atRandomMomentsNothingHalfMadeIsLeft() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let (temporary, cache) = (try folder.makeFolder("tmp"), try folder.makeFolder("cache"))
        let build = ["build", folder.path("layer.json"), "-o", folder.path("p.so"), "--no-cache"]
        let environment = ["TMPDIR": temporary, "XDG_CACHE_HOME": cache]
        let wholeRun = try await Child.run(run + [folder.path("y.npy")], environment: environment)
        let wholeBuild = try await Child.run(build, environment: environment)
        #expect(wholeRun.status == 0 && wholeBuild.status == 0, "\(wholeRun) \(wholeBuild)")
        let expected = try NPY.read(path: folder.path("y.npy")).floats
        let inputs = ["cache", "layer.json", "tmp", "w.npz", "x.npy"]
        var random = SeededRandom(seed: 44)
        var (ended, finished) = (0, 0)
        for round in 0..<40 {
            for name in ["p.so", "p.so.verification.json", "y.npy"] { unlink(folder.path(name)) }
            let isBuild = round % 2 == 0
            let child = try Child(isBuild ? build : run + [folder.path("y.npy")], environment: environment)
            try await Task.sleep(for: .microseconds(random.integer(0...Int((isBuild ? wholeBuild : wholeRun).seconds * 1e6))))
            child.send(Self.signals[round % 3].0)
            let outcome = await child.wait()
            if outcome.signal == nil { finished += 1 } else { ended += 1 }
            #expect(outcome.status == 0 || outcome.signal == Self.signals[round % 3].0, "round \(round): \(outcome)")
            var left = Set(try folder.names()).subtracting(inputs)
            #expect(left.isSubset(of: isBuild ? ["p.so", "p.so.verification.json"] : ["y.npy"]), "round \(round): \(left)")
            let forgotten = try FileManager.default.subpathsOfDirectory(atPath: temporary)
            #expect(forgotten == [], "round \(round): \(forgotten)")
            if left.remove("p.so") != nil { #expect(try await Child.run(["describe", folder.path("p.so")]).status == 0, "round \(round)") }
            if left.remove("y.npy") != nil { #expect(try NPY.read(path: folder.path("y.npy")).floats == expected, "round \(round)") }
        }
        #expect(ended >= 10, "\(ended) of 40 were ended, \(finished) finished")
    }

    /// What a killed process leaves among the temporary files goes with the next build; what is in use stays.
    @Test func foldersOfKilledBuildsAreRemoved() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let temporary = try folder.makeFolder("tmp")
        for name in ["voxelsmith.killed", "voxelsmith.inuse0", "voxelsmith.young0", "voxelsmith.nolock", "voxelsmith.", "others"] {
            _ = try folder.makeFolder("tmp/\(name)")
            if name == "voxelsmith.nolock" { continue }
            for file in [".lock", "k.c"] { _ = try folder.write("tmp/\(name)/\(file)", "x") }
            if name == "voxelsmith.young0" { continue }
            var times = [timeval(tv_sec: time(nil) - 100, tv_usec: 0), timeval(tv_sec: time(nil) - 100, tv_usec: 0)]
            utimes("\(temporary)/\(name)/.lock", &times)
        }
        let lock = open(temporary + "/voxelsmith.inuse0/.lock", O_RDWR | O_CLOEXEC)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        let outcome = try await Child.run(["build", layer, "-o", folder.path("p.so"), "--no-cache"], environment: ["TMPDIR": temporary])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: temporary).sorted()
                == ["others", "voxelsmith.", "voxelsmith.inuse0", "voxelsmith.nolock", "voxelsmith.young0"])
    }
}
