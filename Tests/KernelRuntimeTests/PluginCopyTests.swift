import Foundation
import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// The private copies that plugins run from.
struct PluginCopyTests {
    /// What becomes of the file after its bytes were checked does not matter: it is overwritten and cut short in place, by whoever may
    /// write it, while its kernel is in use.
    @Test func aFileOverwrittenOrCutShortInPlace() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let path = try HandWrittenPlugin(spec: spec, factor: 5).build(in: folder)
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        let kernel = try #require(try PluginImage(path: path).kernels().first)
        let x = [Float](repeating: 1, count: 24 * 3)
        func firstTwo() throws -> [Float] { Array(try run(kernel, x: x, w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)[..<2]) }
        let file = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        for byte: UInt8 in [0xcc, 0] {
            let bytes = [UInt8](repeating: byte, count: sound.count)
            #expect(pwrite(file, bytes, bytes.count, 0) == bytes.count)
            #expect(try firstTwo() == [30, 75], "overwritten by \(byte)")
        }
        #expect(ftruncate(file, 0) == 0)
        #expect(try firstTwo() == [30, 75])
        #expect(throws: PluginError.notELF(path: path)) { try PluginImage(path: path) }
        #expect(sound.withUnsafeBytes { pwrite(file, $0.baseAddress, sound.count, 0) } == sound.count)
        #expect(try PluginImage(path: path).kernels().first?.name == kernel.name)
    }

    /// Code that is written over while the file is being read, checked and mapped is noticed, or is not what runs.
    @Test func aFileThatChangesInPlaceWhileItIsLoaded() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        let plugins = try [3, 5].map { factor in
            try [UInt8](Data(contentsOf: URL(fileURLWithPath: HandWrittenPlugin(spec: spec, factor: factor, packing: "same").build(in: folder))))
        }
        #expect(plugins[0].count == plugins[1].count)
        let path = try folder.write(plugins[0], as: "changing.so")
        let isDone = Atomic(false), ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            var round = 0
            while !isDone.load(ordering: .relaxed) {
                round += 1
                pwrite(file, plugins[round % 2], plugins[0].count, 0)
                usleep(UInt32(round % 3) * 50)
            }
            close(file)
            ended.signal()
        }
        var outcomes: [String: Int] = [:]
        for _ in 0..<1000 {
            do throws(PluginError) {
                let image = try PluginImage(path: path)
                guard let kernel = try image.kernels().first else { Issue.record("no kernel"); break }
                let y = try? run(kernel, x: [Float](repeating: 1, count: 24 * 3), w: [1, 2, 3, 4, 5, 6], bias: [0, 0], batch: 1)
                let isFirst = image.file.digest.elementsEqual(plugins[0].suffix(32).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
                #expect(y.map { Array($0[..<2]) } == (isFirst ? [18, 45] : [30, 75]))
                outcomes[isFirst ? "first" : "second", default: 0] += 1
            } catch {
                guard case .digestMismatch = error else { Issue.record("\(error)"); break }
                outcomes["mixed", default: 0] += 1
            }
        }
        isDone.store(true, ordering: .relaxed)
        ended.wait()
        #expect(outcomes["first", default: 0] + outcomes["second", default: 0] > 0, "\(outcomes)")
    }

    /// Loads of equal files share one mapping, and no load keeps a descriptor.
    @Test func theFiveHundredthLoadCostsNoDescriptor() throws {
        let folder = try TemporaryFolder()
        let spec = try HandWrittenPlugin.pointwise()
        // No other test has this plugin.
        let path = try HandWrittenPlugin(spec: spec, name: "loaded_often", factor: 7).build(in: folder)
        let copy = try folder.write([UInt8](Data(contentsOf: URL(fileURLWithPath: path))), as: "copy.so")
        /// Open descriptors and mapped pieces that are a plugin's copy; others come and go with other tests.
        func uses() throws -> (descriptors: Int, mappings: Int) {
            let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + $0)
            }
            let files = Set(links.filter { $0.contains(folder.path("")) })
            let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n")
            return (files.count, maps.filter { $0.contains("voxelsmith plugin") }.count)
        }
        func milliseconds(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
            let start = ContinuousClock.now
            for _ in 0..<count { try body() }
            return (ContinuousClock.now - start) / .milliseconds(count)
        }
        let alone = try milliseconds(200) { _ = try PluginImage(path: path) }
        let registry = KernelRegistry()
        try registry.load(path: path)
        let before = try uses()
        let again = try milliseconds(250) { try registry.load(path: path); try registry.load(path: copy) }
        let after = try uses()
        print("a plugin of \(try Data(contentsOf: URL(fileURLWithPath: path)).count) bytes: \(alone) ms to load and drop, \(again / 2) ms to load again")
        #expect(before.descriptors == 0 && after.descriptors == 0)
        // Other tests load and drop plugins meanwhile: far fewer than 500.
        #expect(after.mappings < before.mappings + 250, "\(before), \(after)")
        #expect(registry.kernelCount == 501)
    }

    private func plugin(in folder: TemporaryFolder) throws -> (path: String, bytes: [UInt8], file: PluginFile) {
        let path = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), factor: 3).build(in: folder)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        return (path, bytes, try PluginFile(bytes: bytes, path: path))
    }

    /// Where no sealed copy can be had, a file without a name is mapped.
    @Test func aFileWithoutANameWillDo() throws {
        let folder = try TemporaryFolder()
        let (_, bytes, file) = try plugin(in: folder)
        do throws(PluginError) {
            _ = try PluginMapping(file, bytes: bytes, places: Array(PluginMapping.Place.all.dropFirst()))
        } catch {
            try Test.cancel("no folder of this machine takes files without a name to execute: \(error)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).sorted() == ["plugin.c", "plugin.o", "plugin.so"])
    }

    /// Places are tried in their order; without any, nothing is mapped.
    @Test func placesForACopy() throws {
        let folder = try TemporaryFolder()
        let (path, bytes, file) = try plugin(in: folder)
        for places: [PluginMapping.Place] in [[.memory], [.folder("/nowhere"), .folder("/proc"), .memory]] {
            _ = try PluginMapping(file, bytes: bytes, places: places)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).sorted() == ["plugin.c", "plugin.o", "plugin.so"])
        #expect("no place") { try PluginMapping(file, bytes: bytes, places: [.folder("/nowhere")]) } throws: { error in
            (error as? PluginError)?.description
                == "Cannot load plugin \(path): no private copy of it can be mapped (/nowhere: No such file or directory)."
        }
    }
}
