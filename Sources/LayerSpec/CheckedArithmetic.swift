/// 64-bit products that throw instead of trapping. Every size that comes from a config passes through here.
enum Checked {
    static func product(_ factors: [Int], _ what: String) throws(SpecError) -> Int {
        var result = 1
        // A zero factor makes the product zero even where another part of it would overflow.
        if factors.contains(0) { return 0 }
        for factor in factors {
            let (value, overflow) = result.multipliedReportingOverflow(by: factor)
            if overflow { throw .tooLarge(what, factors) }
            result = value
        }
        return result
    }
}
