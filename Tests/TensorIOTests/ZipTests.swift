import Foundation
import Testing
import VoxTensorIO
import VoxTensors

@Suite struct ZipTests {
    @Test func arraysOfNumPy() throws {
        for name in ["stored", "deflated"] {
            for file in [try NPZFile(path: fixture("npz/\(name).npz")), try NPZFile(bytes: fixtureBytes("npz/\(name).npz"))] {
                #expect(file.names == ["kernel", "up1/bias", "flag"], "\(name)")
                #expect(try file.tensor("kernel").shape == [2, 3, 4], "\(name)")
                #expect(try file.tensor("kernel").doubles == (0..<24).map { Double($0 - 3) / 2 }, "\(name)")
                #expect(try file.tensor("up1/bias").doubles == [-1.5, -1, -0.5, 0, 0.5], "\(name)")
                #expect(try file.tensors().map(\.name) == file.names, "\(name)")
                #expect(try file.tensor("flag").floats == [1], "\(name)")
            }
        }
        let cases = try NPZFile(path: fixture("keras/cases.npz"))
        #expect(try cases.tensors().count == 138)
        #expect(try cases.tensor("c00_kernel").shape.count == 5)
    }

    @Test func missingArraysAreNamed() throws {
        let path = fixture("npz/stored.npz")
        let file = try NPZFile(path: path)
        #expect(ioError { _ = try file.tensor("bias") } == .missingMember(path: path, member: "bias", present: ["kernel", "up1/bias", "flag"]))
    }

    @Test func roundTripWithEqualBytes() throws {
        let arrays = [
            (name: "up1/kernel", tensor: try Tensor(shape: [2, 2], [1, 2, 3, .nan] as [Float])),
            (name: "größe", tensor: try Tensor(shape: [], [0.1] as [Double])),
            (name: "empty", tensor: try Tensor(zeros: [0, 3])),
        ]
        let bytes = try NPZFile.encode(arrays)
        let back = try NPZFile(bytes: bytes).tensors()
        #expect(back.map(\.name) == arrays.map(\.name))
        for (read, written) in zip(back, arrays) {
            #expect(read.tensor.shape == written.tensor.shape && read.tensor.elementType == written.tensor.elementType, "\(read.name)")
            #expect(read.tensor.doubles.map(\.bitPattern) == written.tensor.doubles.map(\.bitPattern), "\(read.name)")
        }
        #expect(try NPZFile.encode(arrays) == bytes)
        // Whatever the time zone: stored, time 0, date 1980-01-01, in every local and central record.
        let stamps = bytes.indices.dropLast(16).compactMap { start -> [UInt8]? in
            switch Array(bytes[start..<(start + 4)]) {
            case [0x50, 0x4B, 3, 4]: Array(bytes[(start + 8)..<(start + 14)])
            case [0x50, 0x4B, 1, 2]: Array(bytes[(start + 10)..<(start + 16)])
            default: nil
            }
        }
        #expect(stamps == [[UInt8]](repeating: [0, 0, 0, 0, 0x21, 0], count: 6))
        try withFolder { folder in
            try NPZFile.write(arrays, to: "\(folder)/w.npz")
            #expect(try Array(Data(contentsOf: URL(filePath: "\(folder)/w.npz"))) == bytes)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["w.npz"])
        }
    }

    @Test func emptyArchives() throws {
        let bytes = try NPZFile.encode([])
        #expect(bytes.count == 22)
        #expect(try NPZFile(bytes: bytes).names == [])
    }

    @Test func membersOtherThanArraysArePassedOver() throws {
        let bytes = try ZipArchive.encode([("readme.txt", [1, 2]), ("a.npy", NPY.encode(Tensor(shape: [1], [4] as [Float])))])
        let file = try NPZFile(bytes: bytes)
        #expect(file.names == ["a"])
        #expect(try file.tensor("a").floats == [4])
        let archive = try ZipArchive(bytes: bytes, name: "z")
        #expect(archive.members.map(\.name) == ["readme.txt", "a.npy"] && archive.members.map(\.byteCount) == [2, 132])
        #expect(try archive.read("readme.txt") == [1, 2])
        #expect(ioError { _ = try archive.read("a.npy", limit: 131) } == .tooLarge(path: "z", object: "a.npy", size: 132, limit: 131))
        #expect(ioError { _ = try archive.read("b") } == .missingMember(path: "z", member: "b", present: ["readme.txt", "a.npy"]))
    }

    @Test func highlyPackedMembersAreRead() throws {
        #expect(try NPZFile(path: fixture("npz/zeros.npz")).tensor("zeros").floats == [Float](repeating: 0, count: 1 << 18))
    }

