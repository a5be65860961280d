/// SplitMix64 (Steele, Lea and Flood 2014): the same sequence for the same seed on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A uniform real in [-1, 1) that is exactly a `Float`: a multiple of 2^-23.
    package mutating func real() -> Double { Double(next() >> 40) / Double(1 << 23) - 1 }

    /// Uniform reals in [-1, 1), each exactly a `Float`.
    package mutating func reals(_ count: Int) -> [Double] { (0..<count).map { _ in real() } }

    /// A uniform integer in the range.
    package mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// Integers in -limit...limit as reals: with a small limit sums of their products are exact in float32.
    package mutating func integers(_ count: Int, limit: Int) -> [Double] {
        (0..<count).map { _ in Double(integer(-limit...limit)) }
    }

    /// One of the elements.
    package mutating func choice<T>(_ elements: [T]) -> T { elements[integer(0...elements.count - 1)] }

    /// True with the given probability.
    package mutating func chance(_ probability: Double) -> Bool { (real() + 1) / 2 < probability }
}
