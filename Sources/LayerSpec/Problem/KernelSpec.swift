/// The resolved problem a kernel is specialised for. Names, initializers and the batch are not part of it.
public struct KernelSpec: Hashable, Sendable {
    /// Which operation on the relation is computed.
    public let op: KernelOp
    /// The numbers of the relation.
    public let geometry: Geometry
    /// Where channels and filters stand in x and y.
    public let layout: Layout
    /// Types in memory, of products and of sums.
    public let elements: ElementTypes
    /// What happens to each sum.
    public let epilogue: Epilogue
    /// Which rearrangements of the sums are allowed.
    public let policy: Policy

    /// A problem. Any combination is legal; the interpreter computes it where it takes the element types (`ElementTypes`).
    public init(
        op: KernelOp = .transposedConvolution, geometry: Geometry, layout: Layout = .channelsLast, elements: ElementTypes = .float32,
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

    /// Who reads what.
    public var gather: Gather { Gather(geometry, op) }

    /// Shape of the tensor the kernel reads, for a batch: x for `transposedConvolution` and `kernelGradient`, y for `convolution`.
    public func inputShape(batch: Int) -> [Int] {
        switch op {
        case .transposedConvolution, .kernelGradient: geometry.inputShape(batch: batch, layout: layout)
        case .convolution: geometry.outputShape(batch: batch, layout: layout)
        }
    }

    /// Shape of the second operand: the kernel tensor, or y for `kernelGradient`.
    public func operandShape(batch: Int) -> [Int] {
        switch op {
        case .transposedConvolution, .convolution: geometry.kernelShape
        case .kernelGradient: geometry.outputShape(batch: batch, layout: layout)
        }
    }

    /// Shape of the result: y, x or w.
    public func outputShape(batch: Int) -> [Int] {
        switch op {
        case .transposedConvolution: geometry.outputShape(batch: batch, layout: layout)
        case .convolution: geometry.inputShape(batch: batch, layout: layout)
        case .kernelGradient: geometry.kernelShape
        }
    }

    /// Length of the bias vector: one value per feature of the result. That of `kernelGradient` has its features along the last axis of w.
    public var biasCount: Int {
        switch op {
        case .transposedConvolution: geometry.filters
        case .convolution, .kernelGradient: geometry.channels
        }
    }

    /// Most products of a sample that are added into one result: the n of the error bound gamma_n * sum |x||w|.
    public var longestChain: Int {
        switch op {
        case .transposedConvolution, .convolution: gather.longestChain
        case .kernelGradient: geometry.axes.reduce(1) { $0 * $1.mostPairsOfATap }
        }
    }
}