    @Test func namesAreChecked() throws {
        let one = try Tensor(shape: [], [1] as [Float])
        #expect(ioError { _ = try NPZFile.encode([("a", one), ("a", one)]) } == .duplicateMember(path: "the archive", member: "a.npy"))
        #expect(ioError { _ = try NPZFile.encode([("a\0b", one)]) } == .invalidName(path: "the archive", name: "a\0b.npy"))
        let long = String(repeating: "x", count: 1021)
        #expect(ioError { _ = try NPZFile.encode([(long, one)]) } == .invalidName(path: "the archive", name: long + ".npy"))
    }

    @Test func damagedArchivesAreTypedErrors() throws {
        for name in ["stored", "deflated"] {
            let bytes = try fixtureBytes("npz/\(name).npz")
            func readAll(_ bytes: [UInt8]) throws { _ = try NPZFile(bytes: bytes).tensors() }
            for count in stride(from: 0, to: bytes.count, by: 7) {
                #expect(ioError { try readAll(Array(bytes.prefix(count))) } != nil, "\(name), \(count) bytes")
            }
            // One byte of the first member's data changed: its checksum tells.
            var damaged = bytes
            damaged[bytes.count / 4] ^= 0x40
            guard case .zipMember? = ioError({ try readAll(damaged) }) else {
                Issue.record("\(name): a damaged member was read")
                continue
            }
            // Any byte changed: an array or a typed error, never a crash.
            for position in bytes.indices {
                damaged = bytes
                damaged[position] ^= 0xFF
                do { try readAll(damaged) } catch { #expect(error is TensorIOError, "\(name), byte \(position): \(error)") }
            }
        }
        guard case .notZip(let path, _)? = ioError({ _ = try NPZFile(path: fixture("npy/scalar.npy")) }) else {
            Issue.record("an .npy file was opened as an archive")
            return
        }
        #expect(path == fixture("npy/scalar.npy"))
        #expect(ioError { _ = try NPZFile(path: "/nonexistent.npz") } == .cannotOpen(path: "/nonexistent.npz", reason: "No such file or directory"))
    }

    @Test func aMemberThatDeclaresMoreThanItsArchiveCanHold() throws {
        var bytes = try ZipArchive.encode([("a", [UInt8](repeating: 7, count: 64))])
        // The uncompressed size in the central directory, 24 bytes into its record.
        let record = try #require(bytes.indices.dropLast(4).last { Array(bytes[$0..<($0 + 4)]) == [0x50, 0x4B, 1, 2] })
        bytes.replaceSubrange((record + 24)..<(record + 28), with: [0, 0, 0, 0x70])
        let archive = try ZipArchive(bytes: bytes, name: "z")
        let limit = bytes.count * 1032
        #expect(ioError { _ = try archive.read("a") } == .tooLarge(path: "z", object: "a", size: 0x7000_0000, limit: limit))
    }

    @Test func numPyReadsOurFiles() throws {
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        try withFolder { folder in
            try NPY.write(Tensor(shape: [2, 3], (0..<6).map { Float($0) / 4 }), to: "\(folder)/a.npy")
            try NPY.write(Tensor(shape: [], [0.1] as [Double]), to: "\(folder)/s.npy")
            try NPY.write(Tensor(zeros: [0, 2]), to: "\(folder)/e.npy")
            try NPZFile.write([("up1/kernel", Tensor(shape: [2], [1, 2] as [Float])), ("b", Tensor(shape: [1], [3] as [Double]))], to: "\(folder)/w.npz")
            let script = """
                import sys
                try:
                    import numpy as np
                except ImportError:
                    sys.exit(77)
                d = sys.argv[1]
                a, s, e = (np.load(f"{d}/{n}.npy") for n in "ase")
                assert a.dtype == np.float32 and a.shape == (2, 3) and (a == np.arange(6).reshape(2, 3) / 4).all(), a
                assert s.dtype == np.float64 and s.shape == () and s == 0.1, s
                assert e.shape == (0, 2)
                w = np.load(f"{d}/w.npz")
                assert w.files == ["up1/kernel", "b"], w.files
                assert (w["up1/kernel"] == np.float32([1, 2])).all() and w["b"].dtype == np.float64 and w["b"] == 3
                import zipfile
                assert zipfile.ZipFile(f"{d}/w.npz").testzip() is None
                """
            python.arguments = ["python3", "-c", script, folder]
            try python.run()
            python.waitUntilExit()
            switch python.terminationStatus {
            case 77, 127: try Test.cancel("no python3 with numpy on this machine")
            case let status: #expect(status == 0, "NumPy refused a file, see above")
            }
        }
    }
}
