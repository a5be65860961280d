import Foundation
import Testing
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import _TestSupport

@Suite struct NPYTests {
    /// What `Tools/oracle/make_npy_fixtures.py` stored for a type at every row-major index.
    private func expected(_ type: String, count: Int) -> [Double] {
        (0..<count).map { i in
            switch type.first {
            case "f": Double(i - 3) / 2
            case "i": Double(i - 3)
            case "u": Double(i)
            default: Double(i % 2)
            }
        }
    }

    @Test func everyTypeOrderAndVersionOfNumPy() throws {
        var checked = 0
        for name in try fixtures(in: "npy") where name.range(of: "^[fiub][1248]_", options: .regularExpression) != nil {
            let tensor = try NPY.read(path: fixture("npy/\(name)"))
            let type = String(name.prefix(2))
            #expect(tensor.shape == [2, 3, 4], "\(name)")
            #expect(tensor.elementType == (type == "f8" ? .float64 : type == "f2" ? .float16 : .float32), "\(name)")
            #expect(tensor.doubles == expected(type, count: 24), "\(name)")
            let decoded = try NPY.decode(fixtureBytes("npy/\(name)"))
            #expect(decoded.doubles == tensor.doubles && decoded.shape == tensor.shape, "\(name)")
            checked += 1
        }
        #expect(checked == 29)
    }

    @Test func shapes() throws {
        let scalar = try NPY.read(path: fixture("npy/scalar.npy"))
        #expect(scalar.shape == [] && scalar.floats == [2.5])
        #expect(try NPY.read(path: fixture("npy/one_axis.npy")).doubles == expected("f4", count: 5))
        #expect(try NPY.read(path: fixture("npy/empty.npy")).shape == [2, 0, 3])
        let empty = try NPY.read(path: fixture("npy/empty_fortran.npy"))
        #expect(empty.shape == [0, 3] && empty.elementType == .float64)
        let five = try NPY.read(path: fixture("npy/five_axes_fortran.npy"))
        #expect(five.shape == [2, 37, 3, 5, 41])
        #expect(five.doubles == expected("f4", count: 2 * 37 * 3 * 5 * 41))
        let two = try NPY.read(path: fixture("npy/two_axes_fortran.npy"))
        #expect(two.shape == [70, 33] && two.doubles == expected("f8", count: 70 * 33))
    }

    /// Without elements, an array may have any other extents.
    @Test func emptyArraysOfAnyExtents() throws {
        for (shape, fortran) in [
            ("(2305843009213693952, 0, 2, 4, 2)", "False"), ("(0, 1099511627776, 1099511627776, 2)", "True"),
            ("(9223372036854775807, 9223372036854775807, 0)", "True"),
        ] {
            for descriptor in ["<f4", ">f8", "|u1"] {
                let tensor = try NPY.decode(npy("{'descr': '\(descriptor)', 'fortran_order': \(fortran), 'shape': \(shape), }\n"))
                #expect(tensor.elementCount == 0 && tensor.byteCount == 0 && "(\(tensor.shape.map(String.init).joined(separator: ", ")))" == shape)
                #expect(try NPY.decode(NPY.encode(tensor)).shape == tensor.shape)
            }
        }
        for shape in ["(9223372036854775807, 2)", "(1099511627776, 1)", "(2305843009213693952, 4, 2)"] {
            #expect(ioError { _ = try NPY.decode(npy("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }\n")) } != nil, "\(shape)")
        }
    }

    @Test func specialValues() throws {
        let halves = try NPY.read(path: fixture("npy/half_specials.npy")).floats
        #expect(halves.count == 9)
        #expect(halves[0] == 0 && halves[1] == 0 && halves[1].sign == .minus)
        #expect(halves[2] == 0x1p-24 && halves[3] == Float(1023) * 0x1p-24, "the smallest and the largest subnormal half")
        #expect(Array(halves[4...6]) == [-65504, .infinity, -.infinity])
        #expect(halves[7].isNaN)
        #expect(halves[8] == 0x1.554p-2)
        // Integers beyond 2^24 are rounded to the nearest float32, ties to even.
        #expect(try NPY.read(path: fixture("npy/large_integers.npy")).floats == [16_777_216, 16_777_220, -0x1p62])
    }

