import Foundation
import Synchronization
import Testing
import VoxLayerSpec
import VoxTensorIO
import VoxTensors

@Suite struct HDF5Tests {
    private let ramp = (0..<24).map { Double($0 - 3) }

    @Test func numbersOfEveryType() throws {
        for file in [
            try HDF5File(path: fixture("hdf5/types.h5"), structure: .any), try HDF5File(image: fixtureBytes("hdf5/types.h5"), name: "types", structure: .any),
        ] {
            #expect(try file.members(of: "numbers") == ["f2", "f4", "f4_big", "f8", "f8_big", "i1", "i4", "i8_big"])
            for name in try file.members(of: "/numbers/") {
                let tensor = try file.tensor("numbers/\(name)")
                #expect(tensor.shape == [2, 3, 4] && tensor.doubles == ramp, "\(name)")
                #expect(tensor.elementType == (name.hasPrefix("f8") ? .float64 : .float32), "\(name)")
                #expect(try file.shape(of: "/numbers/\(name)") == [2, 3, 4], "\(name)")
            }
            #expect(try file.tensor("scalar").shape == [])
            #expect(try file.tensor("scalar").floats == [2.5])
            #expect(try file.tensor("empty").shape == [2, 0])
            #expect(try file.tensor("packed").floats == [Float](repeating: 0, count: 1 << 18))
        }
    }

