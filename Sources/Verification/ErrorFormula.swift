import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// The formula that bounds the errors of a kernel's sums. It follows from the family that the kernel's schedule names. A plugin cannot state a
/// tolerance or a formula of its own, and a layer's policy says only what the layer accepts, not how a kernel sums.
package enum ErrorFormula {
    /// Products added in any order: `ErrorBound`. Families that this version does not know get it too, since no other bound is narrower.
    case plainSums
    /// Sums of transformed products, bounded as the family's transforms say.
    case rearranged(any RearrangedSumsBound)

    package init(_ kernel: any Kernel) { self.init(kernel.spec, schedule: kernel.schedule) }

    /// - Parameters:
    ///   - spec: what a kernel computes.
    ///   - schedule: the text of its schedule.
    package init(_ spec: KernelSpec, schedule: String) {
        let family = schedule.prefix { $0 != "," }
        // A kernel whose key says `direct` is held to plain sums, whatever family its schedule names; so is one for a problem that the family does not take.
        guard spec.policy == .fast, let bound = Self.families[String(family)]?(spec) else {
            self = .plainSums
            return
        }
        self = .rearranged(bound)
    }

    /// Most by which a kernel's stages enlarge small integers on their way to one result, all channels together.
    package func integerGrowth(_ spec: KernelSpec) -> Int {
        switch self {
        case .plainSums: spec.longestChain
        case .rearranged(let bound): bound.integerGrowth
        }
    }

    /// The families that do more than add products, by the name that their schedules begin with. Minimal filtering has the same transforms
    /// whatever its parameters are, so the problem alone gives its bound. Nil for a problem that the family does not take.
    private static let families: [String: @Sendable (KernelSpec) -> (any RearrangedSumsBound)?] = [
        MinimalFiltering.label: { MinimalFiltering.reasonAgainst($0) == nil ? MinimalFilteringBound($0) : nil }
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
