/// A convolution layer, transposed unless `kind` says otherwise, as its user describes it, before the input's extents are known.
///
/// Built from Keras JSON or ONNX-style attributes by KerasConfig, or by the layers `Conv3DTranspose` and `Conv3D` themselves.
public struct LayerConfig: Hashable, Sendable {
    /// Transposed or ordinary.
    public let kind: LayerKind
    /// The layer's name; not part of any key.
    public let name: String
    /// Features of the output.
    public let filters: Int
    /// Taps per spatial axis (depth, height, width).
    public let kernelSize: [Int]
    /// Outputs between neighbouring inputs, per axis; inputs between neighbouring outputs for an ordinary convolution.
    public let strides: [Int]
    /// Distance of neighbouring taps, per axis.
    public let dilationRate: [Int]
    /// How crop and output lengths follow from an input shape.
    public let padding: PaddingRule
    /// Independent parts of channels and filters; 1 for a transposed layer of Keras.
    public let groups: Int
    /// Keras's `data_format`.
    public let layout: Layout
    /// Applied to the sum, after the bias.
    public let activation: Activation
    /// Whether there is a bias of `filters` values.
    public let useBias: Bool
    /// Type the kernels compute in; 16-bit types, which are for storage only, stand for float32.
    public let elementType: ElementType

    /// - Throws: `SpecError` when a list has not one value per axis, a number is out of range, or an ordinary convolution has another
    ///   padding than Keras's valid and same without output padding.
    public init(
        kind: LayerKind = .transposed, name: String, filters: Int, kernelSize: [Int], strides: [Int] = [1, 1, 1], dilationRate: [Int] = [1, 1, 1],
        padding: PaddingRule = .valid(outputPadding: nil), groups: Int = 1, layout: Layout = .channelsLast,
        activation: Activation = .linear, useBias: Bool = true, elementType: ElementType = .float32
    ) throws(SpecError) {
        if filters < 1 { throw .tooSmall("number of filters", filters, minimum: 1) }
        if kind == .ordinary { try padding.checkOrdinary() }
        let rank = kernelSize.count
        if rank == 0 { throw .wrongCount("kernel size", kernelSize, expected: 3) }
        for (what, values) in [("strides", strides), ("dilation rate", dilationRate)] + padding.perAxisLists
        where values.count != rank {
            throw .wrongCount(what, values, expected: rank)
        }
        for (what, values) in [("kernel size", kernelSize), ("strides", strides), ("dilation rate", dilationRate)] {
            for value in values where value < 1 { throw .tooSmall(what, value, minimum: 1) }
        }
        if groups < 1 { throw .tooSmall("number of groups", groups, minimum: 1) }
        try activation.checkParameters(in: elementType)
        self.kind = kind
        self.name = name
        self.filters = filters
        self.kernelSize = kernelSize
        self.strides = strides
        self.dilationRate = dilationRate
        self.padding = padding
        self.groups = groups
        self.layout = layout
        self.activation = activation
        self.useBias = useBias
        self.elementType = elementType.arithmetic
    }

    /// Resolves the layer for one input shape.
    /// - Parameter inputShape: (batch, spatial..., channels) or (batch, channels, spatial...) as `layout` says; the batch
    ///   extent is ignored.
    public func geometry(inputShape: [Int]) throws(SpecError) -> Geometry {
        let rank = kernelSize.count + 2
        if inputShape.count != rank { throw .wrongCount("input shape", inputShape, expected: rank) }
        let spatial = layout.spatial(of: inputShape)
        var axes: [AxisGeometry] = []
        for axis in spatial.indices {
            axes.append(try axisGeometry(axis, input: spatial[axis]))
        }
        // The relation of an ordinary convolution is read backwards: its result is the x of the relation.
        let channels = inputShape[layout.channelAxis(rank: rank)]
        let (x, y) = kind == .transposed ? (channels, filters) : (filters, channels)
        return try Geometry(axes: axes, channels: x, filters: y, groups: groups)
    }

    /// The relation of one axis for the extent of the layer's input.
    func axisGeometry(_ axis: Int, input: Int) throws(SpecError) -> AxisGeometry {
        let (kernel, stride, dilation) = (kernelSize[axis], strides[axis], dilationRate[axis])
        return kind == .transposed
            ? try padding.resolve(axis: axis, input: input, kernel: kernel, stride: stride, dilation: dilation)
            : try padding.resolveOrdinary(axis: axis, input: input, kernel: kernel, stride: stride, dilation: dilation)
    }

    /// The resolved problem whose kernel computes a pass through this layer on inputs of the given shape; an activation that needs the whole
    /// result is left to the layer.
    /// - Parameters:
    ///   - inputShape: of the layer's input, with the batch extent, whose value does not matter.
    ///   - pass: what is computed. Only the forward pass has the layer's bias and activation.
    ///   - policy: which kernels may answer: rearranged ones too (`fast`), or plain sums only.
    /// - Throws: `SpecError` when the layer cannot take such inputs.
    public func spec(inputShape: [Int], pass: Pass = .forward, policy: Policy = .fast) throws(SpecError) -> KernelSpec {
        let epilogue = Epilogue(hasBias: useBias, activation: activation.needsWholeResult ? .linear : activation)
        return KernelSpec(
            op: KernelOp(kind, pass), geometry: try geometry(inputShape: inputShape), layout: layout, elements: ElementTypes(elementType),
            epilogue: pass == .forward ? epilogue : .none, policy: policy)
    }

    /// The same layer with another epilogue.
    /// - Throws: `SpecError` for an activation whose parameters the element type lacks.
    package func with(useBias: Bool? = nil, activation: Activation? = nil) throws(SpecError) -> LayerConfig {
        try LayerConfig(
            kind: kind, name: name, filters: filters, kernelSize: kernelSize, strides: strides, dilationRate: dilationRate, padding: padding,
            groups: groups, layout: layout, activation: activation ?? self.activation, useBias: useBias ?? self.useBias, elementType: elementType)
    }
}
