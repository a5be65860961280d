import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// By which formula the errors of a kernel's sums are bounded. The kernel's family decides, as its schedule names it: a plugin states
/// neither a tolerance nor a formula, and what a layer asks for (its policy) says nothing about how a kernel sums.
package enum ErrorFormula {
    /// Products added in any order: `ErrorBound`. Also for families that this version does not know, as no bound is narrower.
    case plainSums
    /// Sums of transformed products, bounded as the family's transforms say.
    case rearranged(any RearrangedSumsBound)

    package init(_ kernel: any Kernel) {
        let family = kernel.schedule.prefix { $0 != "," }
        // A kernel that promises direct sums is held to them, whatever it calls itself.
        guard kernel.spec.policy == .fast, let bound = Self.families[String(family)] else {
            self = .plainSums
            return
        }
        self = .rearranged(bound(kernel.spec))
    }

    /// The families that do more than add products, by the name that their schedules begin with. Minimal filtering has the same transforms
    /// whatever its parameters are, so the problem alone gives its bound.
    private static let families: [String: @Sendable (KernelSpec) -> any RearrangedSumsBound] = [
        MinimalFiltering.label: { MinimalFilteringBound($0) }
    ]
}

/// How far results of a family may be from the exact ones that adds up something else than products of inputs and weights. The error of a
/// result is at most `gamma_chain` times its magnitude.
package protocol RearrangedSumsBound: Sendable {
    /// Roundings that one result passes through.
    var chain: Int { get }
    /// Most by which the family's stages enlarge small integers on their way to one result, all channels together.
    var integerGrowth: Int { get }

    /// What the error of one result is proportional to.
    /// - Parameters:
    ///   - result: its index in the result.
    ///   - input: all inputs of the call.
    ///   - weights: the kernel tensor.
    ///   - bias: nil without one.
    func magnitude(of result: Int, input: [Double], weights: [Double], bias: [Double]?) -> Double
    /// A number that no result's magnitude exceeds, for each filter: quick to compute.
    func largestMagnitudes(input: [Double], weights: [Double], bias: [Double]?) -> [Double]
    /// The filter of a result, by its index.
    func filter(of result: Int) -> Int
}
