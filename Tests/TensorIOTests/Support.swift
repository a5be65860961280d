import Foundation
import VoxTensorIO
import VoxTensors
import _TestSupport

/// The path of a file among the fixtures.
func fixture(_ name: String) -> String { Fixture.file(name) }

func fixtureBytes(_ name: String) throws -> [UInt8] {
    try Array(Fixture.data(fixture(name)))
}

/// The names of the files of a fixture folder, sorted.
func fixtures(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: fixture(folder)).sorted()
}

/// Runs `body` with a fresh folder, removed afterwards.
func withFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appending(path: "voxelsmith-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.path)
}

/// The bytes of an .npy file with this dict and data.
func npy(_ dict: String, version: UInt8 = 1, data: [UInt8] = []) -> [UInt8] {
    let count = dict.utf8.count
    let length: [UInt8] = (0..<(version == 1 ? 2 : 4)).map { UInt8(count >> ($0 * 8) & 255) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(dict.utf8) + data
}

/// The error `body` throws, nil when it throws none or one of another type.
func ioError(_ body: () throws -> Void) -> TensorIOError? {
    do { try body() } catch { return error as? TensorIOError }
    return nil
}

extension Tensor {
    var elementCount: Int { shape.contains(0) ? 0 : shape.reduce(1, *) }
}
