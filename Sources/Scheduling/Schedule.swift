import VoxLayerSpec

/// How one problem is computed on one target: everything that code is generated from.
public struct Schedule: Hashable, Sendable {
    /// The problem the kernel solves. Its policy is that of the family. Where kernels cannot apply the layer's activation, it is linear here,
    /// and the caller applies the activation after the kernel.
    public let spec: KernelSpec
    /// The machine it is for.
    public let target: Target
    /// The family's parameters, with everything resolved.
    public let family: any ResolvedFamily

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    public init(spec: KernelSpec, target: Target, decision: Decision) throws(SchedulingError) {
        let parameters = decision.parameters
        family = try parameters.resolved(spec, target)
        let epilogue = spec.epilogue.activation.isFused(in: spec.elements.storage) ? spec.epilogue : spec.epilogue.withoutActivation
        self.spec = spec.with(epilogue: epilogue, policy: type(of: parameters).policy)
        self.target = target
    }

    /// The parameters it was made from.
    public var decision: Decision { Decision(family.parameters) }
    /// Canonical text of the family and its parameters.
    public var text: String { family.parameters.text }
    /// Kernels with equal packing keys share packed weights.
    public var packingKey: String { family.packingKey }
    /// Bytes of the packed weights, a multiple of 64.
    public var packedByteCount: Int { family.packedByteCount }
    /// Bytes of workspace of one thread.
    public var workspaceByteCount: Int { family.workspaceByteCount }
    /// How a call is cut into work items.
    public var workItems: WorkItems { family.workItems }

    /// The part of a core's peak, two multiply-adds of whole vectors a cycle, that one thread is expected to reach: the useful operations of a
    /// sample over those of its expected cycles. Operations that a family saves count as done, so it may exceed 1.
    package var expectedShareOfPeak: Double {
        let perCycle = 2 * MultiplyUnit(target, spec.elements).lanes
        return Double(spec.geometry.multiplyAddCount) / (family.expectedCycles * Double(perCycle))
    }

    /// Expected cycles until the last of `threads` threads has finished its part of one sample.
    func expectedCycles(threads: Int) -> Double { family.expectedCycles * largestShare(threads: threads) }

    /// The part of a sample's work that falls to the thread with the most of it, if all items take equally long; 1 for one thread.
    func largestShare(threads: Int) -> Double {
        let items = workItems.count(batch: 1)
        return Double(items.ceilingDivision(by: max(1, threads))) / Double(max(1, items))
    }

    public static func == (a: Schedule, b: Schedule) -> Bool {
        a.spec == b.spec && a.target == b.target && AnyHashable(a.family) == AnyHashable(b.family)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(spec)
        hasher.combine(target)
        hasher.combine(AnyHashable(family))
    }
}
