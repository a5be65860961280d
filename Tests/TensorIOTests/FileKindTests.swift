import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Files told by their contents.
@Suite struct FileKindTests {
    /// The start of a zip archive whose first member has this name.
    private static func zip(_ name: String) -> [UInt8] {
        [0x50, 0x4b, 0x03, 0x04] + [UInt8](repeating: 0, count: 22) + [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8) + [0x80, 2, 0x7d]
    }

    private static func padded(_ text: String, at offset: Int) -> [UInt8] { [UInt8](repeating: 1, count: offset) + Array(text.utf8) }

    @Test func kinds() {
        let producer: [UInt8] = [0x12, 7] + Array("pytorch".utf8)
        let graph: [UInt8] = [0x3a, 0xff, 0x7f, 0x0a, 4, 1, 2]  // longer than what is here
        let metaGraph: [UInt8] = [0x12, 0xb0, 2, 0x0a, 0x20, 0x0a, 3] + Array("tag".utf8)
        let node: [UInt8] = [0x0a, 20, 0x0a, 5] + Array("input".utf8) + [0x12, 11] + Array("Placeholder".utf8)
        let kinds: [(FileKind, [UInt8])] = [
            (.empty, []), (.json, Array("{\"class_name\": 1}".utf8)), (.json, Array("[1".utf8)), (.json, Array(" nonsense".utf8)),
            (.json, Array("{\u{1b}".utf8)), (.binary, Array("x\u{1b}[2J".utf8)),
            (.json, [0xef, 0xbb, 0xbf] + Array("{}".utf8)), (.json, Array(("a" + String(repeating: "ä", count: 2048)).utf8.dropLast())),
            (.keras, Self.zip("metadata.json")), (.keras, Self.zip("config.json")), (.keras, [0x50, 0x4b, 0x05, 0x06]),
            (.npz, Self.zip("kernel.npy")), (.npz, Self.zip("up/kernel.npy")), (.torch, Self.zip("archive/data.pkl")),
            (.torch, Self.zip("model/.format_version")), (.torch, Self.zip("net/data/0")), (.torch, Self.zip("net/extra/labels.txt")),
            (.torch, Self.zip("net/version")),
            (.torch, Self.zip("net/constants.pkl")), (.torch, Self.zip("net/code/__torch__/net.py")), (.torch, Self.zip("net/archive_format")),
            (.torch, Self.zip("serialized_exported_program.json")),
            (.keras, Self.zip("version")), (.keras, Self.zip("data/0")), (.keras, Self.zip("model/config.json")), (.keras, Self.zip("photos/data/a.png")),
            (.keras, Self.zip("")),
            (.torch, [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]),
            (.pickle, [0x80, 4, 0x95, 0]), (.hdf5, [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]), (.npy, [0x93] + Array("NUMPY\u{1}\0".utf8)),
            (.onnx, [8, 8] + producer + graph), (.onnx, [8, 3] + producer + [0x1a, 1, 0x32] + graph), (.onnx, [8, 10, 0x3a, 2, 0x0a, 0]),
            (.tflite, [0x1c, 0, 0, 0] + Array("TFL3".utf8) + [0, 0]), (.savedModel, [8, 1] + metaGraph), (.tensorflowGraph, node + node),
            (.safetensors, [0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{\"w\":{".utf8)),
            // Lengths that look like a pickle and like gzip.
            (.safetensors, [0x80, 2, 0, 0, 0, 0, 0, 0] + Array("{\"w\":{".utf8)),
            (.safetensors, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0] + Array("{\"w\":{".utf8)),
            (.safetensors, [0x40, 0, 0, 0, 0, 0, 0, 0] + Array("{ \"w\":{".utf8)), (.gguf, Array("GGUF".utf8) + [3, 0, 0, 0]),
            (.gzip, [0x1f, 0x8b, 8]), (.bzip2, Array("BZh9".utf8)), (.xz, [0xfd] + Array("7zXZ\0".utf8)), (.zstandard, [0x28, 0xb5, 0x2f, 0xfd]),
            (.tar, Self.padded("ustar", at: 257)), (.nifti, Self.padded("n+1\0", at: 344)), (.elf, [0x7f] + Array("ELF".utf8)),
            (.gitLFSPointer, Array("version https://git-lfs.github.com/spec/v1\noid".utf8)), (.html, Array("<!DOCTYPE html>\n<html>".utf8)),
            (.xml, Array("<?xml version=\"1.0\"?>".utf8)), (.yaml, Array("backend: tensorflow\nclass_name: Sequential".utf8)),
            (.utf16, [0xff, 0xfe, 0x7b, 0]), (.binary, [0, 1, 2, 3]), (.binary, Array("text".utf8) + [0xff, 0x41]), (.binary, [8, 99, 0x07]),
        ]
        for (kind, start) in kinds {
            #expect(FileKind(start: start) == kind, "\(start.prefix(24))")
            // Cut off anywhere, it is something, and no trap.
            for count in start.indices { _ = FileKind(start: Array(start.prefix(count))) }
        }
        #expect(Set(kinds.map(\.0)).union([.folder, .savedModelFolder]) == Set(FileKind.allCases))
        for kind in FileKind.allCases {
            for expected in [ExpectedFile.layers, .weights, .layersOrPlugin] { #expect(kind.advice(expected).contains(".keras") && !kind.name.isEmpty) }
        }
    }

    @Test func folders() throws {
        let folder = try TemporaryFolder()
        let path = folder.path(".")
        #expect(FileKind(folder: path) == .folder && FileKind(folder: folder.path("none")) == nil)
        let file = try folder.write([1], as: "saved_model.pb")
        #expect(FileKind(folder: path) == .savedModelFolder && FileKind(folder: file) == nil)
    }

    /// Bytes of any kind are told without a trap.
    @Test func randomBytes() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<20_000 {
            let count = Int(random.next() % 40)
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if count > 1, random.next() % 2 == 0 { (bytes[0], bytes[1]) = ([8, 0x0a, 0x80][Int(random.next() % 3)], UInt8(random.next() % 8)) }
            _ = FileKind(start: bytes)
        }
    }
}
