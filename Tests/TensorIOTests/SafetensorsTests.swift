import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// safetensors files: what is read, what is written, and what is refused.
@Suite struct SafetensorsTests {
    /// A file with this header and these bytes behind it.
    static func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> ($0 * 8)) } + Array(header.utf8) + data
    }

    private func read(_ header: String, data: [UInt8] = []) throws -> SafetensorsFile {
        try SafetensorsFile(bytes: Self.file(header, data: data), name: "w")
    }

    private func refusal(_ header: String, data: [UInt8] = []) -> String {
        ioError { _ = try read(header, data: data) }?.description ?? "nothing was refused"
    }

    /// Every type, bit by bit, names and metadata with escapes, members in any order.
    @Test func tensorsOfEveryTypeAreRead() throws {
        let header = """
            { "__metadata__":{"format":"pt","\\u00fc\\n":"\\ud83d\\ude00"} ,
              "double" : {"data_offsets": [8, 24], "dtype": "F64", "shape": [1,2]},
              "a/\\u006bernel": {"dtype":"F16","shape":[2],"data_offsets":[0,4]}, "brain":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]},
              "scalar":{"dtype":"F32","shape":[],"data_offsets":[24,28]},"none":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]},
              "count":{"dtype":"I64","shape":[1],"data_offsets":[28,36]}}   \n
            """
        let doubles = [-0.1, .infinity].flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
        let data: [UInt8] = [0, 0x3e, 1, 0xc0, 0x80, 0x3f, 0, 0xc0] + doubles + [0, 0, 0x20, 0xc0] + [7, 0, 0, 0, 0, 0, 0, 0]
        let file = try read(header, data: data)
        #expect(file.names == ["a/kernel", "brain", "none", "double", "scalar", "count"] && file.metadata == ["format": "pt", "ü\n": "😀"])
        #expect(try file.tensor("a/kernel").elementType == .float16 && file.tensor("a/kernel").doubles == [1.5, -2.001953125])
        #expect(try file.tensor("brain").elementType == .bfloat16 && file.tensor("brain").doubles == [1, -2])
        #expect(try file.tensor("brain").shape == [2, 1] && file.tensor("none").shape == [3, 0] && file.tensor("scalar").shape == [])
        #expect(try file.tensor("double").elementType == .float64 && file.tensor("double").doubles == [-0.1, .infinity])
        #expect(try file.tensor("scalar").floats == [-2.5])
        #expect(ioError { _ = try file.tensor("count") } == .safetensorsTensor(
            path: "w", tensor: "count", reason: "its elements are of type I64; expected F16, BF16, F32 or F64"))
        #expect(ioError { _ = try file.tensor("kernel") } == .missingMember(path: "w", member: "kernel", present: file.names))
        #expect(try read("{}").names == [] && read(" {\"__metadata__\":{}} ").metadata == [:])
    }

    /// Equal tensors give equal bytes, whatever their order; each lies at a multiple of its elements' size, without gaps.
    @Test func whatIsWrittenIsReadAgain() throws {
        let values: [Float] = [0.5, -1, 3, .nan, 65504, -0.0]
        let tensors: [(name: String, tensor: Tensor)] = [
            ("up/kernel", try Tensor(shape: [2, 3], values)), ("up/bias", try Tensor(shape: [6], values).cast(to: .float16)),
            ("größe\n\"\\", try Tensor(shape: [], [0.1] as [Double])), ("brain", try Tensor(shape: [3, 1, 2], values).cast(to: .bfloat16)),
            ("nothing", try Tensor(zeros: [4, 0, 2])), ("odd", try Tensor(shape: [1], [2]).cast(to: .float16)),
        ]
        let bytes = try SafetensorsFile.encode(tensors)
        #expect(try SafetensorsFile.encode(tensors.reversed()) == bytes)
        let file = try SafetensorsFile(bytes: bytes, name: "w")
        #expect(file.names == ["größe\n\"\\", "nothing", "up/kernel", "brain", "odd", "up/bias"] && file.metadata == ["format": "keras"])
        for (name, tensor) in tensors {
            let read = try file.tensor(name)
            #expect(read.shape == tensor.shape && read.elementType == tensor.elementType, "\(name)")
            #expect(read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) }, "\(name)")
        }
        let length = Int(bytes[0]) | Int(bytes[1]) << 8
        #expect(length % 8 == 0 && bytes.count == 8 + length + 8 + 24 + 12 + 2 + 12)
        #expect(try SafetensorsFile(bytes: SafetensorsFile.encode([]), name: "w").names == [])

        let one = try Tensor(shape: [], [1] as [Float])
        #expect(ioError { _ = try SafetensorsFile.encode([("a", one), ("a", one)]) } == .duplicateMember(path: "the file", member: "a"))
        for name in ["", "a\0b", String(repeating: "x", count: 1025)] {
            #expect(ioError { _ = try SafetensorsFile.encode([(name, one)], name: "w") } == .invalidName(path: "w", name: name))
        }
        #expect(ioError { _ = try SafetensorsFile.encode([("__metadata__", one)], name: "w") } == .safetensorsTensor(
            path: "w", tensor: "__metadata__", reason: "the format keeps that name for itself"))
    }

    @Test func filesAppearWholeOrNotAtAll() throws {
        try withFolder { folder in
            let path = "\(folder)/w.safetensors"
            try SafetensorsFile.write([("a", Tensor(shape: [2], [1, 2] as [Float]))], to: path)
            #expect(try SafetensorsFile(path: path).tensor("a").floats == [1, 2])
            let before = try Data(contentsOf: URL(filePath: path))
            #expect(throws: TensorIOError.self) { try SafetensorsFile.write([("", Tensor(zeros: [1]))], to: path) }
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["w.safetensors"])
            let nowhere = "\(folder)/none/w.safetensors"
            #expect(ioError { try SafetensorsFile.write([], to: nowhere) } == .cannotWrite(path: nowhere, reason: "No such file or directory"))
        }
    }

    @Test func lengthsThatLieAreRefused() throws {
        let sound = Self.file("{}")
        for count in 0..<8 {
            guard case .safetensorsHeader? = ioError({ _ = try SafetensorsFile(bytes: Array(sound.prefix(count)), name: "w") }) else {
                Issue.record("\(count) bytes were read")
                continue
            }
        }
        for length in [3, UInt64(Int64.max), .max, 1 << 63, 100_000_001] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
            #expect(
                ioError { _ = try SafetensorsFile(bytes: bytes, name: "w") }
                    == .safetensorsHeader(path: "w", reason: "its length is \(length); expected at most 2"), "\(length)")
        }
        #expect(refusal("") == "Received a malformed safetensors header in w: it ends after 0 bytes; expected an object.")
    }

    @Test func placesThatLieAreRefused() {
        func entry(_ offsets: String, _ shape: String = "[2]", _ type: String = "F32") -> String {
            "{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
        }
        let data = [UInt8](repeating: 0, count: 16)
        for (header, words) in [
            // Too far, too short, too long.
            ("{\"a\":\(entry("[0,8]")),\"b\":\(entry("[8,24]", "[4]"))}", "\"b\" of w: its bytes end at 24; expected at most 16"),
            ("{\"a\":\(entry("[0,8]"))}", "its tensors have 8 bytes; expected the 16 that follow the header"),
            ("{\"a\":\(entry("[0,16]"))}", "it has 16 bytes, which are none of F32 in the shape [2]"),
            // Overlaps and gaps.
            ("{\"a\":\(entry("[0,8]")),\"b\":\(entry("[4,12]"))}", "\"b\" of w: its bytes begin at 4; expected 8"),
            ("{\"a\":\(entry("[0,8]")),\"b\":\(entry("[0,8]"))}", "\"b\" of w: its bytes begin at 0; expected 8"),
            ("{\"a\":\(entry("[8,16]"))}", "its bytes begin at 8; expected 0"),
            // Backwards, one, three, beyond 64 bits.
            ("{\"a\":\(entry("[8,0]"))}", "its data_offsets are [8, 0]; expected the beginning and the end"),
            ("{\"a\":\(entry("[0]"))}", "its data_offsets are [0]; expected"), ("{\"a\":\(entry("[0,8,16]"))}", "expected the beginning and the end"),
            ("{\"a\":\(entry("[0,9223372036854775807]"))}", "its bytes end at 9223372036854775807"),
            ("{\"a\":\(entry("[0,9223372036854775808]"))}", "expected an integer of 0 or more, below 2^63"),
            ("{\"a\":\(entry("[-8,0]"))}", "expected an integer of 0 or more"), ("{\"a\":\(entry("[0,8.0]"))}", "expected a comma or the end of the list"),
            ("{\"a\":\(entry("[00,8]"))}", "expected an integer of 0 or more"),
            // Shapes whose product leaves 64 bits, and types nobody knows.
            ("{\"a\":\(entry("[0,16]", "[4611686018427387904,4,2]"))}", "which are none of F32 in the shape [4611686018427387904, 4, 2]"),
            ("{\"a\":\(entry("[0,16]", "[16]", "F4"))}", "its type F4 is unknown"), ("{\"a\":\(entry("[0,16]", "[2]", "f64"))}", "its type f64 is unknown"),
        ] {
            let said = refusal(header, data: data)
            #expect(said.contains(words) && said.hasSuffix("."), "\(header): \(said)")
        }
    }

    @Test func whatIsNoHeaderIsRefused() {
        let sound = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
        for (header, words) in [
            ("{\"a\":\(sound),\"a\":\(sound)}", "Received the member a twice in w"),
            ("{\"__metadata__\":{},\"__metadata__\":{}}", "Received the member __metadata__ twice"),
            ("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", "Received the member __metadata__/a twice"),
            ("{\"__metadata__\":{\"a\":1}}", "received \"1}}\" at byte 21; expected a text"),
            ("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[0]}}", "received \"dtype\"; expected dtype, shape and data_offsets, once each"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", "received \"x\"; expected"),
            ("{\"a\":{\"dtype\":\"F32\",\"shape\":[0]}}", "expected dtype, shape and data_offsets"), ("{\"a\":{}}", "expected dtype, shape and data_offsets"),
            ("{\"a\":[]}", "expected an object"), ("[]", "expected an object"), ("{\"a\"}", "expected a colon"),
            ("{\"a\":\(sound)", "expected a comma or the end"),
            ("{\"a\":\(sound),}", "expected a text"), ("{} x", "received \"x\" at byte 3; expected the end"), ("{\"a", "expected the end of the text"),
            ("{\"a\u{1}\":\(sound)}", "expected no control character"), ("{\"\\x\":\(sound)}", "expected an escape"),
            ("{\"\\u12\":\(sound)}", "expected four hexadecimal digits"), ("{\"\\ud800\":\(sound)}", "expected an escape"),
            ("{\"\\ud800\\u0041\":\(sound)}", "surrogate"), ("{\"\\udc00\":\(sound)}", "surrogate"),
            // A few bytes each that would become many.
            ("{\"a\":{\"shape\":[0" + String(repeating: ",0", count: 64) + "]", "expected at most 64 integers"),
            ("{\"__metadata__\":{" + (0..<400_000).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}}", "expected at most 400000 members"),
            // However deep: nothing here calls itself for a bracket.
            (String(repeating: "{\"a\":", count: 200_000), "expected dtype, shape and data_offsets"),
            (String(repeating: "[", count: 1_000_000), "expected an object"),
            ("{\"a\":{\"shape\":" + String(repeating: "[", count: 100_000), "expected an integer"),
        ] {
            let said = refusal(header)
            #expect(said.contains(words) && said.hasSuffix("."), "\(header.prefix(80)): \(said.prefix(200))")
        }
        let header = Array("{\"".utf8) + [0xff, 0xfe] + Array("\":1}".utf8)
        let bytes = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header
        guard case .safetensorsHeader(_, let reason)? = ioError({ _ = try SafetensorsFile(bytes: bytes, name: "w") }) else {
            Issue.record("a name that is not UTF-8 was read")
            return
        }
        #expect(reason.contains("UTF-8"))
    }
}
