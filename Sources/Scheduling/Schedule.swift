import LayerSpec

/// Parameters of one kernel family: what a tuning run decides and a tunings file stores.
public enum Decision: Hashable, Sendable {
    case filterLanes(FilterLanes)
    case minimalFiltering(MinimalFiltering)

    /// Canonical text, equal for equal decisions.
    public var text: String {
        switch self {
        case .filterLanes(let parameters): parameters.text
        case .minimalFiltering(let parameters): parameters.text
        }
    }
}

/// How one problem is computed on one target: everything that code is generated from.
public struct Schedule: Hashable, Sendable {
    /// A kernel family with everything resolved.
    public enum Family: Hashable, Sendable {
        case filterLanes(FilterLanesSchedule)
        case minimalFiltering(MinimalFilteringSchedule)
    }

    /// The problem the kernel solves; its policy is what the family delivers, and its activation one that kernels apply (else
    /// linear: the caller's activation follows the kernel).
    public let spec: KernelSpec
    /// The machine it is for.
    public let target: Target
    /// The family and its resolved parameters.
    public let family: Family

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    public init(spec: KernelSpec, target: Target, decision: Decision) throws(SchedulingError) {
        let epilogue = spec.epilogue.activation.isFused(in: spec.elements.storage) ? spec.epilogue : spec.epilogue.withoutActivation
        self.target = target
        switch decision {
        case .filterLanes(let parameters):
            family = .filterLanes(try FilterLanesSchedule(spec, target, parameters))
            self.spec = spec.with(epilogue: epilogue, policy: .direct)
        case .minimalFiltering(let parameters):
            family = .minimalFiltering(try MinimalFilteringSchedule(spec, target, parameters))
            self.spec = spec.with(epilogue: epilogue, policy: .fast)
        }
    }

    /// The resolved filter-lanes schedule; nil for another family.
    public var filterLanes: FilterLanesSchedule? {
        if case .filterLanes(let resolved) = family { resolved } else { nil }
    }

    /// The resolved minimal-filtering schedule; nil for another family.
    public var minimalFiltering: MinimalFilteringSchedule? {
        if case .minimalFiltering(let resolved) = family { resolved } else { nil }
    }

    /// Canonical text of the family and its parameters.
    public var text: String {
        switch family {
        case .filterLanes(let schedule): schedule.parameters.text
        case .minimalFiltering(let schedule): schedule.parameters.text
        }
    }

    /// Kernels with equal packing keys share packed weights.
    public var packingKey: String {
        switch family {
        case .filterLanes(let schedule): schedule.packingKey
        case .minimalFiltering(let schedule): schedule.packingKey
        }
    }

    /// Bytes of the packed weights, a multiple of 64.
    public var packedByteCount: Int {
        switch family {
        case .filterLanes(let schedule): schedule.packedLayout.byteCount
        case .minimalFiltering(let schedule): schedule.packedByteCount
        }
    }

    /// Bytes of workspace of one thread.
    public var workspaceByteCount: Int {
        switch family {
        case .filterLanes: 0
        case .minimalFiltering(let schedule): schedule.workspaceByteCount
        }
    }

    /// Work items of one batch element.
    public var itemsPerSample: Int {
        switch family {
        case .filterLanes(let schedule): schedule.itemsPerSample
        case .minimalFiltering(let schedule): schedule.itemsPerSample
        }
    }
}
