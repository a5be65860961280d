/// The resolved problem a kernel is specialised for. Names, initializers and the batch are not part of it.
public struct KernelSpec: Hashable, Sendable {
    /// Which sum over the relation is computed.
    public let op: KernelOp
    /// The numbers of the relation.
    public let geometry: Geometry
    /// Where channels and filters stand in x and y.
    public let layout: Layout
    /// Types of storage and arithmetic.
    public let elements: ElementTypes
    /// What happens to each sum.
    public let epilogue: Epilogue
    /// Which rearrangements of the sums are allowed.
    public let policy: Policy

    /// A problem; any combination is legal, and the interpreter computes it.
    public init(
        op: KernelOp = .forward, geometry: Geometry, layout: Layout = .channelsLast, elements: ElementTypes = .float32,
        epilogue: Epilogue = .none, policy: Policy = .fast
    ) {
        self.op = op
        self.geometry = geometry
        self.layout = layout
        self.elements = elements
        self.epilogue = epilogue
        self.policy = policy
    }

    /// The same problem with another epilogue or policy.
    public func with(epilogue: Epilogue? = nil, policy: Policy? = nil) -> KernelSpec {
        KernelSpec(
            op: op, geometry: geometry, layout: layout, elements: elements, epilogue: epilogue ?? self.epilogue,
            policy: policy ?? self.policy)
    }

    /// The name of this problem; equal specs have equal keys.
    public var key: SpecKey { SpecKey(self) }

    /// Shape of the tensor the kernel reads, for a batch: x for `forward` and `filterGradient`, dy for `inputGradient`.
    public func inputShape(batch: Int) -> [Int] {
        op == .inputGradient ? geometry.outputShape(batch: batch, layout: layout) : geometry.inputShape(batch: batch, layout: layout)
    }

    /// Shape of the second operand: the kernel tensor, or dy for `filterGradient`.
    public func operandShape(batch: Int) -> [Int] {
        op == .filterGradient ? geometry.outputShape(batch: batch, layout: layout) : geometry.kernelShape
    }

    /// Shape of the result: y, dx or dw.
    public func outputShape(batch: Int) -> [Int] {
        switch op {
        case .forward: geometry.outputShape(batch: batch, layout: layout)
        case .inputGradient: geometry.inputShape(batch: batch, layout: layout)
        case .filterGradient: geometry.kernelShape
        }
    }

    /// Length of the bias vector: one value per feature of the result (filters, channels; for dw its last axis).
    public var biasCount: Int { op == .forward ? geometry.filters : geometry.channels }
}
