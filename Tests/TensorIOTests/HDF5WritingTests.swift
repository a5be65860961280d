import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// HDF5 files made here: read again they are what was put in, and they have the plain structure that readers demand.
@Suite struct HDF5WritingTests {
    private let values: [Float] = [0.5, -1, 3, 0.1, 65504, -0.0]

    @Test func tensorsOfEveryTypeAreReadAgain() throws {
        let tensors: [(String, Tensor)] = [
            ("layers/a/vars/0", try Tensor(shape: [2, 3], values)), ("layers/a/vars/1", try Tensor(shape: [6], values).cast(to: .float16)),
            ("layers/b/vars/0", try Tensor(shape: [3, 1, 2], values).cast(to: .bfloat16)), ("vars/0", try Tensor(shape: [2], [0.1, -.infinity] as [Double])),
            ("scalar", try Tensor(shape: [], [.nan] as [Float])), ("none", try Tensor(zeros: [4, 0])), ("größe//x", try Tensor(zeros: [1])),
        ]
        var contents = HDF5Contents()
        contents.addGroup("empty/group")
        for (name, tensor) in tensors { contents.addDataset(name, tensor) }
        contents.addText("größe", named: "name", to: "layers/a/vars")
        contents.addText(String(repeating: "x", count: 200_000), named: "long", to: "")
        contents.addList(["a", "größe", ""], named: "list", to: "empty/group")
        contents.addList([], named: "nobody", to: "/")
        let bytes = try HDF5File.encode(contents, name: "h")
        #expect(try HDF5File.encode(contents, name: "h") == bytes, "equal contents give equal bytes")
        let file = try HDF5File(image: bytes, name: "h", structure: .plain)
        for (name, tensor) in tensors {
            let read = try file.tensor(name)
            // The library widens 16-bit floats of its own kind.
            let expected = tensor.elementType == .float16 ? try tensor.cast(to: .float32) : tensor
            #expect(read.shape == tensor.shape && read.elementType == expected.elementType, "\(name)")
            #expect(read.withUnsafeBytes { Array($0) } == expected.withUnsafeBytes { Array($0) }, "\(name)")
        }
        #expect(file.kind(of: "empty/group") == .group && file.kind(of: "größe") == .group)
        #expect(try file.string("name", of: "layers/a/vars") == "größe" && file.string("long")?.utf8.count == 200_000)
        #expect(try file.strings("list", of: "empty/group") == ["a", "größe", ""] && file.strings("nobody") == [])
        #expect(try file.string("dtype", of: "layers/b/vars/0") == "bfloat16" && file.string("dtype", of: "layers/a/vars/1") == nil)
        #expect(try HDF5File(image: HDF5File.encode(HDF5Contents(), name: "h"), name: "h").members() == [])
    }

    /// Thousands of groups: B-trees of several levels, and lists that no header has room for.
    @Test func largeFilesKeepTheirStructure() throws {
        let names = (0..<4000).map { "a_layer_with_a_rather_long_name_\($0)" }
        let tensors = try names.map { name in
            NamedTensor(path: "\(name)/\(name)/kernel", group: name, layerName: name, tensor: try Tensor(shape: [1], [Float(name.utf8.count)]))
        }
        let written = KerasWeights(
            form: .layerNames, tensors: tensors, layerNames: names, config: Array("{}".utf8), kerasVersion: "3.15.1", backend: "tensorflow")
        let bytes = try written.encode(name: "h")
        let file = try HDF5File(image: bytes, name: "h")
        #expect(try file.strings("layer_names", of: "model_weights") == nil)
        // 4000 names of 36 bytes, in pieces of at most 64512 bytes.
        let pieces = try (0..<4).map { try file.strings("layer_names\($0)", of: "model_weights")?.count }
        #expect(pieces == [1334, 1333, 1333, nil])
        let read = try KerasWeights(image: bytes, name: "h")
        #expect(read.layerNames == names && read.tensors.map(\.path) == tensors.map(\.path))
        #expect(read.config == Array("{}".utf8) && read.kerasVersion == "3.15.1" && read.backend == "tensorflow")
    }

