/// How far apart two arrays are: the worst element, where it is, and its errors. NaN against a number counts as infinite;
/// NaN against NaN and equal infinities count as equal.
public struct Comparison: Hashable, Sendable, CustomStringConvertible {
    /// Index of the worst element in row-major order, nil when the arrays are equal or empty.
    public private(set) var worstIndex: Int?
    /// The worst element as received; 0 when there is none.
    public private(set) var received = 0.0
    /// The worst element as expected; 0 when there is none.
    public private(set) var expected = 0.0
    /// Largest |received - expected|.
    public private(set) var absoluteError = 0.0
    /// That element's error divided by |expected|.
    public private(set) var relativeError = 0.0
    /// That element's error in units of the last place of `expected` as a Float.
    public private(set) var ulpError = 0.0

    /// - Precondition: both hold equally many elements.
    public init(_ received: [Double], expected: [Double]) {
        precondition(received.count == expected.count)
        for index in received.indices {
            let (r, e) = (received[index], expected[index])
            if r == e || (r.isNaN && e.isNaN) { continue }
            let difference = abs(r - e)
            let error = difference.isNaN ? .infinity : difference
            if worstIndex == nil || error > absoluteError {
                worstIndex = index
                self.received = r
                self.expected = e
                absoluteError = error
            }
        }
        guard worstIndex != nil else { return }
        let relative = absoluteError / abs(self.expected)  // NaN when `expected` is itself infinite or NaN
        relativeError = relative.isNaN ? .infinity : relative
        let ulp = Double(Float(abs(self.expected)).ulp)
        let ulps = absoluteError / ulp
        ulpError = ulps.isNaN ? .infinity : ulps
    }

    public var description: String {
        guard let worstIndex else { return "equal" }
        return "worst at \(worstIndex): \(received) instead of \(expected) (absolute \(absoluteError), relative \(relativeError), \(ulpError) ulp)"
    }
}
