import VoxLayerSpec

/// The classical bound of a rounded sum (Higham, Accuracy and Stability of Numerical Algorithms, chapter 3): a sum of n
/// products in any order differs from the exact one by at most gamma_n * sum |x||w|.
package enum ErrorBound {
    /// gamma_n = n * u / (1 - n * u), u being the type's unit roundoff.
    package static func gamma(_ n: Int, _ type: ElementType) -> Double {
        let nu = Double(n) * type.unitRoundoff
        precondition(nu < 1, "the bound does not exist for a chain of \(n)")
        return nu / (1 - nu)
    }

    /// The largest error of each sum: gamma_n times its magnitude, with a floor for sums near the smallest normal number.
    /// - Parameter chain: additions and multiplications one result passes through, bias included.
    package static func bounds(chain: Int, type: ElementType, magnitudes: [Double]) -> [Double] {
        let factor = gamma(chain, type)
        return magnitudes.map { factor * $0 + type.leastNormal }
    }

    /// The first element that lies outside its bound, NaN included; nil when all are inside.
    package static func firstViolation(received: [Double], expected: [Double], bounds: [Double]) -> String? {
        precondition(received.count == expected.count && received.count == bounds.count)
        for index in received.indices where !(abs(received[index] - expected[index]) <= bounds[index]) {
            return "element \(index) is \(received[index]) instead of \(expected[index]), bound \(bounds[index])"
        }
        return nil
    }
}
