import Foundation
import Glibc
import Testing
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Damaged files end as tensors or as typed errors, soon, whatever the damage; and the tensors are what the damaged bytes say.
@Suite(.serialized) struct FuzzTests {
    /// `read`, or the name of the error's case.
    private func outcome(_ what: String, _ body: () throws -> Int) -> String {
        do {
            let elements = try body()
            #expect(elements < 1 << 26, "\(what)")
            return "read"
        } catch let error as TensorIOError {
            #expect(error.description.hasSuffix("."), "\(what): \(error)")
            return Mirror(reflecting: error).children.first?.label ?? "\(error)"
        } catch {
            Issue.record("\(what): \(error)")
            return "other"
        }
    }

    // MARK: Arrays

    /// Half of the inputs have another header of the right grammar, so that the damage is in types, orders and shapes and the data are
    /// reached; the others are damaged anywhere.
    private func damagedArray(_ samples: [[UInt8]], _ random: inout SeededRandom) -> [UInt8] {
        let sample = samples[random.integer(0...samples.count - 1)]
        guard random.integer(0...1) == 0, let end = sample.firstIndex(of: 10) else { return Fuzzing.damaged(sample, &random) }
        var data = Array(sample[(end + 1)...])
        for _ in 0..<random.integer(0...3) where !data.isEmpty {
            let place = random.integer(0...data.count - 1)
            switch random.integer(0...9) {
            case 0: data.remove(at: place)
            case 1: data += data[place...]
            default: data[place] ^= 1 << UInt8(random.integer(0...7))
            }
        }
        let types = ["<f2", ">f2", "<f4", ">f4", "=f8", ">f8", "|i1", "<i2", ">i4", "<i8", "|u1", ">u2", "<u4", ">u8", "|b1", "<c8", "|O", "<U1", "<f3"]
        let type = types[random.integer(0...types.count - 1)]
        let width = type.last?.wholeNumberValue ?? 1
        // Extents whose product is what the data hold, most of the time.
        var (extents, left) = ([Int](), data.count / width)
        for divisor in [2, 3, 5, 7, 2, 3] where left > 0 && left % divisor == 0 && random.integer(0...1) == 0 {
            extents.append(divisor)
            left /= divisor
        }
        extents.insert(left, at: random.integer(0...extents.count))
        if random.integer(0...7) == 0 { extents[random.integer(0...extents.count - 1)] = [0, 1, 1 << 31, 1 << 62][random.integer(0...3)] }
        let shape = extents.count == 1 ? "\(extents[0])," : extents.map(String.init).joined(separator: ", ")
        let dict = "{'descr': '\(type)', 'fortran_order': \(random.integer(0...1) == 0 ? "True" : "False"), 'shape': (\(shape)), }\n"
        return TensorIOTests.npy(dict, version: UInt8(random.integer(1...3)), data: data)
    }

    /// Errors of the zip or of the header, before the data of any array.
    private func share(reaching result: Fuzzing.Outcome) -> Double { result.share(of: "read") + result.share(of: "npyDataLength") }

    @Test func npy() throws {
        let samples = try fixtures(in: "npy").map { try fixtureBytes("npy/\($0)") }
        let result = Fuzzing("npy", count: 4000).run { damagedArray(samples, &$0) } body: { index, bytes in
            outcome("case \(index)") {
                let tensor = try NPY.decode(bytes, name: "n")
                #expect(ArrayByHand(bytes)?.isEqual(to: tensor) == true, "case \(index): \(tensor.shape)")
                return tensor.elementCount
            }
        }
        #expect(result.share(of: "read") >= 0.2 && result.counts.count >= 5, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// Archives damaged as they are: what is read in spite of that is what was put in, as the checksums promise.
    @Test func npzWithBrokenChecksums() throws {
        let samples = try ["npz/stored.npz", "npz/deflated.npz"].map(fixtureBytes)
        let sound = try samples.flatMap { sample in try NPZFile(bytes: sample).tensors().map { NPY.encode($0.tensor) } }
        let result = Fuzzing("npz", count: 2000).run(samples) { index, bytes in
            outcome("case \(index)") {
                try NPZFile(bytes: bytes).tensors().map { name, tensor in
                    #expect(sound.contains(NPY.encode(tensor)), "case \(index): \(name)")
                    return tensor.elementCount
                }.reduce(0, +)
            }
        }
        #expect(result["read"] > 0 && result.counts.count >= 4, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// The members are damaged and zipped again with true checksums, so the array reader sees them.
    @Test func npzWithTrueChecksums() throws {
        let members = try ["stored", "deflated"].flatMap { name in
            let archive = try ZipArchive(path: fixture("npz/\(name).npz"))
            return try archive.members.map { try archive.read($0.name) }
        }
        let result = try Fuzzing("npz-inner", count: 2000).run { damagedArray(members, &$0) } body: { index, bytes in
            let archive = try ZipArchive.encode([("a.npy", bytes)])
            return outcome("case \(index)") {
                let tensor = try NPZFile(bytes: archive).tensor("a")
                #expect(ArrayByHand(bytes)?.isEqual(to: tensor) == true, "case \(index): \(tensor.shape)")
                return tensor.elementCount
            }
        }
        #expect(share(reaching: result) >= 0.2 && result["zipMember"] == 0 && result["notZip"] == 0, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    /// The header is damaged as text, so that most of it stays a header, or the file anywhere.
    @Test func safetensors() throws {
        let (wide, brain) = (try Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6] as [Double]), try Tensor(shape: [4], [1, 2, 3, 4]).cast(to: .bfloat16))
        let sample = try SafetensorsFile.encode([("up/kernel", wide), ("up/bias", brain), ("none", Tensor(zeros: [0, 2])), ("s", Tensor(shape: [], [9]))])
        let end = 8 + Int(sample[0]) + Int(sample[1]) << 8
        let result = Fuzzing("safetensors", count: 4000).run { random in
            if random.integer(0...2) == 0 { return Fuzzing.damaged(sample, &random) }
            let header = Fuzzing.alteredJSON(Array(sample[8..<end]), &random, numbersOnly: random.integer(0...1) == 0)
            return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) } + header + sample[end...]
        } body: { index, bytes in
            outcome("case \(index)") {
                let tensors = try SafetensorsFile(bytes: bytes, name: "w").tensors()
                // They fill the end of the file, one after the other.
                let data = tensors.flatMap { $0.tensor.withUnsafeBytes { Array($0) } }
                #expect(bytes.suffix(data.count).elementsEqual(data), "case \(index)")
                return tensors.map(\.tensor.elementCount).reduce(0, +)
            }
        }
        #expect(result.share(of: "read") >= 0.01 && result.counts.count >= 3, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    // MARK: HDF5