    @Test func unknownTypesAreRefused() throws {
        for (name, type) in [
            ("object", "|O"), ("complex", "<c8"), ("string", "<U3"), ("date", "<M8[s]"),
            ("structured", "[('a', '<f4'), ('b', '<i2')], 'fortran_o"), ("unicode_field", "[('größe', '<f4')], 'fortran_order': F"),
        ] {
            let path = fixture("npy/refused_\(name).npy")
            #expect(ioError { _ = try NPY.read(path: path) } == .npyElementType(path: path, received: type), "\(name)")
        }
    }

    @Test func whatWeWriteIsWhatNumPyWrites() throws {
        for name in ["f4_little", "f8_little", "f4_version1", "scalar", "one_axis", "empty"] {
            let bytes = try fixtureBytes("npy/\(name).npy")
            #expect(NPY.encode(try NPY.decode(bytes)) == bytes, "\(name)")
        }
    }

    @Test func roundTrip() throws {
        let specials: [Float] = [0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1]
        try withFolder { folder in
            for shape in [[8], [2, 4], [2, 2, 2], [1, 8, 1]] {
                let path = "\(folder)/\(shape.count).npy"
                try NPY.write(Tensor(shape: shape, specials), to: path)
                let back = try NPY.read(path: path)
                #expect(back.shape == shape, "\(shape)")
                #expect(back.floats.map(\.bitPattern) == specials.map(\.bitPattern), "\(shape)")
            }
            let doubles = try Tensor(shape: [2, 2], [0.1, -0.0, .nan, 1e300] as [Double])
            #expect(try NPY.decode(NPY.encode(doubles)).doubles.map(\.bitPattern) == doubles.doubles.map(\.bitPattern))
            // A header of 64 axes, and one too long for version 1.
            let many = try Tensor(shape: [Int](repeating: 1, count: 63) + [3], [1, 2, 3] as [Float])
            #expect(try NPY.decode(NPY.encode(many)).shape == many.shape)
        }
    }

