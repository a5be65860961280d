import VoxLayerSpec
import VoxTensors

extension SafetensorsFile {
    /// What a file of this package says of itself.
    static let ownMetadata = "{\"format\":\"keras\"}"

    /// The bytes of a safetensors file with these tensors. The order in the file does not depend on that of the list: the widest elements first, then
    /// by name, so that each lies at a multiple of the size of its elements. Equal tensors give equal bytes.
    /// - Parameters:
    ///   - tensors: under their names, each once.
    ///   - path: what errors call the file.
    /// - Throws: `TensorIOError.duplicateMember`, `.invalidName`, `.safetensorsTensor` for the one name that the format keeps for itself,
    ///   `.tensor` for lack of memory.
    public static func encode(_ tensors: [(name: String, tensor: Tensor)], name path: String = "the file") throws -> [UInt8] {
        let head = try header(of: tensors, path: path)
        let byteCount = head.ordered.reduce(head.bytes.count) { Checked.clampedSum($0, $1.byteCount) }
        do throws(TensorError) {
            try AvailableMemory.check(byteCount)
        } catch {
            throw TensorIOError.tensor(path: path, error)
        }
        var bytes = head.bytes
        bytes.reserveCapacity(byteCount)
        for tensor in head.ordered { tensor.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// Writes `encode`'s bytes to `path`. The file appears whole or not at all.
    /// - Throws: those of `encode`, `TensorIOError.cannotWrite`.
    public static func write(_ tensors: [(name: String, tensor: Tensor)], to path: String) throws {
        let bytes = try encode(tensors, name: path)
        try bytes.withUnsafeBytes { try StagedFile.write([$0], to: path) }
    }

    /// All that stands before the elements, and the tensors in the order of the file.
    private static func header(of tensors: [(name: String, tensor: Tensor)], path: String) throws(TensorIOError) -> (bytes: [UInt8], ordered: [Tensor]) {
        var seen: Set<String> = []
        for (name, _) in tensors {
            if !(1...1024).contains(name.utf8.count) || name.utf8.contains(0) { throw .invalidName(path: path, name: name) }
            if name == metadataName { throw .safetensorsTensor(path: path, tensor: name, reason: "the format keeps that name for itself") }
            if !seen.insert(name).inserted { throw .duplicateMember(path: path, member: name) }
        }
        let ordered = tensors.sorted { left, right in
            let (wide, narrow) = (left.tensor.elementType.byteCount, right.tensor.elementType.byteCount)
            return wide == narrow ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : wide > narrow
        }
        var offset = 0
        var text = "{\(jsonString(metadataName)):\(ownMetadata)"
        for (name, tensor) in ordered {
            let end = Checked.clampedSum(offset, tensor.byteCount)
            text += ",\(jsonString(name)):{\"dtype\":\"\(typeName(tensor.elementType))\""
            text += ",\"shape\":[\(tensor.shape.map(String.init).joined(separator: ","))],\"data_offsets\":[\(offset),\(end)]}"
            offset = end
        }
        text += "}"
        // With the length before it, a multiple of 8, so that the elements are aligned.
        var header = Array(text.utf8)
        header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
        let length = (0..<prefixByteCount).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) }
        return (length + header, ordered.map(\.tensor))
    }
}
