import Foundation
import Glibc
import Testing
import VoxTensorIO
import _TestSupport

/// Machines without room, without files to open, without memory, with folders that nobody may write to or that go away.
@Suite(.serialized) struct BrokenMachineTests {
    // MARK: Disks

    /// One way a disk fails one command.
    private struct DiskFault {
        let name: String
        /// Which folder lies on the bad disk: `out`, `tmp` or `cache`. The environment says where these are.
        let folder: String
        let arguments: [String]
        let words: String
        /// Whether the command succeeds all the same, with one warning.
        var isWarning = false
    }

    private func check(_ faults: [DiskFault], in folder: TemporaryFolder, mount: (String) -> String) async throws {
        for fault in faults {
            let disk = folder.path(fault.folder)
            // What is left on the disk is printed after the command's own output.
            let script = "\(mount(disk)); \"$@\"; status=$?; echo LEFT; ls -A '\(disk)'; exit $status"
            guard let wrapper = Child.mounting(script) else {
                try Test.cancel("this machine does not let tests mount a file system")
            }
            let outcome = try await Child.run(
                fault.arguments, wrapper: wrapper, environment: ["TMPDIR": folder.path("tmp"), "XDG_CACHE_HOME": folder.path("cache")])
            if fault.isWarning {
                #expect(outcome.status == 0 && outcome.errors.hasPrefix("voxelsmith: warning: "), "\(fault.name): \(outcome)")
                #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.errors.contains(fault.words), "\(fault.name): \(outcome)")
            } else {
                #expect(outcome.isFailure(fault.words), "\(fault.name): \(outcome)")
                #expect(outcome.output.hasSuffix("LEFT\n"), "\(fault.name): \(outcome)")
            }
            #expect(outcome.seconds < 60, "\(fault.name)")
        }
    }

    private func faults(in folder: TemporaryFolder, words: String) throws -> [DiskFault] {
        let run = try folder.tinyRun()
        let build = ["build", folder.path("layer.json"), "-o"]
        return [
            DiskFault(name: "plugin", folder: "out", arguments: build + [folder.path("out/p.so")], words: words),
            DiskFault(name: "plugin, unverified", folder: "out", arguments: build + [folder.path("out/p.so"), "--no-verify"], words: words),
            DiskFault(name: "result", folder: "out", arguments: run + [folder.path("out/y.npy")], words: words),
            DiskFault(name: "sources", folder: "out", arguments: ["emit", folder.path("layer.json"), "-o", folder.path("out/c")], words: words),
            DiskFault(name: "temporary files", folder: "tmp", arguments: build + [folder.path("p.so"), "--no-cache"], words: words),
            DiskFault(name: "cache", folder: "cache", arguments: build + [folder.path("q.so"), "--no-verify"], words: "cannot be written", isWarning: true),
        ]
    }

    @Test func aFullDiskIsASentence() async throws {
        let folder = try TemporaryFolder()
        for name in ["out", "tmp", "cache"] { _ = try folder.makeFolder(name) }
        // One page: a folder fits, a file of more than that does not.
        try await check(try faults(in: folder, words: "No space left on device"), in: folder) {
            "mount -t tmpfs -o size=4k,mode=700 none '\($0)'"
        }
        #expect(try folder.names() == ["cache", "layer.json", "out", "q.so", "tmp", "w.npz", "x.npy"])
    }

    @Test func aReadOnlyDiskIsASentence() async throws {
        let folder = try TemporaryFolder()
        for name in ["out", "tmp", "cache"] { _ = try folder.makeFolder(name) }
        try await check(try faults(in: folder, words: "Read-only file system"), in: folder) {
            "mount -t tmpfs -o mode=700 none '\($0)' && mount -o remount,ro '\($0)'"
        }
        #expect(try folder.names() == ["cache", "layer.json", "out", "q.so", "tmp", "w.npz", "x.npy"])
    }

