/// The three operations on the relation `o = i * stride + t * dilation - crop`. The name says what is summed, never which layer needs it:
/// `init(_:_:)` says which layer and pass needs which operation.
public enum KernelOp: String, CaseIterable, Hashable, Sendable {
    /// y[o] = sum over (i, t) of x[i] w[t].
    case transposedConvolution
    /// x[i] = sum over (o, t) of y[o] w[t]: a convolution with the stride as its step.
    case convolution
    /// w[t] = sum over (i, o) of x[i] y[o]: a correlation of two tensors over the pairs that each tap connects.
    case kernelGradient

    /// The operation of a pass through a layer.
    public init(_ kind: LayerKind, _ pass: Pass) {
        self = switch (kind, pass) {
        case (.transposed, .forward), (.ordinary, .inputGradient): .transposedConvolution
        case (.ordinary, .forward), (.transposed, .inputGradient): .convolution
        case (_, .kernelGradient): .kernelGradient
        }
    }

    /// Whether it reads sources with the weights of the kernel tensor, as `Gather` describes: true of both convolutions.
    public var isGather: Bool {
        switch self {
        case .transposedConvolution, .convolution: true
        case .kernelGradient: false
        }
    }

    /// What is computed along each axis, in a sentence for people.
    package var meaning: String {
        switch self {
        case .transposedConvolution: "A transposed convolution: input i and tap t add to output i * stride + t * dilation - crop along each axis."
        case .convolution: "A convolution: result i reads, with tap t, place i * stride + t * dilation - crop along each axis."
        case .kernelGradient: "The gradient of a kernel: tap t adds up the products of places i and i * stride + t * dilation - crop along each axis."
        }
    }

    /// The number of this operation in a kernel's descriptor: `VS_OP_...` of the C header.
    package var number: UInt32 {
        switch self {
        case .transposedConvolution: 0
        case .convolution: 1
        case .kernelGradient: 2
        }
    }

    /// The operation in the names of kernels.
    package var token: String {
        switch self {
        case .transposedConvolution: "tconv"
        case .convolution: "conv"
        case .kernelGradient: "kgrad"
        }
    }
}

/// The two kinds of convolution layers. Both are described by the relation; they differ in which side of it they read.
public enum LayerKind: Hashable, Sendable {
    /// `Conv3DTranspose`: reads the positions i and results in the positions o.
    case transposed
    /// `Conv3D`: reads the positions o and results in the positions i.
    case ordinary
}

/// What is computed of a layer.
public enum Pass: CaseIterable, Hashable, Sendable {
    /// The layer's output from its input.
    case forward
    /// The gradient with respect to the input, from that of the output.
    case inputGradient
    /// The gradient with respect to the kernel, from the input and the gradient of the output. For an ordinary layer, y of the relation is the
    /// layer's input, and x the gradient of its output.
    case kernelGradient
}

/// Which rearrangements of the sums a kernel may use.
public enum Policy: String, CaseIterable, Hashable, Sendable {
    /// Each output is one sum over taps and channels.
    case direct
    /// May rearrange algebraically (minimal filtering). Errors are bounded by the magnitudes in a result's neighbourhood, not by its
    /// own, for inputs and weights up to FLT_MAX / 8 (`Documentation/kernel-families.md`).
    case fast
}
