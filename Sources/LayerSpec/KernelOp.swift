/// The three operations that read the relation `o = i * stride + t * dilation - crop`.
public enum KernelOp: String, CaseIterable, Hashable, Sendable {
    /// y[o] = sum over (i, t) of x[i] w[t]: transposed convolution.
    case forward
    /// dx[i] = sum over (o, t) of dy[o] w[t]: strided convolution, also the forward pass of a `Conv3D` layer.
    case inputGradient
    /// dw[t] = sum over (i, o) of x[i] dy[o].
    case filterGradient
}

/// Which rearrangements of the sums a kernel may use.
public enum Policy: String, CaseIterable, Hashable, Sendable {
    /// Each output is one sum over taps and channels.
    case direct
    /// May rearrange algebraically (minimal filtering). Errors are bounded by the magnitudes in a result's neighbourhood, not by its
    /// own, for inputs and weights up to FLT_MAX / 8 (`Documentation/kernel-families.md`).
    case fast
}