    /// Tunings that cannot be written stay as they were; a plugin whose verification cannot be recorded is in place all the same.
    @Test func aDiskThatFillsUpKeepsWhatItHolds() async throws {
        let folder = try TemporaryFolder()
        let disk = try folder.makeFolder("disk")
        let layer = try folder.write("layer.json", TinyLayer.json())
        let old = try folder.write("old.json", "{\"format\": \"voxelsmith-tunings\", \"version\": 1, \"records\": [\n\n]}\n")
        // One page for the old file, and none for a new one.
        let small = "mount -t tmpfs -o size=4k,mode=700 none '\(disk)' && cp '\(old)' '\(disk)/t.json'; \"$@\"; status=$?; cmp '\(old)' '\(disk)/t.json' && ls -A '\(disk)'; exit $status"
        guard let wrapper = Child.mounting(small) else {
            try Test.cancel("this machine does not let tests mount a file system")
        }
        for command in [["tune", layer], ["build", layer, "-o", folder.path("p.so"), "--effort", "measure"]] {
            let outcome = try await Child.run(
                command + ["--tunings", disk + "/t.json", "--threads", "1", "--time-limit", "20"], wrapper: wrapper)
            #expect(outcome.isFailure("t.json", "No space left on device") && isOneSentence(outcome.errors), "\(command[0]): \(outcome)")
            #expect(outcome.output.hasSuffix("t.json\n") && outcome.seconds < 100, "\(command[0]): \(outcome)")
        }
        #expect(try folder.names() == ["disk", "layer.json", "old.json"])

        let built = try await Child.run(["build", layer, "-o", folder.path("p.so")])
        let pages = (try Data(contentsOf: URL(fileURLWithPath: folder.path("p.so"))).count + 4095) / 4096
        let exact = "mount -t tmpfs -o size=\(4 * pages)k,mode=700 none '\(disk)'; \"$@\"; status=$?; cmp '\(folder.path("p.so"))' '\(disk)/p.so' && ls -A '\(disk)'; exit $status"
        let full = try await Child.run(["build", layer, "-o", disk + "/p.so"], wrapper: try #require(Child.mounting(exact)))
        #expect(built.status == 0 && full.status == 0 && full.output.hasSuffix("\np.so\n"), "\(full)")
        #expect(full.errors.hasPrefix("voxelsmith: warning: The verification is not recorded. ") && isOneSentence(full.errors), "\(full)")
    }

    /// A cache that was filled before it became read-only still serves.
    @Test func aReadOnlyCacheStillServes() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let cache = try folder.makeFolder("cache")
        let script = "mount -t tmpfs -o mode=700 none '\(cache)'; \"$@\" && mount -o remount,ro '\(cache)' && exec \"$@\""
        guard let wrapper = Child.mounting(script) else {
            try Test.cancel("this machine does not let tests mount a file system")
        }
        let outcome = try await Child.run(["build", layer, "-o", folder.path("p.so")], wrapper: wrapper, environment: ["XDG_CACHE_HOME": cache])
        #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.contains("the whole plugin from the cache"), "\(outcome)")
    }

