import Foundation
import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// Reading plugin files, whole, damaged and foreign, and loading them.
struct PluginTests {
    @Test func descriptorsAreReadFromTheBytes() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let file = try PluginFile(path: HandWrittenPlugin(spec: spec, features: "VS_CPU_SSE42 | VS_CPU_AVX2").build(in: folder))
        #expect(file.descriptors.count == 1)
        let kernel = try #require(file.descriptors.first)
        #expect(kernel.key == spec.key)
        #expect(kernel.spec == spec)
        #expect(kernel.name == "hand_written")
        #expect(kernel.schedule == "none")
        #expect(kernel.loops == "slices, voxels, filters, channels")
        #expect(kernel.packing == "pointwise*1")
        #expect(kernel.target == "by hand")
        #expect(kernel.templateDigest == "0")
        #expect(kernel.features == [.sse42, .avx2])
        #expect(kernel.unknownFeatureBits == 0)
        #expect(kernel.packedByteCount == 64)
        #expect(kernel.workspaceByteCount == 8)
        #expect(kernel.workItems == .perSample(2))
        #expect(kernel.flopsPerSample == 2 * 24 * 6)
        #expect(file.digest.count == 64)
    }

    @Test func aLoadedKernelComputes() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let image = try PluginImage(path: HandWrittenPlugin(spec: spec).build(in: folder))
        let kernel = try #require(try image.kernels().first)
        var random = SeededRandom(seed: 3)
        let batch = 2
        let x = (0..<batch * 24 * 3).map { _ in Float(Int.random(in: -8...8, using: &random)) }
        let w = (0..<6).map { _ in Float(Int.random(in: -8...8, using: &random)) }
        let bias: [Float] = [3, -5]
        #expect(kernel.workItemCount(batch: batch) == 4)
        let y = try run(kernel, x: x, w: w, bias: bias, batch: batch)
        let expected = ScatterOracle.run(
            spec, batch: batch, input: x.map { Double($0) }, operand: w.map { Double($0) }, bias: bias.map { Double($0) })
        #expect(y.map { Double($0) } == expected.values)
    }

    @Test func aKernelsStatusBecomesAnError() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let kernel = try #require(try PluginImage(path: HandWrittenPlugin(spec: spec).build(in: folder)).kernels().first)
        #expect(throws: KernelError.failed(kernel: "hand_written", status: 1)) {
            try run(kernel, x: [], w: [0, 0, 0, 0, 0, 0], bias: [0, 0], batch: 0, items: 0..<3)
        }
    }

    /// glibc finds loaded objects by name; with descriptors of loaded plugins closed, the second plugin of a reused descriptor
    /// number would run the first one's code.
    @Test func pluginsLoadedOneAfterAnotherRunTheirOwnCode() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        var paths: [String] = []
        for factor in [2, 3] {
            paths.append(try HandWrittenPlugin(spec: spec, factor: factor).build(in: folder, as: "\(factor).so"))
        }
        let x = [Float](repeating: 1, count: 24 * 3)
        let w: [Float] = [1, 2, 3, 4, 5, 6]
        func firstTwo(_ kernel: SpecializedKernel) throws -> [Float] {
            Array(try run(kernel, x: x, w: w, bias: [0, 0], batch: 1)[..<2])
        }
        for round in 0..<4 {  // load and drop in turn
            for (index, path) in paths.enumerated() {
                let kernel = try #require(try PluginImage(path: path).kernels().first)
                let factor = Float(index + 2)
                #expect(try firstTwo(kernel) == [6 * factor, 15 * factor], "round \(round), plugin \(index)")
            }
        }
        let both = try paths.map { try #require(try PluginImage(path: $0).kernels().first) }
        #expect(try firstTwo(both[0]) == [12, 30])
        #expect(try firstTwo(both[1]) == [18, 45])
    }

    /// Another file takes the path again and again while it is loaded: what is described is what runs, as everything comes from the file
    /// that was opened.
    @Test func aPathThatChangesWhileItIsLoaded() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let plugins = try [2, 3].map { factor in
            try Data(contentsOf: URL(fileURLWithPath: HandWrittenPlugin(spec: spec, name: "times\(factor)", factor: factor).build(in: folder)))
        }
        let path = try folder.write(Array(plugins[0]), as: "plugin.so")
        let isDone = Atomic(false)
        let (staged, ended) = (folder.path("staged"), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            var round = 0
            while !isDone.load(ordering: .relaxed) {
                round += 1
                guard FileManager.default.createFile(atPath: staged, contents: plugins[round % 2], attributes: [.posixPermissions: 0o644]) else { break }
                rename(staged, path)
            }
            ended.signal()
        }
        var loaded: [String: Int] = [:]
        for _ in 0..<2000 {
            do throws(PluginError) {
                let kernels = try PluginImage(path: path).kernels()
                guard let kernel = kernels.first else { Issue.record("no kernel"); break }
                loaded[kernel.name, default: 0] += 1
                let factor: Float = kernel.name == "times2" ? 2 : 3
                let y = try? run(kernel, x: [Float](repeating: 1, count: 24 * 3), w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)
                #expect(y.map { Array($0[..<2]) } == [6 * factor, 15 * factor], "\(kernel.name)")
            } catch {
                guard case .cannotOpen(_, "it was moved or replaced while it was opened") = error else { Issue.record("\(error)"); break }
                loaded["replaced", default: 0] += 1
            }
        }
        isDone.store(true, ordering: .relaxed)
        ended.wait()
        #expect(loaded["times2", default: 0] > 0 && loaded["times3", default: 0] > 0, "\(loaded)")
    }

    /// A file that is loaded twice is mapped once. When the first of its images is gone, other plugins must not be answered with its code.
    /// The two plugins differ in nothing but code.
    @Test func aFileLoadedTwiceLeavesNoNameBehind() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let two = try HandWrittenPlugin(spec: spec, factor: 2, packing: "same").build(in: folder, as: "2.so")
        let three = try HandWrittenPlugin(spec: spec, factor: 3, packing: "same").build(in: folder, as: "3.so")
        let x = [Float](repeating: 1, count: 24 * 3)
        for _ in 0..<3 {
            var first: PluginImage? = try PluginImage(path: two)
            let second = try #require(try PluginImage(path: two).kernels().first)
            #expect(first?.file.descriptors.count == 1)
            first = nil
            let other = try #require(try PluginImage(path: three).kernels().first)
            #expect(try run(other, x: x, w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)[..<2] == [18, 45])
            #expect(try run(second, x: x, w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)[..<2] == [12, 30])
        }
    }

    @Test func aKernelKeepsItsImageMapped() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let path = try HandWrittenPlugin(spec: spec).build(in: folder)
        weak var image: PluginImage?
        var kernel: SpecializedKernel?
        do {
            let loaded = try PluginImage(path: path)
            image = loaded
            kernel = try loaded.kernels().first
        }
        #expect(image != nil)
        _ = try #require(kernel).name
        kernel = nil
        #expect(image == nil)
    }

    @Test func damagedFilesAreRefused() throws {
        let folder = try TemporaryFolder()
        let bytes = HandWrittenPlugin.sealed(try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise()).compile(in: folder))
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            var damaged = bytes
            let index = Int.random(in: 4..<bytes.count, using: &random)
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect("bit flipped in byte \(index)") { try PluginFile(bytes: damaged, path: "p") } throws: { error in
                guard case .digestMismatch = error as? PluginError else { return false }
                return true
            }
        }
        for count in [0, 1, 3, 4, 63, 64, 95, 96, 97, bytes.count / 2, bytes.count - 1] {
            #expect("truncated to \(count) bytes") { try PluginFile(bytes: Array(bytes[..<count]), path: "p") } throws: {
                switch $0 as? PluginError {
                case .notELF: count < 4
                case .tooSmall: count >= 4 && count < 96
                case .digestMismatch: count >= 96
                default: false
                }
            }
        }
    }

    /// A valid digest proves nothing about what it covers: whatever the bytes are, the answer is a value or a typed error.
    @Test func noBytesTrapTheReader() throws {
        let folder = try TemporaryFolder()
        let bytes = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise()).compile(in: folder)
        var random = SeededRandom(seed: 12)
        let structural = Array(0..<64) + Array(64..<64 + 56 * 12) + Array(bytes.count - 64 * 16..<bytes.count)
        var outcomes: [String: Int] = [:]
        let extremes: [UInt8] = [0, 1, 0x7f, 0x80, 0xff]
        for round in 0..<6000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // Half of the damage goes where offsets and counts stand, and often sets a run of bytes to an extreme.
                let index = Bool.random(using: &random)
                    ? structural[Int.random(in: 0..<structural.count, using: &random)] : Int.random(in: 4..<bytes.count, using: &random)
                let value = round % 2 == 0 ? extremes[Int.random(in: 0..<5, using: &random)] : UInt8.random(in: 0...255, using: &random)
                for place in index..<min(bytes.count, index + [1, 1, 4, 8][Int.random(in: 0..<4, using: &random)]) where place >= 4 {
                    damaged[place] = value
                }
            }
            if round % 50 == 0 { damaged = Array(damaged[..<Int.random(in: 64..<damaged.count, using: &random)]) }
            do {
                let file = try PluginFile(bytes: HandWrittenPlugin.sealed(damaged), path: "p")
                #expect(file.descriptors.count >= 1, "round \(round)")
                outcomes["read", default: 0] += 1
            } catch {
                let name = Mirror(reflecting: error).children.first?.label ?? "none"
                #expect(!error.description.isEmpty)
                outcomes[name, default: 0] += 1
            }
        }
        // Damage to code and padding leaves the file readable; damage to the tables does not.
        #expect(outcomes["read", default: 0] > 100, "\(outcomes)")
        #expect(outcomes.count >= 5, "\(outcomes)")
    }

    @Test func foreignAndMalformedPluginsHaveTheirOwnErrors() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        func expectError(_ what: String, _ plugin: HandWrittenPlugin, _ matches: (PluginError) -> Bool) throws {
            let path = try plugin.build(in: folder)
            do {
                _ = try PluginImage(path: path)
                Issue.record("\(what) was loaded")
            } catch {
                #expect(matches(error), "\(what): \(error)")
            }
        }
        for (what, major) in [("the ABI before this one", 1), ("a later ABI", 3)] {
            try expectError(what, HandWrittenPlugin(spec: spec, abiMajor: "\(major)")) {
                $0.description.hasSuffix("plugin.so has kernel ABI \(major); expected 2, as voxelsmith build makes it.")
            }
        }
        try expectError("another magic", HandWrittenPlugin(spec: spec, magic: "0x1234")) {
            if case .wrongMagic(_, received: 0x1234) = $0 { true } else { false }
        }
        try expectError("another symbol", HandWrittenPlugin(spec: spec, symbol: "something_else")) {
            if case .symbolMissing = $0 { true } else { false }
        }
        for count in ["0", "4", "0xffffffff"] {
            try expectError("\(count) kernels", HandWrittenPlugin(spec: spec, count: count)) {
                if case .malformedObject = $0 { true } else { false }
            }
        }
        try expectError("a text outside", HandWrittenPlugin(spec: spec, keyOffset: "0xfffffff0")) {
            if case .malformedDescriptor(_, index: 0, _) = $0 { $0.description.contains("key lies outside") } else { false }
        }
        try expectError("no key", HandWrittenPlugin(spec: spec, key: "transposedConvolution;nothing")) {
            if case .malformedDescriptor(_, index: 0, _) = $0 { true } else { false }
        }
        try expectError("an unknown operation", HandWrittenPlugin(spec: spec, op: "7")) {
            if case .malformedDescriptor(_, index: 0, _) = $0 { true } else { false }
        }
        try expectError("an unknown feature", HandWrittenPlugin(spec: spec, features: "UINT64_C(1) << 60")) {
            if case .unknownFeatures(_, kernel: "hand_written", bits: 1 << 60) = $0 { true } else { false }
        }
        #if arch(x86_64)
            let (foreign, feature) = ("VS_CPU_NEON", Target.Feature.neon)
        #else
            let (foreign, feature) = ("VS_CPU_AVX512F", Target.Feature.avx512f)
        #endif
        try expectError("a missing feature", HandWrittenPlugin(spec: spec, features: foreign)) {
            if case .missingFeatures(_, kernel: "hand_written", features: [feature]) = $0 { true } else { false }
        }
        // Described all the same: nothing is executed for that.
        #expect(try PluginFile(path: HandWrittenPlugin(spec: spec, features: foreign).build(in: folder)).descriptors.count == 1)
    }

    @Test func whatIsNoPluginFileIsRefused() throws {
        let folder = try TemporaryFolder()
        #expect(throws: PluginError.notARegularFile(path: "/tmp")) { try PluginFile(path: "/tmp") }
        #expect(throws: PluginError.cannotOpen(path: "/nonexistent/p.so", reason: "No such file or directory")) {
            try PluginImage(path: "/nonexistent/p.so")
        }
        let fifo = folder.path("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(throws: PluginError.notARegularFile(path: fifo)) { try PluginFile(path: fifo) }
        let text = try folder.write(Array("hello, this is no plugin at all, only some text that is long enough to be one, padding padding".utf8), as: "t")
        #expect(throws: PluginError.notELF(path: text)) { try PluginImage(path: text) }
    }

    @Test func theHostIsDescribed() {
        let target = HostCPU.nativeTarget
        #expect(HostCPU.features.isSuperset(of: target.requiredFeatures), "\(HostCPU.features)")
        #expect(target.name == "native")
        #expect((4 << 10...1 << 20).contains(target.level1Bytes), "\(target)")
        #expect(target.level2Bytes > target.level1Bytes && target.lastLevelBytes >= target.level2Bytes, "\(target)")
        #expect(!HostCPU.modelName.isEmpty)
        #expect(HostCPU.measuredPeak(vectorBytes: 24) == nil)
        for width in [16, 32, 64] {
            // A 1 GHz core with one pipe for multiply-adds reaches width / 2 GFLOP/s; nothing reaches 1,000.
            guard let peak = HostCPU.measuredPeak(vectorBytes: width) else {
                #expect(width > target.vectorBytes)
                continue
            }
            #expect(peak > 0.5 && peak < 1000, "\(width) bytes: \(peak) GFLOP/s")
        }
    }
}