    @Test func whatIsNoTensor() throws {
        let path = fixture("hdf5/types.h5")
        let file = try HDF5File(path: path, structure: .any)
        #expect(ioError { _ = try file.tensor("text") } == .hdf5Type(path: path, object: "text", received: "strings", expected: "numbers"))
        #expect(ioError { _ = try file.tensor("opaque") } == .hdf5Type(path: path, object: "opaque", received: "opaque data of 2 bytes",
            expected: "numbers, or opaque data of 2 bytes whose attribute dtype is bfloat16"))
        #expect(ioError { _ = try file.tensor("null") } == .hdf5Structure(path: path, object: "null", reason: "it has no shape"))
        let size = try fixtureBytes("hdf5/types.h5").count
        #expect(ioError { _ = try file.tensor("declared") } == .tooLarge(path: path, object: "declared", size: 1 << 38, limit: size * 1032))
        for missing in ["none", "numbers", "numbers/f4/deeper", "none/none", "", "soft", "dangling", "outside", "a\0b", "./scalar"] {
            #expect(
                ioError { _ = try file.tensor(missing) } == .missingObject(path: path, object: missing, expected: "a dataset of that path"), "\(missing)")
        }
        #expect(ioError { _ = try file.members(of: "scalar") } == .missingObject(path: path, object: "scalar", expected: "a group of that path"))
    }

    @Test func kindsAndOrder() throws {
        let file = try HDF5File(path: fixture("hdf5/types.h5"), structure: .any)
        for (object, kind) in [("/", HDF5File.Kind.group), ("numbers", .group), ("scalar", .dataset), ("none", nil), ("outside", nil)] {
            #expect(file.kind(of: object) == kind, "\(object)")
        }
        #expect(try file.datasets(below: "layers") == (0..<12).map { "layers/conv_\($0)/vars/0" }, "numbers are ordered by value")
        guard case .hdf5Structure? = ioError({ _ = try file.datasets() }) else {
            Issue.record("a cycle of groups was walked to its end")
            return
        }
    }

    /// The library is not made for threads; calls from many of them come one after another.
    @Test func manyThreadsReadAtOnce() throws {
        let names = ["keras/model.h5", "keras/keras224.h5", "keras/model.weights.h5", "keras/tfkeras2_weights_legacy.h5"]
        let images = try names.map(fixtureBytes)
        let expected = try zip(names, images).map { try KerasWeights(image: $1, name: $0).tensors.map(\.tensor.floats) }
        let shared = try HDF5File(path: fixture(names[2]))
        let datasets = try shared.datasets()
        let wrong = Mutex<[String]>([])
        DispatchQueue.concurrentPerform(iterations: 32) { thread in
            for round in 0..<12 {
                let index = (thread + round) % names.count
                do {
                    // Files of their own, and one that all have open.
                    let read = try KerasWeights(image: images[index], name: names[index]).tensors.map(\.tensor.floats)
                    let other = try datasets.map { try shared.tensor($0).elementCount }
                    if read != expected[index] || other.contains(0) { wrong.withLock { $0.append("\(names[index]) in thread \(thread)") } }
                } catch {
                    wrong.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(wrong.withLock { $0 } == [])
    }

    /// Groups that hold each other, twice: 3^64 ways to go 64 deep.
    @Test func aWalkOverCyclesEnds() throws {
        let path = fixture("hdf5/cycles.h5")
        guard case .hdf5Structure? = ioError({ _ = try HDF5File(path: path).datasets() }) else {
            Issue.record("the checker let cycles pass")
            return
        }
        let file = try HDF5File(path: path, structure: .any)
        #expect(try file.members(of: "g1") == ["to0", "to1", "to2"])
        let start = ContinuousClock.now
        guard case .hdf5Structure? = ioError({ _ = try file.datasets() }) else {
            Issue.record("cycles were walked to their end")
            return
        }
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func attributes() throws {
        let path = fixture("hdf5/types.h5")
        let file = try HDF5File(path: path, structure: .any)
        let owner = "attributes"
        #expect(try file.string("variable", of: owner) == "größe")
        #expect(try file.string("ascii", of: owner) == "plain")
        #expect(try file.string("space padded", of: owner) == "ab")
        #expect(try file.strings("variable list", of: owner) == ["one", "", "three"])
        #expect(try file.strings("fixed list", of: owner) == ["one", "", "three"])
        #expect(try file.strings("no strings", of: owner) == [])
        #expect(try file.strings("none", of: owner) == nil)
        #expect(try file.integers("shape", of: owner) == [2, 3, 4])
        #expect(try file.integers("shape32", of: owner) == [2, -3])
        #expect(try file.integers("none", of: owner) == nil)
        #expect(
            ioError { _ = try file.string("float", of: owner) } == .hdf5Type(path: path, object: "attributes@float", received: "floats", expected: "strings"))
        #expect(ioError { _ = try file.integers("float", of: owner) } == .hdf5Type(path: path, object: "attributes@float", received: "floats",
            expected: "integers"))
        #expect(
            ioError { _ = try file.string("fixed list", of: owner) }
                == .hdf5Type(path: path, object: "attributes@fixed list", received: "3 strings", expected: "one string"))
        #expect(ioError { _ = try file.strings("a", of: "none") } == .missingObject(path: path, object: "none", expected: "an object of that path"))
    }

    @Test func junk() throws {
        let bytes = try fixtureBytes("keras/model.weights.h5")
        for (what, junk) in [("nothing", []), ("zeros", [UInt8](repeating: 0, count: 4096)), ("a signature", Array(bytes.prefix(8)))] {
            #expect(ioError { _ = try HDF5File(image: junk, name: "junk") } == .notHDF5(path: "junk"), "\(what)")
        }
        let half = bytes.count / 2
        #expect(
            ioError { _ = try HDF5File(image: Array(bytes.prefix(half)), name: "half") }
                == .hdf5Structure(path: "half", object: "its superblock", reason: "the file has \(half) bytes; expected \(bytes.count)"))
        #expect(ioError { _ = try HDF5File(path: fixture("npy/scalar.npy")) } == .notHDF5(path: fixture("npy/scalar.npy")))
        #expect(ioError { _ = try HDF5File(path: "/nonexistent.h5") } == .cannotOpen(path: "/nonexistent.h5", reason: "No such file or directory"))
        #expect(ioError { _ = try HDF5File(path: "/tmp") } == .cannotOpen(path: "/tmp", reason: "Is a directory"))
    }

    /// The library takes two images of one name for one file.
    @Test func imagesOfOneNameAreTwoFiles() throws {
        let first = try HDF5File(image: fixtureBytes("hdf5/split.h5"), name: "same")
        let second = try HDF5File(image: fixtureBytes("keras/model.weights.h5"), name: "same")
        #expect(try first.strings("layer_names0")?.first == "b")
        #expect(second.kind(of: "layers") == .group && first.kind(of: "layers") == nil)
    }

    @Test func manyTasksAtOnce() async throws {
        let path = fixture("keras/model.weights.h5")
        let shared = try HDF5File(path: path)
        try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<20 { _ = try HDF5File(path: path).datasets() }
                    return try shared.tensor("layers/conv3d_transpose_2/vars/1").floats
                }
            }
            for try await values in group { #expect(values == [-0.2872552]) }
        }
    }

    /// HDF5 has no bfloat16: h5py writes opaque data, Keras adds an attribute, and newer libraries have a float of that layout.
    @Test func bfloat16() throws {
        let file = try HDF5File(path: fixture("hdf5/bfloat16.h5"))
        let tensor = try file.tensor("told")
        #expect(tensor.elementType == .bfloat16 && tensor.shape == [2, 3])
        // The last one as bfloat16 rounds it.
        let expected = [1, -2.5, 3.140625, 0, .infinity, Double(Float(bitPattern: 0x0001_0000))]
        #expect(tensor.doubles == expected)
        for order in ["little", "big"] {
            let floats = try file.tensor("float \(order)")
            #expect(floats.elementType == .float32 && floats.doubles == expected, "\(order)")
        }
        for (dataset, size) in [("bare", 2), ("other", 2), ("number", 2), ("single", 1)] {
            let error = ioError { _ = try file.tensor(dataset) }
            #expect(
                error == .hdf5Type(
                    path: file.path, object: dataset, received: "opaque data of \(size) bytes",
                    expected: "numbers, or opaque data of 2 bytes whose attribute dtype is bfloat16"))
        }
    }
}