    /// Folders that go away while the compiler runs.
    @Test func vanishedFoldersAreSentences() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        func clang(removing path: String) throws -> String {
            try folder.script("clang", "[ \"$1\" != --version ] && rm -rf \(path)\nexec clang \"$@\"")
        }
        func build(_ output: String, removing path: String, environment: [String: String] = [:]) async throws -> Child.Outcome {
            for name in ["out", "tmp", "cache"] { _ = try folder.makeFolder(name) }
            let places = ["TMPDIR": folder.path("tmp"), "XDG_CACHE_HOME": folder.path("cache")]
            return try await Child.run(["build", layer, "-o", output, "--clang", clang(removing: path)], environment: places.merging(environment) { $1 })
        }
        let output = try await build(folder.path("out/p.so"), removing: folder.path("out"))
        #expect(output.isFailure("out/p.so", "No such file or directory"), "\(output)")
        let temporary = try await build(folder.path("out/p.so"), removing: folder.path("tmp") + "/voxelsmith.*")
        #expect(temporary.isFailure(), "\(temporary)")
        let cache = try await build(folder.path("out/p.so"), removing: folder.path("cache"))
        #expect(cache.status == 0, "\(cache)")
        let absent = try await build(folder.path("out/q.so"), removing: folder.path("nothing"), environment: ["TMPDIR": folder.path("absent")])
        #expect(absent.isFailure("absent", "No such file or directory"), "\(absent)")
        // The folder the program was started in.
        let gone = try await Child.run(
            ["build", layer, "-o", "p.so"],
            wrapper: Child.shell("mkdir '\(folder.path("gone"))' && cd '\(folder.path("gone"))' && rmdir '\(folder.path("gone"))' && exec \"$@\""))
        #expect(gone.isFailure("p.so", "No such file or directory"), "\(gone)")
    }

    // MARK: Files to open

    @Test func runningOutOfFilesToOpenIsASentence() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        #expect(try await Child.run(["build", folder.path("layer.json"), "-o", folder.path("p.so")]).status == 0)
        let commands = [
            ["build", folder.path("layer.json"), "-o", folder.path("q.so"), "--no-cache"], ["verify", folder.path("p.so")],
            ["describe", folder.path("p.so")], run + [folder.path("y.npy"), "--plugin", folder.path("p.so"), "--kernel", "specialized"],
        ]
        var outcomes: [Int32: Int] = [:]
        // With fewer than 4 the dynamic linker does not find the libraries.
        for limit in Array(4...40) + [48, 64] {
            for command in commands {
                let outcome = try await Child.run(command, wrapper: Child.limited("n", limit), seconds: 60)
                let succeeded = outcome.status == 0
                #expect(succeeded || (outcome.isFailure() && isOneSentence(outcome.errors)), "\(limit) files, \(command[0]): \(outcome)")
                if let status = outcome.status { outcomes[status, default: 0] += 1 }
            }
            #expect(try !folder.names().contains { $0.hasPrefix(".") || $0.contains("unverified") }, "\(limit) files")
        }
        #expect(outcomes[0, default: 0] > 20 && outcomes[1, default: 0] > 20, "\(outcomes)")
    }

    // MARK: Threads

    /// Stacks of 4 GB and addresses of 2 GB: no thread can be started, and there is room for everything else.
    private static let threadless = Child.shell("ulimit -s 4194304 && ulimit -v 2000000 && exec \"$@\"")

    fileprivate static var canLimitThreads: Bool {
        var stack = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &stack) == 0 && stack.rlim_max >= 4 << 30
    }

    /// A layer worth sharing among threads, its operands, and its plugin.
    /// - Returns: arguments of `run` up to `--output`.
    private func sharedRun(in folder: TemporaryFolder) async throws -> [String] {
        let shape = [1, 8, 16, 16, 16]
        let layer = try folder.write("layer.json", layer(shape, filters: 32))
        try NPY.write(TinyLayer.random(shape, seed: 1), to: folder.path("x.npy"))
        try weights(32, 16, at: folder.path("w.npz"))
        #expect(try await Child.run(["build", layer, "-o", folder.path("p.so"), "--no-verify"]).status == 0)
        return ["run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--threads", "4", "--output"]
    }

    @Test(.enabled(if: BrokenMachineTests.canLimitThreads, "this machine's limit of stacks is below 4 GB"))
    func withoutThreadsTheCallerComputesAlone() async throws {
        let folder = try TemporaryFolder()
        let run = try await sharedRun(in: folder)
        for kernel in [["--kernel", "interpreter"], ["--kernel", "specialized", "--plugin", folder.path("p.so")]] {
            let usual = try await Child.run(run + [folder.path("usual.npy")] + kernel)
            let alone = try await Child.run(run + [folder.path("alone.npy")] + kernel, wrapper: Self.threadless, seconds: 60)
            #expect(usual.status == 0 && alone.status == 0 && alone.errors.isEmpty, "\(kernel): \(usual), \(alone)")
            let bytes = try ["usual.npy", "alone.npy"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
            #expect(bytes[0] == bytes[1] && bytes[0].count > 1 << 20, "\(kernel)")
        }
    }

    /// The library that runs tasks would try for ever to start a thread.
    @Test(.enabled(if: BrokenMachineTests.canLimitThreads, "this machine's limit of stacks is below 4 GB"))
    func withoutThreadsNoTaskIsBegun() async throws {
        let folder = try TemporaryFolder()
        _ = try await sharedRun(in: folder)
        let (layer, names) = (folder.path("layer.json"), try folder.names())
        let commands = [
            ["build", layer, "-o", folder.path("q.so")], ["verify", folder.path("p.so")], ["bench", layer],
            ["tune", layer, "--tunings", folder.path("t.json")],
        ]
        for command in commands {
            let outcome = try await Child.run(command, wrapper: Self.threadless, seconds: 60)
            #expect(outcome.isFailure("threads") && isOneSentence(outcome.errors), "\(command[0]): \(outcome)")
        }
        #expect(try folder.names() == names)
    }

    // MARK: Memory

    /// From too few addresses to start the program to enough for everything: the work is done, or a sentence says why not.
    @Test func anyLimitOfAddressesIsASentence() async throws {
        let folder = try TemporaryFolder()
        let run = try await sharedRun(in: folder) + [folder.path("y.npy"), "--plugin", folder.path("p.so"), "--kernel", "specialized"]
        #expect(try await Child.run(run).status == 0)
        let expected = try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy")))
        let commands = [
            run, ["describe", folder.path("p.so")], ["verify", folder.path("p.so")],
            ["build", folder.path("layer.json"), "-o", folder.path("q.so"), "--no-cache"],
        ]
        var outcomes: [Int32: Int] = [:]
        for limit in Array(stride(from: 80_000, to: 400_000, by: 20_000)) + [500_000, 700_000, 1_000_000, 1_500_000] {
            for command in commands {
                for name in ["y.npy", "q.so"] { try? FileManager.default.removeItem(atPath: folder.path(name)) }
                let outcome = try await Child.run(command, wrapper: Child.limited("v", limit), seconds: 60)
                let isUnlinked = outcome.status == 127 && outcome.errors.contains("error while loading shared libraries")
                #expect(outcome.status == 0 || outcome.isFailure() || isUnlinked, "\(limit) kB, \(command[0]): \(outcome)")
                if outcome.status == 0, command == run {
                    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("y.npy"))) == expected, "\(limit) kB")
                }
                if let status = outcome.status { outcomes[status, default: 0] += 1 }
            }
        }
        #expect(outcomes[0, default: 0] > 20 && outcomes[1, default: 0] > 10, "\(outcomes)")
    }

    /// A header that declares an array, and a file as long as that without a disk that large.
    private func sparseArray(_ shape: [Int], at path: String) throws {
        let header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape.map(String.init).joined(separator: ", "))), }".utf8)
        let padded = header + [UInt8](repeating: 32, count: 117 - header.count) + [10]
        try Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + padded).write(to: URL(fileURLWithPath: path))
        #expect(truncate(path, 128 + 4 * shape.reduce(1, *)) == 0)
    }

    private func layer(_ shape: [Int], filters: Int) -> String {
        """
        {"class_name": "Conv3DTranspose", "config": {"name": "huge", "filters": \(filters), "kernel_size": [2, 2, 2], "strides": [2, 2, 2],
         "padding": "same"}, "build_config": {"input_shape": [null, \(shape.dropFirst().map(String.init).joined(separator: ", "))]}}
        """
    }

    private func weights(_ filters: Int, _ channels: Int, at path: String) throws {
        try NPZFile.write([("kernel", TinyLayer.random([2, 2, 2, filters, channels], seed: 2)), ("bias", TinyLayer.random([filters], seed: 3))], to: path)
    }

    /// Legal layers beyond the machine's memory are refused before anything of the input is read.
    @Test func aLayerWithoutMemoryForItIsRefusedFirst() async throws {
        let folder = try TemporaryFolder()
        let cases: [(name: String, shape: [Int], filters: Int, wrapper: [String])] = [
            // 16 GB and 1 TB.
            ("beyond any machine", [1, 2000, 2000, 500, 2], 8, []),
            // 100 MB and 800 MB.
            ("beyond its limit of addresses", [1, 100, 250, 500, 2], 2, Child.limited("v", 900_000)),
        ]
        for (name, shape, filters, wrapper) in cases {
            let layer = try folder.write("layer.json", layer(shape, filters: filters))
            try weights(filters, 2, at: folder.path("w.npz"))
            try sparseArray(shape, at: folder.path("x.npy"))
            let run = ["run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")]
            let outcome = try await Child.run(run, wrapper: wrapper)
            #expect(outcome.isFailure("bytes at once; expected at most the") && isOneSentence(outcome.errors), "\(name): \(outcome)")
            #expect(outcome.peakBytes < 100 << 20 && outcome.seconds < 30, "\(name): \(outcome)")
            #expect(try folder.names() == ["layer.json", "w.npz", "x.npy"], "\(name)")
        }
    }

    /// Files too long for the memory are refused by their length.
    @Test func filesWithoutMemoryForThemAreRefused() async throws {
        let folder = try TemporaryFolder()
        _ = try folder.tinyRun()
        let long = folder.path("long.npy")
        try sparseArray([1, 3, 4, 5, 3 << 32], at: long)
        let array = try await Child.run(
            ["run", folder.path("layer.json"), "--input", long, "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")])
        #expect(array.isFailure(), "\(array)")
        // The beginning of an HDF5 file, and a terabyte of nothing.
        let model = folder.path("long.h5")
        try FileManager.default.copyItem(
            atPath: Fixture.keras("model.h5"), toPath: model)
        #expect(truncate(model, 1 << 40) == 0)
        let read = try await Child.run(["emit", model])
        #expect(read.isFailure("no memory"), "\(read)")
        #expect(array.peakBytes < 100 << 20 && read.peakBytes < 100 << 20)
    }

    /// Before anything is measured, the memory for all of it is asked for.
    @Test func aLayerTooLargeToMeasureIsRefusedFirst() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", layer([1, 2000, 2000, 500, 2], filters: 8))
        let bench = try await Child.run(["bench", layer])
        #expect(bench.isFailure("bytes at once; expected at most the") && isOneSentence(bench.errors), "\(bench)")
        let tune = try await Child.run(["tune", layer, "--tunings", folder.path("t.json"), "--threads", "1"])
        #expect(tune.status == 0 && isOneSentence(tune.errors) && tune.errors.contains("keeps the estimate"), "\(tune)")
        #expect(tune.errors.contains("bytes at once; expected at most the"), "\(tune)")
        #expect(bench.peakBytes < 100 << 20 && tune.peakBytes < 100 << 20, "\(bench.peakBytes) \(tune.peakBytes)")
        #expect(try folder.names() == ["layer.json"])
    }

    /// A layer can be compiled where it cannot be computed.
    @Test func aLayerTooLargeToVerifyIsBuiltWithAWarning() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", layer([1, 2000, 2000, 500, 2], filters: 8))
        let built = try await Child.run(["build", layer, "-o", folder.path("p.so")])
        #expect(built.status == 0 && built.errors.hasPrefix("voxelsmith: warning: Not verified, as that takes about"), "\(built)")
        #expect(try folder.names() == ["layer.json", "p.so"])
        let verified = try await Child.run(["verify", folder.path("p.so")])
        #expect(verified.isFailure("Verification failed") && verified.output.contains("expected at most the"), "\(verified)")
        #expect(verified.peakBytes < 100 << 20)
    }
}
