import Foundation
import Tensors
import TensorIO
import Testing
import _TestSupport

/// Files made to harm: bombs, escaping names, devices, foreign structures.
@Suite struct HostileFileTests {
    private func deflated(_ byte: UInt8, count: Int) throws -> [UInt8]? {
        let python = Process()
        let pipe = Pipe()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            """
            import sys, zipfile, io
            header = b"\\x93NUMPY\\x01\\x00\\x76\\x00" + ("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % \(count)).ljust(117).encode() + b"\\n"
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z: z.writestr("a.npy", header + bytes([\(byte)]) * \(count))
            sys.stdout.buffer.write(out.getvalue())
            """,
        ]
        python.standardOutput = pipe
        try python.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        python.waitUntilExit()
        return python.terminationStatus == 0 ? Array(bytes) : nil
    }

    /// Bytes that become floats need 6 bytes each: 8 MB fit the allowance of a small archive, 30 MB do not, 300 MB do not even
    /// leave the archive.
    @Test func aBombIsRefusedBeforeItTakesMemory() throws {
        guard let small = try deflated(0, count: 4 << 20) else {
            print("SKIPPED aBombIsRefusedBeforeItTakesMemory: no python3 on this machine")
            return
        }
        #expect(try NPZFile(bytes: small, name: "z").tensor("a").elementCount == 4 << 20)
        for count in [20 << 20, 300 << 20] {
            let bytes = try #require(try deflated(0, count: count))
            #expect(bytes.count < count / 500, "\(bytes.count)")
            let file = try NPZFile(bytes: bytes, name: "z")
            guard case .tooLarge(_, _, let size, let limit)? = ioError({ _ = try file.tensor("a") }) else {
                Issue.record("\(count) bytes were unpacked from \(bytes.count)")
                continue
            }
            #expect(size >= count && limit <= 64 << 20 + 10 * bytes.count)
        }
    }

    @Test func membersThatEscapeTheirArchive() throws {
        for name in ["../a.npy", "/etc/a.npy", "b/../../a.npy", "..", "b\\a.npy"] {
            let bytes = try ZipArchive.encode([(name, [1])])
            #expect(ioError { _ = try NPZFile(bytes: bytes, name: "z") } == .escapingMember(path: "z", member: name), "\(name)")
        }
        for name in ["a..b.npy", "b/c/a.npy", "..a.npy"] {
            #expect(try ZipArchive(bytes: ZipArchive.encode([(name, [1])]), name: "z").members.count == 1, "\(name)")
        }
    }

    @Test func duplicateMembers() throws {
        // The writer refuses them, so one of two names is changed afterwards, in both records.
        var bytes = try ZipArchive.encode([("a.npy", [1]), ("b.npy", [2])])
        for index in bytes.indices.dropLast(5) where Array(bytes[index..<index + 5]) == Array("b.npy".utf8) { bytes[index] = UInt8(ascii: "a") }
        #expect(ioError { _ = try NPZFile(bytes: bytes, name: "z") } == .duplicateMember(path: "z", member: "a.npy"))
    }

    @Test func devicesArePassedOver() throws {
        let reason = "It is a device, neither a file nor a pipe"
        for path in ["/dev/zero", "/dev/null"] {
            #expect(ioError { _ = try NPY.read(path: path) } == .cannotOpen(path: path, reason: reason))
            #expect(ioError { _ = try NPZFile(path: path) } == .cannotOpen(path: path, reason: reason))
            #expect(ioError { _ = try HDF5File(path: path) } == .cannotOpen(path: path, reason: reason))
        }
    }

    @Test func symbolicLinksToFilesAreFollowed() throws {
        try withFolder { folder in
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/l.npy", withDestinationPath: fixture("npy/scalar.npy"))
            #expect(try NPY.read(path: "\(folder)/l.npy").shape == [])
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/loop.npy", withDestinationPath: "\(folder)/loop.npy")
            guard case .cannotOpen? = ioError({ _ = try NPY.read(path: "\(folder)/loop.npy") }) else { Issue.record("a loop was opened"); return }
        }
    }

    @Test func onlyPlainHDF5IsHandedToTheLibrary() throws {
        let path = fixture("hdf5/types.h5")
        guard case .hdf5Structure? = ioError({ _ = try HDF5File(path: path) }) else {
            Issue.record("soft links, chunks and cycles were accepted")
            return
        }
        for name in try fixtures(in: "keras") where name.hasSuffix(".h5") {
            #expect(try HDF5File(path: fixture("keras/\(name)")).members().isEmpty == false, "\(name)")
        }
    }

    /// The structures the library follows, damaged one at a time.
    @Test func alteredStructures() throws {
        let bytes = try fixtureBytes("keras/model.weights.h5")
        func places(of text: String) -> [Int] {
            bytes.indices.dropLast(4).filter { Array(bytes[$0..<$0 + 4]) == Array(text.utf8) }
        }
        let trees = places(of: "TREE"), heaps = places(of: "HEAP"), nodes = places(of: "SNOD")
        #expect(trees.count > 3 && heaps.count == trees.count && nodes.count >= trees.count - 3)
        func word(_ value: Int) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        let alterations: [(String, Int, [UInt8])] = [
            ("a base address", 24, word(8)),
            ("an end beyond the file", 40, word(bytes.count + 1)),
            ("a root outside", 64, word(1 << 40)),
            ("a root at the end", 64, word(bytes.count - 4)),
            ("a B-tree rank of 0", 18, [0, 0]),
            ("a node of a level that does not end", trees[0] + 5, [1]),
            ("more children than fit", trees[0] + 6, [0xff, 0xff]),
            ("a neighbour", trees[0] + 8, word(trees[1])),
            ("a child that is its parent", trees[0] + 32, word(trees[0])),
            ("a child outside", trees[0] + 32, word(-1)),
            ("a heap of any size", heaps[0] + 8, word(.max)),
            ("a free list that returns to itself", heaps[0] + 16, word(0)),
            ("a heap elsewhere", heaps[0] + 24, word(0)),
            ("the heap of another group", heaps[0] + 24, Array(bytes[(heaps[1] + 24)..<(heaps[1] + 32)])),
            ("more names than fit", nodes[0] + 6, [0xff, 0xff]),
            ("a name outside", nodes[0] + 8, word(1 << 20)),
            ("an object that is the root", nodes[0] + 16, Array(bytes[64..<72])),
            ("a symbolic link", nodes[0] + 24, [2]),
        ]
        for (what, place, value) in alterations {
            var altered = bytes
            altered.replaceSubrange(place..<place + value.count, with: value)
            guard case .hdf5Structure? = ioError({ _ = try KerasWeights(image: altered, name: "h") }) else {
                Issue.record("\(what) was accepted")
                continue
            }
        }
    }
}
