/// Products and sums that do not trap. Every size that comes from outside (shapes, strides, batches, counts, options) passes through here.
package enum Checked {
    /// The product, nil when it leaves 64 bits. A zero factor makes it zero, even where another part of it would overflow.
    package static func product(_ factors: some Sequence<Int>) -> Int? {
        var result = 1
        var isInRange = true
        for factor in factors {
            if factor == 0 { return 0 }
            let (value, overflow) = result.multipliedReportingOverflow(by: factor)
            if overflow { isInRange = false }
            result = value
        }
        return isInRange ? result : nil
    }

    /// - Throws: `SpecError.tooLarge` with `what` when the product leaves 64 bits.
    package static func product(_ factors: [Int], _ what: String) throws(SpecError) -> Int {
        guard let product = product(factors) else { throw .tooLarge(what, factors) }
        return product
    }

    /// The product, or `Int.max` where it is beyond 64 bits: for amounts that are compared with what is available. Factors are 0 or more.
    package static func clampedProduct(_ factors: Int...) -> Int { product(factors) ?? .max }

    /// Number of elements of a shape, or `Int.max` where it is beyond 64 bits.
    package static func clampedCount(_ shape: some Sequence<Int>) -> Int { product(shape) ?? .max }

    /// Seconds as a duration: 0 for NaN and negative numbers, some thirty years at most. (`Duration.seconds` traps for large ones.)
    package static func duration(seconds: Double) -> Duration {
        seconds > 0 ? .seconds(min(seconds, 1e9)) : .zero
    }

    /// The sum, or `Int.max` where it is beyond 64 bits. Terms are 0 or more.
    package static func clampedSum(_ terms: Int...) -> Int {
        terms.reduce(0) { sum, term in
            let (value, overflow) = sum.addingReportingOverflow(term)
            return overflow ? .max : value
        }
    }
}
