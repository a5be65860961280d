import VoxHashing
import VoxKernelEmission

/// SHA-256 over texts and bytes, each preceded by its length, so that no two lists of them look the same.
struct FieldDigest {
    private var hash = SHA256()

    mutating func add(_ bytes: some Collection<UInt8>) {
        withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update($0) }
        hash.update(bytes)
    }

    mutating func add(_ text: String) { add(text.utf8) }

    mutating func add(_ texts: [String]) {
        add(String(texts.count))
        for text in texts { add(text) }
    }

    /// 64 hexadecimal digits.
    func hexadecimal() -> String { hexadecimalText(hash.digest()) }
}

/// The end of every plugin file: the SHA-256 of all bytes before it.
public enum PluginTrailer {
    /// Bytes of the digest: 32.
    public static let byteCount = SHA256.byteCount

    package static func appended(to bytes: [UInt8]) -> [UInt8] { bytes + SHA256.digest(of: bytes) }

    /// Whether the last `byteCount` bytes are the digest of the others.
    public static func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.count > byteCount && SHA256.digest(of: bytes.dropLast(byteCount)).elementsEqual(bytes.suffix(byteCount))
    }
}

/// SHA-256 of a template's text in 64 hexadecimal digits, as `PluginSource` puts it into descriptors.
/// - Parameter fileName: a `KernelUnit.templateFile`; the empty text stands in for any other name.
public func templateDigest(_ fileName: String) -> String {
    hexadecimalText(SHA256.digest(of: (KernelUnit.templateText(fileName) ?? "").utf8))
}

/// SHA-256, in 64 hexadecimal digits, of everything that kernels are rendered from: the templates and headers. What was measured with
/// others need not hold.
public let generatorDigest: String = {
    var digest = FieldDigest()
    digest.add(KernelUnit.templateTexts)
    return digest.hexadecimal()
}()
