import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// The formula that bounds the errors of a kernel's sums. It follows from the family that the kernel's schedule names. A plugin cannot state a
/// tolerance or a formula of its own, and a layer's policy says only what the layer accepts, not how a kernel sums.
package enum ErrorFormula {
    /// Products added in any order: `ErrorBound`. Families that this version does not know get it too, since no other bound is narrower.
    case plainSums
    /// Sums of transformed products.
    case minimalFiltering(MinimalFilteringBound)

    package init(_ kernel: any Kernel) {
        let family = kernel.schedule.prefix { $0 != "," }
        // A kernel whose key says `direct` is held to plain sums, whatever family its schedule names.
        guard kernel.spec.policy == .fast, let formula = Self.families[String(family)] else {
            self = .plainSums
            return
        }
        self = formula(kernel.spec)
    }

    /// The families that do more than add products, by the name that their schedules begin with. Minimal filtering has the same transforms
    /// whatever its parameters are, so the problem alone gives its bound.
    private static let families: [String: @Sendable (KernelSpec) -> ErrorFormula] = [
        MinimalFiltering.label: { .minimalFiltering(MinimalFilteringBound($0)) }
    ]
}
