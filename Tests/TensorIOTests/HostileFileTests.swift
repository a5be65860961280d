import Foundation
import Testing
import VoxTensorIO
import VoxTensors
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
            try Test.cancel("no python3 on this machine")
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

    /// Arrays that are small enough one by one.
    @Test func manySmallBombsAreRefusedTogether() throws {
        guard let one = try deflated(0, count: 4 << 20) else {
            try Test.cancel("no python3 on this machine")
        }
        // The same member under 20 names, by 20 entries of the directory: a.npy, b.npy, ...
        let directory = try #require(one.indices.dropLast(4).last { Array(one[$0..<$0 + 4]) == [0x50, 0x4b, 1, 2] })
        let end = one.count - 22
        var bytes = Array(one[..<directory])
        for letter in UInt8(ascii: "a")...UInt8(ascii: "t") {
            var entry = Array(one[directory..<end])
            entry[46] = letter
            bytes += entry
        }
        var tail = Array(one[end...])
        let size = bytes.count - directory
        for place in [8, 10] { tail[place] = 20 }
        for byte in 0..<4 { tail[12 + byte] = UInt8(truncatingIfNeeded: size >> (byte * 8)) }
        bytes += tail
        let file = try NPZFile(bytes: bytes, name: "z")
        #expect(file.names.count == 20)
        for _ in 0..<5 { #expect(try file.tensor("c").elementCount == 4 << 20, "the same one counts once") }
        guard case .tooLarge(_, _, _, let limit)? = ioError({ _ = try file.tensors() }) else {
            Issue.record("20 arrays of 16 MiB were read from \(bytes.count) bytes")
            return
        }
        #expect(limit <= 64 << 20 + 10 * bytes.count)
    }

    /// A list can name a weight more often than the file could hold it, and strings can share their bytes.
    @Test func whatIsListedTwiceIsRefused() throws {
        var names = try fixtureBytes("keras/keras224.h5")
        let listed = try #require(try KerasWeights(image: names, name: "h").tensors.first { $0.path.hasSuffix("bias:0") }?.path)
        let parts = listed.split(separator: "/", maxSplits: 1)
        let bias = Array(String(parts[1]).utf8), kernel = Array(String(parts[1]).replacing("bias", with: "kernel").utf8)
        // Attributes of fixed strings: the kernel's name, padded, then the bias's.
        let place = try #require(names.indices.dropLast(kernel.count * 2).first { start in
            Array(names[start..<start + kernel.count]) == kernel && Array(names[start + kernel.count..<start + kernel.count + bias.count]) == bias
        })
        names.replaceSubrange(place + kernel.count..<place + 2 * kernel.count, with: kernel)
        guard case .hdf5Structure(_, _, "it is listed twice")? = ioError({ _ = try KerasWeights(image: names, name: "h") }) else {
            Issue.record("a weight was read twice")
            return
        }

        // Strings of variable length: length, address and number in a heap; the second of a list becomes the first.
        let strings = try fixtureBytes("keras/model.h5")
        let heaps = strings.indices.dropLast(4).filter { Array(strings[$0..<$0 + 4]) == Array("GCOL".utf8) }
        func address(_ place: Int) -> Int { strings[place + 4..<place + 12].reversed().reduce(0) { $0 << 8 | Int($1) } }
        let pairs = strings.indices.dropLast(32).filter { heaps.contains(address($0)) && address($0 + 16) == address($0) }
        #expect(!pairs.isEmpty)
        for pair in pairs {
            var shared = strings
            shared.replaceSubrange(pair + 16..<pair + 32, with: strings[pair..<pair + 16])
            guard case .hdf5Structure(_, _, let reason)? = ioError({ _ = try HDF5File(image: shared, name: "h") }) else {
                Issue.record("two strings at \(pair) share one place")
                continue
            }
            #expect(reason.contains("shares its place"), "\(reason)")
        }
    }

    /// A member that is a symbolic link is the bytes it has in the archive; nothing is followed.
    @Test func linksInArchivesAreBytes() throws {
        var bytes = try ZipArchive.encode([("a.npy", Array("/etc/passwd".utf8))])
        let entry = try #require(bytes.indices.dropLast(4).last { Array(bytes[$0..<$0 + 4]) == [0x50, 0x4b, 1, 2] })
        bytes[entry + 5] = 3  // made on Unix
        bytes.replaceSubrange(entry + 38..<entry + 42, with: [0, 0, 0xff, 0xa1])  // S_IFLNK | 0777
        #expect(try ZipArchive(bytes: bytes, name: "z").read("a.npy") == Array("/etc/passwd".utf8))
        guard case .notNPY? = ioError({ _ = try NPZFile(bytes: bytes, name: "z").tensor("a") }) else {
            Issue.record("a link was read as an array")
            return
        }
    }

    @Test func membersThatEscapeTheirArchive() throws {
        for name in ["../a.npy", "/etc/a.npy", "b/../../a.npy", "..", "b\\a.npy", "../\u{301}a.npy", "/\u{301}a.npy", "b\\\u{301}a.npy"] {
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
