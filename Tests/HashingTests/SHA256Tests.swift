import Testing
import VoxHashing
import VoxTensors

@Suite struct SHA256Tests {
    /// FIPS 180-4's examples, as the standard's pages of test vectors print them.
    @Test func theStandardsExamples() {
        let cases: [(message: String, digest: String)] = [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ]
        for (message, digest) in cases {
            #expect(hexadecimalText(SHA256.digest(of: message.utf8)) == digest, "\(message.count) characters")
        }
    }

    /// Every length around a block's and two blocks' end, against an implementation that shares no code with it; in one piece and in
    /// pieces of every size.
    @Test func agreesWithASecondImplementationAtEveryLengthAndInEveryPiece() {
        var random = SeededRandom(seed: 180)
        for length in 0...200 {
            let message = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let expected = textbookSHA256(message)
            #expect(SHA256.digest(of: message) == expected, "\(length) bytes")
            let piece = 1 + length % 67
            var hash = SHA256()
            for start in stride(from: 0, to: length, by: piece) { hash.update(message[start..<min(start + piece, length)]) }
            #expect(hash.digest() == expected, "\(length) bytes in pieces of \(piece)")
            #expect(hash.digest() == expected, "asking does not change what is asked for")
        }
    }
}

/// SHA-256 by the book, its constants computed from the primes they are made of.
private func textbookSHA256(_ message: [UInt8]) -> [UInt8] {
    let primes = (2...311).filter { n in !(2..<n).contains { n % $0 == 0 } }
    /// 32 bits of the fractional part of the root of order `order`, by bisection in integers: the largest r with r^order <= p * 2^(32 order).
    func fraction(_ p: Int, _ order: Int) -> UInt32 {
        var low: UInt64 = 0
        var high: UInt64 = 1 << 37
        while high - low > 1 {
            let middle = (low + high) / 2
            if order == 2 ? isAtMost(square: middle, p) : isAtMost(cube: middle, p) { low = middle } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }
    func isAtMost(square r: UInt64, _ p: Int) -> Bool {
        UInt128(r) * UInt128(r) <= UInt128(p) << 64
    }
    func isAtMost(cube r: UInt64, _ p: Int) -> Bool {
        UInt128(r) * UInt128(r) * UInt128(r) <= UInt128(p) << 96
    }
    let constants = primes.prefix(64).map { fraction($0, 3) }
    var state = primes.prefix(8).map { fraction($0, 2) }

    var padded = message + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) { padded.append(UInt8(truncatingIfNeeded: (message.count * 8) >> shift)) }

    func turned(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
    for block in stride(from: 0, to: padded.count, by: 64) {
        var w = (0..<16).map { i in (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(padded[block + 4 * i + $1]) } }
        for t in 16..<64 {
            let x = w[t - 15]
            let y = w[t - 2]
            let sigma0 = turned(x, 7) ^ turned(x, 18) ^ x >> 3
            let sigma1 = turned(y, 17) ^ turned(y, 19) ^ y >> 10
            w.append(w[t - 16] &+ sigma0 &+ w[t - 7] &+ sigma1)
        }
        var v = state
        for t in 0..<64 {
            let chosen = (v[4] & v[5]) ^ (~v[4] & v[6])
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            let sum1 = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25)
            let sum0 = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22)
            let first = v[7] &+ sum1 &+ chosen &+ constants[t] &+ w[t]
            v = [first &+ sum0 &+ majority, v[0], v[1], v[2], v[3] &+ first, v[4], v[5], v[6]]
        }
        state = zip(state, v).map { $0 &+ $1 }
    }
    return state.flatMap { word in stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
}
