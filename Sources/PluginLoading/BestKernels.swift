import VoxLayerSpec

/// Some kernels that this processor can run, by what they compute, whatever their policy: says which of them no other one makes unnecessary.
package struct BestKernels {
    /// A kernel with the path of its plugin.
    package struct Candidate {
        let descriptor: KernelDescriptor
        let path: String

        package init(_ descriptor: KernelDescriptor, path: String) { (self.descriptor, self.path) = (descriptor, path) }

        /// Whether it answers every lookup that another kernel for the same problem answers. One with policy `direct` serves both policies.
        fileprivate func serves(_ other: KernelDescriptor) -> Bool {
            descriptor.spec.policy == .direct || descriptor.spec.policy == other.spec.policy
        }

        /// Whether it is as good as another kernel for the same problem, and for the same lookups.
        fileprivate func equals(_ other: Candidate) -> Bool {
            descriptor.features == other.descriptor.features && descriptor.spec.policy == other.descriptor.spec.policy
        }
    }

    /// Of equal ones the first, so that a file with thousands of kernels for one problem takes no longer than others.
    private var kernels: [KernelSpec: [Candidate]] = [:]

    package init(_ all: [Candidate]) {
        for kernel in all {
            let problem = Self.problem(of: kernel.descriptor)
            if kernels[problem, default: []].contains(where: kernel.equals) { continue }
            kernels[problem, default: []].append(kernel)
        }
    }

    private static func problem(of kernel: KernelDescriptor) -> KernelSpec { kernel.spec.with(policy: .direct) }

    /// Why a kernel is not registered: a kernel for a more capable processor takes its place in every lookup. (By itself a lookup would prefer a
    /// `fast` kernel in narrow registers to a `direct` one in wide registers.)
    package func surpassing(_ kernel: KernelDescriptor) -> PluginReport.Reason? {
        let rivals = (kernels[Self.problem(of: kernel)] ?? []).filter { $0.descriptor.surpasses(kernel) && $0.serves(kernel) }
        guard let best = rivals.first(where: { rival in !rivals.contains { $0.descriptor.surpasses(rival.descriptor) } }) else { return nil }
        return .surpassed(by: best.descriptor.name, path: best.path, target: best.descriptor.target)
    }

    /// Whether one of these computes the problem of a kernel that cannot be run.
    package func replaces(_ kernel: KernelDescriptor) -> Bool { kernels[Self.problem(of: kernel)] != nil }
}
