import CVoxSHA256

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
///
/// The C behind it is a few dozen lines, since the well-kept library for this, swift-crypto, compiles all of BoringSSL: 377 of the 386 steps in
/// which an application that links only the runtime was built.
package struct SHA256 {
    /// Bytes of a digest: 32.
    package static let byteCount = VS_SHA256_BYTES

    private var hash = vs_sha256()

    package init() { vs_sha256_begin(&hash) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        vs_sha256_add(&hash, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest of all bytes so far; more may follow.
    package func digest() -> [UInt8] {
        var hash = hash
        return [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
            vs_sha256_end(&hash, buffer.baseAddress)
            count = Self.byteCount
        }
    }

    package static func digest(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.digest()
    }
}

/// Two digits a byte, lower case.
package func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
