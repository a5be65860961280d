import Foundation
import VoxLayerSpec
import VoxTensors

/// What the bytes of an .npy file say, found without the reader: a regular expression for the header, arithmetic for the values.
struct ArrayByHand {
    let shape: [Int]
    let kind: Character
    let byteCount: Int
    private let isBigEndian: Bool
    private let isFortran: Bool
    private let data: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard bytes.count > 12, let end = bytes.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let long = bytes[6] != 1
        let start = (long ? 12 : 10) + (Int(bytes[8]) | Int(bytes[9]) << 8 | (long ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0))
        let header = String(decoding: bytes[(long ? 12 : 10)...end], as: UTF8.self)
        guard let type = header.firstMatch(of: /['"]descr['"]\s*:\s*['"]([<>=|])([fiub])([1248])['"]/),
            let order = header.firstMatch(of: /['"]fortran_order['"]\s*:\s*(True|False)/),
            let extents = header.firstMatch(of: /['"]shape['"]\s*:\s*\(([^)]*)\)/), start <= bytes.count
        else { return nil }
        shape = extents.1.split(separator: ",").map { extent in extent.filter { $0.isNumber } }.filter { !$0.isEmpty }.compactMap { Int($0) }
        isBigEndian = type.1 == ">"
        kind = type.2.first ?? "?"
        byteCount = Int(String(type.3)) ?? 0
        isFortran = order.1 == "True"
        data = Array(bytes[start...])
        guard shape.contains(0) || data.count == shape.reduce(byteCount, *) else { return nil }
    }

    /// One element, by its indices.
    func value(_ indices: [Int]) -> Double {
        var (offset, weight) = (0, 1)
        for axis in isFortran ? Array(shape.indices) : shape.indices.reversed() {
            offset += indices[axis] * weight
            weight *= shape[axis]
        }
        var pattern: UInt64 = 0
        for index in 0..<byteCount {
            pattern |= UInt64(data[offset * byteCount + index]) << UInt64(8 * (isBigEndian ? byteCount - 1 - index : index))
        }
        let signed = Int64(bitPattern: pattern << UInt64(64 - 8 * byteCount)) >> Int64(64 - 8 * byteCount)
        return switch (kind, byteCount) {
        case ("f", 2): Double(HalfPrecision.float(float16: UInt16(pattern)))
        case ("f", 4): Double(Float(bitPattern: UInt32(pattern)))
        case ("f", _): Double(bitPattern: pattern)
        case ("b", _): pattern == 0 ? 0 : 1
        case ("i", _): Double(Float(signed))
        default: Double(Float(pattern))
        }
    }

    /// Whether a tensor has this shape and, at up to 300 of its places, these values.
    func isEqual(to tensor: Tensor) -> Bool {
        guard tensor.shape == shape else { return false }
        let values = tensor.doubles
        for index in stride(from: 0, to: values.count, by: max(1, values.count / 300)) {
            var (rest, indices) = (index, shape)
            for axis in shape.indices.reversed() {
                indices[axis] = rest % shape[axis]
                rest /= shape[axis]
            }
            let expected = value(indices)
            if !(values[index] == expected || values[index].isNaN && expected.isNaN) { return false }
        }
        return true
    }
}
