import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors

/// By which formula the errors of a kernel's sums are bounded. The kernel's family decides, as its schedule names it: a plugin states
/// neither a tolerance nor a formula, and what a layer asks for (its policy) says nothing about how a kernel sums.
package enum ErrorFormula {
    /// Products added in any order: `ErrorBound`. Also for families that this version does not know, as no bound is narrower.
    case plainSums
    /// Sums of transformed products.
    case minimalFiltering(MinimalFilteringBound)

    package init(_ kernel: any Kernel) {
        let family = kernel.schedule.prefix { $0 != "," }
        // A kernel that promises direct sums is held to them, whatever it calls itself.
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
