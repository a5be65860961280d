import Foundation
import Testing
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Kernels that misbehave, processes that are killed, and two at once.
@Suite(.serialized) struct FaultTests {
    /// Each fault is named with its kernel, and the plugin's other faults do not matter.
    @Test func verifyOutlivesTheKernelsItRuns() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let faults: [(name: String, code: String, words: String)] = [
            ("sound", "", "verified"),
            ("crashing", "__builtin_trap();", "it crashed (signal 4)"),
            ("writing_before", "y[-1] = 0;", "it read or wrote outside its buffers (signal 11)"),
            ("writing_after", "y[a->batch * SLICES * VOXELS * F] = 0;", "it read or wrote outside its buffers (signal 11)"),
            ("writing_its_weights", "((float *)p)[PACKED / 4] = 0;", "it read or wrote outside its buffers (signal 11)"),
            ("reading_beyond", "if (x[a->batch * SLICES * VOXELS * C] == 17) return 1;", "it read or wrote outside its buffers (signal 11)"),
            ("recursing_without_end", "if (a->batch > 0) { volatile char room[4096]; room[0] = (char)begin; run(a, begin, end); room[1] = room[0]; }",
                "outside its buffers (signal 11)"),
            ("hanging", "for (;;) __asm__ volatile(\"\");", "it took longer than 2.0 seconds"),
            ("refusing", "return 7;", "7"),
            ("wrong", "bias = (const float[]){1, 2};", "FAILED  random reals within the derived bound"),
        ]
        for (name, code, words) in faults {
            let plugin = try HandWrittenPlugin(spec: spec, name: name, atRun: code).build(in: folder, as: "\(name).so")
            let start = ContinuousClock.now
            let outcome = try Voxelsmith.run(["verify", plugin, "--time-limit", name == "hanging" ? "2" : "100"])
            #expect(ContinuousClock.now - start < .seconds(90), "\(name)")
            if name == "sound" {
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            } else {
                #expect(outcome.status == 1 && outcome.output.contains("\(name)\n"), "\(outcome)")
                #expect(isOneSentence(outcome.errors) && outcome.errors.contains("Verification failed for 1 of the kernels"), "\(outcome)")
            }
            #expect(outcome.output.contains(words), "\(name): \(outcome)")
        }
    }

    /// A compiler that makes a wrong kernel of one layer out of two: `build` names it and leaves the old plugin in place; `verify` goes on
    /// after it.
    @Test func aWrongKernelIsNeverPutInPlace() async throws {
        let folder = try TemporaryFolder()
        let layers = try folder.write("layers.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        let clang = try folder.script(
            "clang", "for word; do case $word in vs_tconv*_f5_*.c) sed -i 's/return VS_OK;/__builtin_trap();/' $word;; esac; done\nexec clang \"$@\"")
        let old = try folder.write("p.so", "what stood here")
        let build = ["build", layers, "-o", old, "--clang", clang, "--no-cache"]
        let refused = try await Child.run(build)
        #expect(
            refused.isFailure("Verification failed for 1 of the kernels of \(old)") || refused.isFailure("Verification failed for 1 of the kernels"),
            "\(refused)")
        #expect(refused.output.contains("_f5_") && !refused.output.contains("_f6_") && refused.output.contains("it crashed (signal 4)"), "\(refused)")
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "what stood here")
        #expect(try folder.names() == ["clang", "layers.json", "p.so"])

        #expect(try await Child.run(build + ["--no-verify"]).status == 0)
        let verified = try await Child.run(["verify", old])
        #expect(verified.isFailure("Verification failed for 1 of the kernels") && isOneSentence(verified.errors), "\(verified)")
        let (bad, good) = (verified.output.firstRange(of: "_f5_"), verified.output.firstRange(of: "_f6_"))
        let crash = verified.output.firstRange(of: "it crashed (signal 4)")
        #expect(bad != nil && good != nil && crash != nil, "\(verified)")
        if let bad, let good, let crash {
            #expect(bad.lowerBound < crash.lowerBound && crash.lowerBound < good.lowerBound, "\(verified)")
            #expect(verified.output[good.upperBound...].contains("ok      ") && !verified.output[good.upperBound...].contains("FAILED"), "\(verified)")
        }
    }

    @Test func theCacheVerb() throws {
        let folder = try TemporaryFolder()
        let environment = ["XDG_CACHE_HOME": folder.path("cache")]
        let layer = try folder.write("layer.json", TinyLayer.json())
        #expect(try Voxelsmith.run(["cache", "--path"], environment: environment).output == folder.path("cache/voxelsmith") + "\n")
        #expect(try Voxelsmith.run(["cache", "--size"], environment: environment).output == "0 entries, 0 bytes\n")
        #expect(try Voxelsmith.run(["build", layer, "-o", folder.path("p.so")], environment: environment).status == 0)
        #expect(try Voxelsmith.run(["cache"], environment: environment).output.contains("\n3 entries, "))
        #expect(try Voxelsmith.run(["cache", "--clear"], environment: environment).output.hasPrefix("removed 3 entries, "))
        #expect(!FileManager.default.fileExists(atPath: folder.path("cache/voxelsmith")))
        let homeless = try Voxelsmith.run(["cache"], environment: ["XDG_CACHE_HOME": "", "HOME": ""])
        #expect(homeless.status == 1 && isOneSentence(homeless.errors), "\(homeless)")
    }

    @Test func buildsAreVerifiedOnce() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let (plugin, record) = (folder.path("p.so"), folder.path("p.so.verification.json"))
        let first = try Voxelsmith.run(["build", layer, "-o", plugin])
        #expect(first.status == 0 && first.output.contains("\n  verified in ") && !first.output.contains("earlier"), "\(first)")
        #expect(try String(contentsOfFile: record, encoding: .utf8).contains("\"digest\""))
        #expect(try Voxelsmith.run(["build", layer, "-o", plugin]).output.contains("earlier: \(record)"))
        // A record of other bytes does not count.
        let other = try folder.write("other.json", TinyLayer.json(filters: 6))
        #expect(try !Voxelsmith.run(["build", other, "-o", plugin]).output.contains("earlier"))
        let without = try Voxelsmith.run(["build", layer, "-o", plugin, "--no-verify"])
        #expect(without.status == 0 && !without.output.contains("verified"), "\(without)")
        #expect(!FileManager.default.fileExists(atPath: record))
        // Another machine's code cannot be run here.
        #if arch(x86_64)
            let foreign = "aarch64-neon"
        #else
            let foreign = "x86-64-v2"
        #endif
        let elsewhere = try Voxelsmith.run(["build", layer, "-o", plugin, "--target", foreign])
        #expect(elsewhere.status == 0 && elsewhere.errors.contains("warning: Not verified"), "\(elsewhere)")
        #expect(try folder.names() == ["layer.json", "other.json", "p.so"])
    }

    private func start(_ arguments: [String], environment: [String: String]) throws -> Process {
        let process = Process()
        process.executableURL = Voxelsmith.program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    @Test func processesThatBuildTheSameThing() throws {
        let folder = try TemporaryFolder()
        let environment = ["XDG_CACHE_HOME": folder.path("cache")]
        let layer = try folder.write("layer.json", TinyLayer.json())
        let builds = try (0..<4).map { _ in try start(["build", layer, "-o", folder.path("p.so")], environment: environment) }
        for build in builds {
            build.waitUntilExit()
            #expect(build.terminationStatus == 0)
        }
        #expect(try Voxelsmith.run(["verify", folder.path("p.so")]).status == 0)
        #expect(try folder.names() == ["cache", "layer.json", "p.so", "p.so.verification.json"])
    }

    /// Killed at 50 random moments of `build` and at 50 of `run`: whatever stands under a final name is whole, and the next run
    /// works.
    @Test func killedProcessesLeaveNothingHalfMade() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun() + [folder.path("y.npy"), "--kernel", "interpreter"]
        let environment = ["XDG_CACHE_HOME": folder.path("cache"), "TMPDIR": try folder.makeFolder("tmp")]
        let (plugin, output) = (folder.path("p.so"), folder.path("y.npy"))
        let build = ["build", folder.path("layer.json"), "-o", plugin]
        func whole(_ arguments: [String], _ round: Int) async throws -> Double {
            let outcome = try await Child.run(arguments, environment: environment)
            #expect(outcome.status == 0, "round \(round): \(outcome)")
            return outcome.seconds
        }
        func forget() {
            for path in [plugin, output, folder.path("cache")] { try? FileManager.default.removeItem(atPath: path) }
        }
        // The latest times, as other tests may be using the machine or not.
        var (fresh, cached, computed) = (try await whole(build, -1), try await whole(build, -1), try await whole(run, -1))
        let expected = try NPY.read(path: output).floats
        let bytes = try Data(contentsOf: URL(fileURLWithPath: plugin))
        var random = SeededRandom(seed: 99)
        var killed = (builds: 0, runs: 0)
        // Those that were done before the signal came do not count.
        for round in 0..<160 {
            let isBuild = round % 2 == 0
            if (isBuild ? killed.builds : killed.runs) == 50 { continue }
            // Every other build starts without a cache.
            if round % 4 == 0 { forget() }
            let seconds = isBuild ? (round % 4 == 0 ? fresh : cached) : computed
            let process = try Child(isBuild ? build : run, environment: environment)
            try await Task.sleep(for: .microseconds(random.integer(0...Int(seconds * 0.9e6))))
            process.send(SIGKILL)
            if await process.wait().signal == SIGKILL {
                if isBuild { killed.builds += 1 } else { killed.runs += 1 }
            }
            if FileManager.default.fileExists(atPath: plugin) {
                #expect(try Data(contentsOf: URL(fileURLWithPath: plugin)) == bytes, "round \(round)")
            }
            if FileManager.default.fileExists(atPath: output) {
                #expect(try NPY.read(path: output).floats == expected, "round \(round)")
            }
            // The next one finishes, and gives the same.
            if !isBuild {
                computed = try await whole(run, round)
            } else {
                // A build that was killed early has left nothing to the cache.
                let seconds = try await whole(build, round)
                if seconds < fresh / 2 { cached = seconds } else { fresh = seconds }
            }
            if isBuild { #expect(try Data(contentsOf: URL(fileURLWithPath: plugin)) == bytes, "round \(round)") }
            if !isBuild { #expect(try NPY.read(path: output).floats == expected, "round \(round)") }
        }
        print("killed \(killed.builds) builds and \(killed.runs) runs before they were done")
        #expect(killed.builds >= 25 && killed.runs >= 25, "\(killed)")
        #expect(try Voxelsmith.run(["verify", plugin]).status == 0)
    }
}