    @Test func malformedFilesAreTypedErrors() throws {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"
        let four = [UInt8](repeating: 0, count: 4)
        #expect(try NPY.decode(npy(good, data: four)).shape == [1])
        let p = "the array"
        func reason(_ text: String) -> TensorIOError { .npyHeader(path: p, reason: text) }
        let cases: [(String, [UInt8], TensorIOError)] = [
            ("nothing", [], .notNPY(path: p, firstBytes: [])),
            ("another file", Array("PK\u{3}\u{4}more".utf8), .notNPY(path: p, firstBytes: [0x50, 0x4B, 3, 4, 0x6D, 0x6F])),
            ("only the magic", Array(npy(good).prefix(6)), .npyHeaderLength(path: p, received: 6, expected: 10)),
            ("no length", Array(npy(good).prefix(9)), .npyHeaderLength(path: p, received: 9, expected: 10)),
            ("no length of version 2", Array(npy(good, version: 2).prefix(11)), .npyHeaderLength(path: p, received: 11, expected: 12)),
            ("half a header", Array(npy(good).prefix(40)), .npyHeaderLength(path: p, received: 40, expected: 10 + good.utf8.count)),
            ("version 4", npy(good, version: 4, data: four), .npyVersion(path: p, major: 4, minor: 0)),
            ("header of 4 GiB", Array(npy(good, version: 2).prefix(8)) + [255, 255, 255, 255],
                .npyHeaderTooLong(path: p, received: 4_294_967_295, limit: 1 << 20)),
            ("too little data", npy(good, data: [0, 0, 0]), .npyDataLength(path: p, received: 3, expected: 4)),
            ("too much data", npy(good, data: four + [0]), .npyDataLength(path: p, received: 5, expected: 4)),
            ("a huge shape", npy(good.replacing("(1,)", with: "(1099511627776, 1099511627776)")), .tensor(path: p, .tooLarge(shape: [1 << 40, 1 << 40]))),
            ("a large shape without data", npy(good.replacing("(1,)", with: "(1073741824,)")), .npyDataLength(path: p, received: 0, expected: 1 << 32)),
            ("an extent beyond 64 bits", npy(good.replacing("(1,)", with: "(9223372036854775808,)")),
                reason("received the extent 9223372036854775808; expected less than 2^63")),
            ("a negative extent", npy(good.replacing("(1,)", with: "(-1,)")), reason("received a negative extent; expected 0 or more")),
            ("a number for a tuple", npy(good.replacing("(1,)", with: "(1)")),
                reason("received a number in parentheses for shape; expected a tuple such as (3,)")),
            ("a float extent", npy(good.replacing("(1,)", with: "(1.5,)")),
                reason("received a number in parentheses for shape; expected a tuple such as (3,)")),
            ("a name as extent", npy(good.replacing("(1,)", with: "(n,)")), reason("received 'n' in shape; expected integers")),
            ("a list as shape", npy(good.replacing("(1,)", with: "[1]")), reason("received '[' at byte 50 of the dict; expected '('")),
            ("65 axes", npy(good.replacing("(1,)", with: "(" + String(repeating: "1,", count: 65) + ")")),
                reason("received a shape of more than 64 axes; expected at most that")),
            ("an integer as order", npy(good.replacing("False", with: "0")), reason("received '0' for fortran_order; expected True or False")),
            ("no shape", npy("{'descr': '<f4', 'fortran_order': False}"), reason("received too few keys; expected descr, fortran_order and shape")),
            ("a key twice", npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}"),
                reason("received the key 'descr'; expected descr, fortran_order and shape once each")),
            ("an unknown key", npy(good.replacing("descr", with: "descx")),
                reason("received the key 'descx'; expected descr, fortran_order and shape once each")),
            ("no dict", npy("[1]"), reason("received '[' at byte 0 of the dict; expected '{'")),
            ("an empty header", npy(""), reason("received the end at byte 0 of the dict; expected '{'")),
            ("an open dict", npy("{'descr': '<f4'"), reason("received the end at byte 15 of the dict; expected '}'")),
            ("an open string", npy("{'descr"), reason("received a string without end at byte 1 of the dict")),
            ("code after the dict", npy(good + "+1"), reason("received 2 bytes after the dict; expected blanks")),
            ("no byte order", npy(good.replacing("<f4", with: "f4")), .npyElementType(path: p, received: "f4")),
            ("no byte order of 4 bytes", npy(good.replacing("<f4", with: "|f4")), .npyElementType(path: p, received: "|f4")),
            ("16-byte floats", npy(good.replacing("<f4", with: "<f16")), .npyElementType(path: p, received: "<f16")),
            ("3-byte floats", npy(good.replacing("<f4", with: "<f3")), .npyElementType(path: p, received: "<f3")),
        ]
        try withFolder { folder in
            for (what, bytes, expected) in cases {
                #expect(ioError { _ = try NPY.decode(bytes) } == expected, "\(what)")
                // The same bytes as a file: refused as well (the path differs, the case does not).
                let path = "\(folder)/a.npy"
                try Data(bytes).write(to: URL(filePath: path))
                let fromFile = ioError { _ = try NPY.read(path: path) }
                #expect(fromFile?.description == expected.description.replacing(p, with: path), "\(what)")
            }
        }
    }

    @Test func whatPython2Wrote() throws {
        let dict = "{\"descr\": \"<f4\", \"shape\": (1L, 2L), \"fortran_order\": False}"
        #expect(try NPY.decode(npy(dict, data: [UInt8](repeating: 0, count: 8))).shape == [1, 2])
    }

    @Test func everyTruncationIsAnError() throws {
        for name in ["f4_big_fortran", "i8_little", "f4_version3"] {
            let bytes = try fixtureBytes("npy/\(name).npy")
            for count in 0..<bytes.count {
                #expect(ioError { _ = try NPY.decode(Array(bytes.prefix(count))) } != nil, "\(name), \(count) bytes")
            }
        }
    }

    @Test func damagedHeadersNeverCrash() throws {
        var bytes = try fixtureBytes("npy/f4_little.npy")
        var refused = 0
        for position in 0..<128 {
            let kept = bytes[position]
            for value in UInt8.min...UInt8.max {
                bytes[position] = value
                do { _ = try NPY.decode(bytes) } catch is TensorIOError { refused += 1 }
            }
            bytes[position] = kept
        }
        #expect(refused > 10_000)
    }

    @Test func filesThatCannotBeRead() throws {
        try withFolder { folder in
            #expect(ioError { _ = try NPY.read(path: "\(folder)/none.npy") } == .cannotOpen(path: "\(folder)/none.npy", reason: "No such file or directory"))
            #expect(ioError { _ = try NPY.read(path: folder) } == .cannotOpen(path: folder, reason: "Is a directory"))
        }
    }

    @Test func writingIsAllOrNothing() throws {
        let files = FileManager.default
        try withFolder { folder in
            let tensor = try Tensor(shape: [2], [1, 2] as [Float])
            let path = "\(folder)/a.npy"
            try NPY.write(tensor, to: path)
            #expect(try files.contentsOfDirectory(atPath: folder) == ["a.npy"], "no staging file is left")

            // Through a symbolic link the file it points to is replaced; permissions stay.
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            try files.createSymbolicLink(atPath: "\(folder)/link.npy", withDestinationPath: "a.npy")
            try NPY.write(Tensor(shape: [1], [7] as [Float]), to: "\(folder)/link.npy")
            #expect(try NPY.read(path: path).floats == [7])
            #expect(try NPY.read(path: "\(folder)/link.npy").floats == [7])
            #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/link.npy") == "a.npy")
            #expect(try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)

            // A failure half-way leaves the old file and nothing else.
            struct Stop: Error {}
            #expect(throws: Stop.self) {
                try StagedFile.write(to: path) { staged in
                    try Data([1, 2, 3]).write(to: URL(filePath: staged))
                    throw Stop()
                }
            }
            #expect(try NPY.read(path: path).floats == [7])
            #expect(try files.contentsOfDirectory(atPath: folder).sorted() == ["a.npy", "link.npy"])

            #expect(ioError { try NPY.write(tensor, to: folder) } == .cannotWrite(path: folder, reason: "Is a directory"))
            let nowhere = "\(folder)/none/a.npy"
            #expect(ioError { try NPY.write(tensor, to: nowhere) } == .cannotWrite(path: nowhere, reason: "No such file or directory"))
            let device = ioError { try NPY.write(tensor, to: "/dev/null") }
            #expect(device == .cannotWrite(path: "/dev/null", reason: "It is a device, not a regular file"))
            #expect(try files.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType == .typeCharacterSpecial)
            let cut = "\(folder)/a.npy\0b"
            #expect(ioError { try NPY.write(tensor, to: cut) } == .cannotWrite(path: cut, reason: "A NUL is no part of a file's name"))
            #expect(ioError { _ = try NPY.read(path: cut) } == .cannotOpen(path: cut, reason: "A NUL is no part of a file's name"))
        }
    }

    /// float16 is numpy's f2; bfloat16, which numpy lacks, is written as f4.
    @Test func sixteenBitTensors() throws {
        let values = try Tensor(shape: [2, 3], [0.5, -1, 0.1, 65504, 1e-7, .infinity] as [Float])
        let half = try values.cast(to: .float16)
        let bytes = NPY.encode(half)
        #expect(String(decoding: bytes.prefix(64), as: UTF8.self).contains("'<f2'") && bytes.count % 64 == 12)
        let read = try NPY.decode(bytes)
        #expect(read.elementType == .float16 && read.shape == [2, 3] && read.floats == half.floats)
        let brain = try values.cast(to: .bfloat16)
        let wide = try NPY.decode(NPY.encode(brain))
        #expect(wide.elementType == .float32 && wide.floats == brain.floats)
        let folder = try TemporaryFolder()
        for tensor in [half, brain] {
            let path = folder.path("\(tensor.elementType).npy")
            try NPY.write(tensor, to: path)
            #expect(try NPY.read(path: path).floats == tensor.floats)
            try NPZFile.write([("a", tensor)], to: path + ".npz")
            #expect(try NPZFile(path: path + ".npz").tensor("a").floats == tensor.floats)
        }
    }
}
