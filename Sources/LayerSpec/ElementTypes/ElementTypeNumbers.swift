// Which numbers an element type has: those of IEEE 754 with so many significant bits and such exponents.

extension ElementType {
    /// Bits of a number's significand, the leading one included.
    package var significandBits: Int {
        switch self {
        case .float32: 24
        case .float64: 53
        case .float16: 11
        case .bfloat16: 8
        }
    }

    /// The exponent of the least number with all its significant bits. The largest exponent is 1 less its negative.
    private var leastExponent: Int {
        switch self {
        case .float32, .bfloat16: -126
        case .float64: -1022
        case .float16: -14
        }
    }

    /// Half the distance from 1 to the next number.
    package var unitRoundoff: Double { Self.powerOfTwo(-significandBits) }
    /// The least positive number with all its significant bits.
    package var leastNormal: Double { Self.powerOfTwo(leastExponent) }
    /// The least positive number.
    package var leastNonzero: Double { Self.powerOfTwo(leastExponent - significandBits + 1) }
    /// The largest number that is not infinite.
    package var greatestFinite: Double { (2 - 2 * unitRoundoff) * Self.powerOfTwo(1 - leastExponent) }

    /// The number of the type that is nearest to another one, ties to even; infinity beyond the type's range. NaN stays NaN.
    /// - Parameter value: any number.
    package func nearest(_ value: Double) -> Double {
        if !value.isFinite { return value }
        // The distance between the type's numbers around the value. It is a power of two, so that quotient and product are exact.
        let distance = Self.powerOfTwo(max(Int(value.exponent), leastExponent) - significandBits + 1)
        let nearest = (value / distance).rounded(.toNearestOrEven) * distance
        return abs(nearest) <= greatestFinite ? nearest : value < 0 ? -.infinity : .infinity
    }

    /// The shortest decimal number that reads back as the same number of the type that kernels compute in.
    /// - Parameter value: the number; one that the type lacks is rounded first.
    package func text(_ value: Double) -> String {
        switch arithmetic {
        case .float64: "\(value)"
        default: "\(Float(value))"
        }
    }

    private static func powerOfTwo(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
}