    /// Whether the values of a tensor stand in the file one after another, in some type of number.
    private func stands(_ tensor: Tensor, in file: [UInt8]) -> Bool {
        if tensor.elementCount == 0 { return true }
        let count = file.count
        func holds(_ bytes: [UInt8]) -> Bool {
            file.withUnsafeBytes { file in
                bytes.withUnsafeBytes { bytes in
                    guard let file = file.baseAddress, let start = bytes.baseAddress, bytes.count <= count else { return false }
                    return (0...count - bytes.count).contains { memcmp(file + $0, start, bytes.count) == 0 }
                }
            }
        }
        func bothOrders<T: FixedWidthInteger>(_ values: [T]) -> Bool {
            holds(values.withUnsafeBytes { Array($0) }) || holds(values.map(\.byteSwapped).withUnsafeBytes { Array($0) })
        }
        let values = tensor.doubles
        if tensor.elementType == .float64 { return bothOrders(values.map(\.bitPattern)) }
        if bothOrders(tensor.floats.map(\.bitPattern)) { return true }
        func halves() -> [UInt16] { tensor.floats.map { HalfPrecision.float16($0) } }
        func integers<T: FixedWidthInteger>(_ type: T.Type) -> Bool {
            let exact = values.compactMap { T(exactly: $0) }
            return exact.count == values.count && bothOrders(exact)
        }
        return bothOrders(halves()) || integers(Int8.self) || integers(UInt8.self) || integers(Int16.self) || integers(UInt16.self)
            || integers(Int32.self) || integers(UInt32.self) || integers(Int64.self) || integers(UInt64.self)
    }

    /// Every tensor stands in the file, and no two in one place: together they have no more bytes than the file.
    private func check(_ weights: KerasWeights, _ bytes: [UInt8], _ index: Int) -> Int {
        for weight in weights.tensors { #expect(stands(weight.tensor, in: bytes), "case \(index): \(weight.path) \(weight.tensor.shape)") }
        let elements = weights.tensors.map(\.tensor.elementCount).reduce(0, +)
        #expect(elements <= bytes.count, "case \(index)")
        return elements
    }

    /// Weights that Keras saved, damaged, under true checksums of the zip.
    @Test func keras() throws {
        let archives = try ["model.keras", "functional.keras", "tfkeras2.keras"].map { try ZipArchive(path: fixture("keras/\($0)")) }
        let weights = try archives.map { try $0.read("model.weights.h5") }
        let config = try archives[0].read("config.json")
        let result = try Fuzzing("keras", count: 3000).run(weights) { index, bytes in
            let archive = try ZipArchive.encode([("config.json", config), ("model.weights.h5", bytes)])
            return outcome("case \(index)") { check(try KerasArchive(bytes: archive, name: "k").weights, bytes, index) }
        }
        // The weight reader is behind the zip and the signature of HDF5.
        let reached = 1 - result.share(of: "notHDF5") - result.share(of: "notZip") - result.share(of: "zipMember")
        #expect(reached >= 0.2, "\(result.counts)")
        #expect(result.share(of: "read") >= 0.2, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }

    @Test func legacyHDF5() throws {
        let samples = try ["keras/model.h5", "keras/keras224.h5", "keras/tfkeras2_weights_legacy.h5", "hdf5/split.h5"].map(fixtureBytes)
        let result = Fuzzing("h5", count: 3000).run(samples) { index, bytes in
            outcome("case \(index)") {
                let weights = try KerasWeights(image: bytes, name: "h")
                return check(weights, bytes, index) + (weights.config?.count ?? 0)
            }
        }
        #expect(result.share(of: "read") >= 0.2, "\(result.counts)")
        #expect(result.slowest.seconds < 5, "\(result.slowest)")
    }
}
