/// The two 16-bit formats, as bits. NaN stays NaN.
@usableFromInline
package enum HalfPrecision {
    /// The value of an IEEE half.
    @inlinable
    package static func float(float16 bits: UInt16) -> Float {
        let (exponent, fraction) = (UInt32(bits >> 10 & 31), UInt32(bits & 0x3FF))
        let sign = UInt32(bits & 0x8000) << 16
        if exponent == 0 { return Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern) }
        return Float(bitPattern: sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13)
    }

    /// The value of a bfloat16.
    @inlinable
    package static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// The nearest half, ties to even; infinity from 65520 on. In integers, because `Float16` does not exist on every platform.
    @inlinable
    package static func float16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16 & 0x8000)
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 }
        if magnitude >= 0x477F_F000 { return sign | 0x7C00 }
        if magnitude < 0x3880_0000 {
            // Below 2^-14 halves are multiples of 2^-24, as the last places of floats in [1/2, 1) are: the sum rounds to them.
            return sign | UInt16(truncatingIfNeeded: (Float(bitPattern: magnitude) + 0.5).bitPattern - Float(0.5).bitPattern)
        }
        // 13 places less, and an exponent that counts from 15 instead of 127; a carry may reach the exponent.
        return sign | UInt16(truncatingIfNeeded: (magnitude - 0x3800_0000 + 0xFFF + (magnitude >> 13 & 1)) >> 13)
    }

    /// The nearest bfloat16, ties to even.
    @inlinable
    package static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        // Half of the last kept place, less one where that place is even: a tie goes to even. Carries reach infinity.
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
    }

    /// A float that is rounded to the same 16-bit number as `value` itself. Where `value` is no float, it is the one of its two neighbours whose last
    /// place is odd, since such a float never lies in the middle between two 16-bit numbers.
    @inlinable
    package static func roundedToOdd(_ value: Double) -> Float {
        let nearest = Float(value)
        let error = value - Double(nearest)
        if error == 0 || !nearest.isFinite || nearest.bitPattern & 1 == 1 { return nearest }
        return error > 0 ? nearest.nextUp : nearest.nextDown
    }
}
