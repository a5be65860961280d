/// Items cut into contiguous ranges of nearly equal length.
package enum EqualShares {
    /// One of the ranges; the first `items % shares` of them have one item more.
    /// - Parameters:
    ///   - share: the number of the range, from 0.
    ///   - shares: how many ranges there are, at least 1.
    ///   - items: how many items are cut.
    @inlinable package static func range(of share: Int, among shares: Int, items: Int) -> Range<Int> {
        let (length, rest) = items.quotientAndRemainder(dividingBy: shares)
        let begin = share * length + min(share, rest)
        return begin..<begin + length + (share < rest ? 1 : 0)
    }
}
