/// What happens to a finished sum before it is stored: bias, then activation.
public struct Epilogue: Hashable, Sendable {
    /// Whether a value per feature is added.
    public let hasBias: Bool
    /// Applied last; `linear` for none.
    public let activation: Activation

    /// Bias or not, then an activation.
    public init(hasBias: Bool, activation: Activation) {
        self.hasBias = hasBias
        self.activation = activation
    }

    /// The bare sum.
    public static let none = Epilogue(hasBias: false, activation: .linear)

    /// The same bias, no activation: the kernel that is looked for when no kernel has the activation fused.
    public var withoutActivation: Epilogue { Epilogue(hasBias: hasBias, activation: .linear) }
}