    /// Names that HDF5 lacks, or would take for two things.
    @Test func namesThatCannotStandAreRefused() throws {
        let one = try Tensor(zeros: [1])
        func failure(_ datasets: [String], _ more: (inout HDF5Contents) -> Void = { _ in }) -> TensorIOError? {
            var contents = HDF5Contents()
            for name in datasets { contents.addDataset(name, one) }
            more(&contents)
            return ioError { _ = try HDF5File.encode(contents, name: "h") }
        }
        let deep = Array(repeating: "a", count: 61).joined(separator: "/"), long = String(repeating: "x", count: 4096)
        for (names, object, reason) in [
            (["a\0b"], "a\0b", "a NUL is no part of a name"), (["a/./b"], "a/./b", "\".\" is no name in HDF5"),
            ([""], "", "another object has that name"), (["a", "a"], "a", "another object has that name"),
            (["a/b", "a"], "a", "another object has that name"), (["a", "a/b"], "a", "it is a group and a dataset"),
            ([deep], deep, "it is nested more than 60 deep"), ([long], long, "a name has more than 4095 bytes"),
        ] {
            #expect(failure(names) == .unwritableObject(path: "h", object: object, reason: reason), "\(names)")
        }
        #expect(failure([]) { $0.addText("x", named: "n", to: "none") } == .unwritableObject(path: "h", object: "none@n", reason: "there is no such object"))
        #expect(failure([]) { $0.addText("a\0b", named: "n", to: "") } == .unwritableObject(path: "h", object: "@n", reason: "a NUL is no part of a text"))
        let huge = failure([]) { $0.addList([String(repeating: "x", count: 70_000)], named: "n", to: "") }
        #expect(huge == .unwritableObject(path: "h", object: "@n0", reason: "a text of a list has more than 64512 bytes"))
        let ranks = ioError {
            var contents = HDF5Contents()
            contents.addDataset("r", try Tensor(zeros: [Int](repeating: 1, count: 33)))
            _ = try HDF5File.encode(contents, name: "h")
        }
        guard case .unwritableObject("h", "r", _)? = ranks else {
            Issue.record("33 axes were written: \(ranks.map { "\($0)" } ?? "no error")")
            return
        }
        // None of these keeps the library from what comes next.
        #expect(failure(["a"]) == nil)
    }

    /// What Keras wrote, written anew: the same weights, lists and texts, in the same order.
    @Test func weightsOfKerasAreWrittenAsTheyWereRead() throws {
        var count = 0
        for folder in ["Tests/TensorIOTests/Fixtures/keras", "Tests/LayerTests/Fixtures"] {
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(Fixture.root)/\(folder)").sorted() {
                let path = "\(Fixture.root)/\(folder)/\(name)"
                guard name.hasSuffix(".h5") || name.hasSuffix(".keras") else { continue }
                let weights = name.hasSuffix(".h5") ? try KerasWeights(path: path) : try KerasArchive(path: path).weights
                let bytes = try weights.encode(name: "h")
                #expect(try weights.encode(name: "h") == bytes, "\(name)")
                let read = try KerasWeights(image: bytes, name: "h")
                count += 1
                #expect(read.form == weights.form && read.layerNames == weights.layerNames && read.config == weights.config, "\(name)")
                #expect(read.backend == weights.backend && read.kerasVersion == weights.kerasVersion, "\(name)")
                #expect(read.tensors.map(\.path) == weights.tensors.map(\.path) && read.tensors.map(\.group) == weights.tensors.map(\.group), "\(name)")
                #expect(read.tensors.map(\.layerName) == weights.tensors.map(\.layerName), "\(name)")
                for (new, old) in zip(read.tensors, weights.tensors) {
                    #expect(new.tensor.shape == old.tensor.shape && new.tensor.elementType == old.tensor.elementType, "\(name): \(old.path)")
                    #expect(new.tensor.withUnsafeBytes { Array($0) } == old.tensor.withUnsafeBytes { Array($0) }, "\(name): \(old.path)")
                }
            }
        }
        #expect(count > 25)
    }

    /// A write that fails half-way, as on a full disk, leaves what was there and nothing beside it.
    @Test func aFailedWriteKeepsTheOldFile() throws {
        let page = Int(getpagesize())
        let memory = try #require(mmap(nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, 2 * page) }
        #expect(mprotect(memory + page, page, PROT_NONE) == 0)
        try withFolder { folder in
            let path = "\(folder)/m.keras"
            try Data([1, 2, 3]).write(to: URL(filePath: path))
            let failure = ioError { try StagedFile.write([UnsafeRawBufferPointer(start: memory, count: 2 * page)], to: path) }
            #expect(failure == .cannotWrite(path: path, reason: "Bad address"))
            #expect(try Data(contentsOf: URL(filePath: path)) == Data([1, 2, 3]))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.keras"])
        }
    }
}
