import LayerSpec

/// Parameters of one kernel family: what a tuning run decides and a tunings file stores.
public enum Decision: Hashable, Sendable {
    case filterLanes(FilterLanes)
    case minimalFiltering(MinimalFiltering)
    case batchRows(BatchRows)

    /// Canonical text, equal for equal decisions.
    public var text: String {
        switch self {
        case .filterLanes(let parameters): parameters.text
        case .minimalFiltering(let parameters): parameters.text
        case .batchRows(let parameters): parameters.text
        }
    }
}

/// An object with one member, named after the family, that holds the family's parameters.
extension Decision: Codable {
    private enum Family: String, CodingKey, CaseIterable {
        case filterLanes, minimalFiltering, batchRows
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Family.self)
        guard values.allKeys.count == 1, let family = values.allKeys.first else {
            let names = Family.allCases.map(\.stringValue).joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected one kernel family of \(names)"))
        }
        switch family {
        case .filterLanes: self = .filterLanes(try values.decode(FilterLanes.self, forKey: family))
        case .minimalFiltering: self = .minimalFiltering(try values.decode(MinimalFiltering.self, forKey: family))
        case .batchRows: self = .batchRows(try values.decode(BatchRows.self, forKey: family))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Family.self)
        switch self {
        case .filterLanes(let parameters): try values.encode(parameters, forKey: .filterLanes)
        case .minimalFiltering(let parameters): try values.encode(parameters, forKey: .minimalFiltering)
        case .batchRows(let parameters): try values.encode(parameters, forKey: .batchRows)
        }
    }
}

/// How one problem is computed on one target: everything that code is generated from.
public struct Schedule: Hashable, Sendable {
    /// A kernel family with everything resolved.
    public enum Family: Hashable, Sendable {
        case filterLanes(FilterLanesSchedule)
        case minimalFiltering(MinimalFilteringSchedule)
        case batchRows(BatchRowsSchedule)
    }

    /// The problem the kernel solves; its policy is what the family delivers, and its activation is pointwise.
    public let spec: KernelSpec
    /// The machine it is for.
    public let target: Target
    /// The family and its resolved parameters.
    public let family: Family

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    public init(spec: KernelSpec, target: Target, decision: Decision) throws(SchedulingError) {
        let epilogue = spec.epilogue.activation.isPointwise ? spec.epilogue : spec.epilogue.withoutActivation
        self.target = target
        switch decision {
        case .filterLanes(let parameters):
            family = .filterLanes(try FilterLanesSchedule(spec, target, parameters))
            self.spec = spec.with(epilogue: epilogue, policy: .direct)
        case .minimalFiltering(let parameters):
            family = .minimalFiltering(try MinimalFilteringSchedule(spec, target, parameters))
            self.spec = spec.with(epilogue: epilogue, policy: .fast)
        case .batchRows(let parameters):
            family = .batchRows(try BatchRowsSchedule(spec, target, parameters))
            self.spec = spec.with(epilogue: epilogue, policy: .direct)
        }
    }

    /// The parameters it was made from.
    public var decision: Decision {
        switch family {
        case .filterLanes(let resolved): .filterLanes(resolved.parameters)
        case .minimalFiltering(let resolved): .minimalFiltering(resolved.parameters)
        case .batchRows(let resolved): .batchRows(resolved.parameters)
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

    /// The resolved batch-rows schedule; nil for another family.
    public var batchRows: BatchRowsSchedule? {
        if case .batchRows(let resolved) = family { resolved } else { nil }
    }

    /// Canonical text of the family and its parameters.
    public var text: String {
        switch family {
        case .filterLanes(let schedule): schedule.parameters.text
        case .minimalFiltering(let schedule): schedule.parameters.text
        case .batchRows(let schedule): schedule.parameters.text
        }
    }

    /// Kernels with equal packing keys share packed weights.
    public var packingKey: String {
        switch family {
        case .filterLanes(let schedule): schedule.packingKey
        case .minimalFiltering(let schedule): schedule.packingKey
        case .batchRows(let schedule): schedule.packingKey
        }
    }

    /// Bytes of the packed weights, a multiple of 64.
    public var packedByteCount: Int {
        switch family {
        case .filterLanes(let schedule): schedule.packedLayout.byteCount
        case .minimalFiltering(let schedule): schedule.packedByteCount
        case .batchRows(let schedule): schedule.packedByteCount
        }
    }

    /// Bytes of workspace of one thread.
    public var workspaceByteCount: Int {
        switch family {
        case .filterLanes(let schedule): schedule.workspaceByteCount
        case .batchRows: 0
        case .minimalFiltering(let schedule): schedule.workspaceByteCount
        }
    }

    /// How a call is cut into work items.
    public var workItems: WorkItems {
        switch family {
        case .filterLanes(let schedule): schedule.workItems
        case .minimalFiltering(let schedule): schedule.workItems
        case .batchRows(let schedule): schedule.workItems
        }
    }
}
