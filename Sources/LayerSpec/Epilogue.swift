/// What happens to a finished sum before it is stored: bias, then activation.
public struct Epilogue: Hashable, Sendable {
    public let hasBias: Bool
    public let activation: Activation

    public init(hasBias: Bool, activation: Activation) {
        self.hasBias = hasBias
        self.activation = activation
    }

    public static let none = Epilogue(hasBias: false, activation: .linear)

    /// The same bias, no activation: the kernel that is looked for when no kernel has the activation fused.
    public var withoutActivation: Epilogue { Epilogue(hasBias: hasBias, activation: .linear) }
}
