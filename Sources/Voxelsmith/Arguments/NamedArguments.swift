import VoxKerasConfig
import VoxLayerSpec

// Layers take names as Keras does: a Swift type and `String` conform to each protocol below, so that `padding: "same"` and `padding: .same` are
// the same call. The initializer of the layer resolves names, and throws for unknown ones.

/// What `padding` may be: `.valid`, `.same`, their names in any case of letters, or the `padding` of another layer.
public protocol PaddingArgument: Sendable {
    /// - Returns: the rule, with the output padding where the argument states it.
    /// - Throws: `KerasConfigError.padding` for another name, and for rules that are not Keras's.
    func resolvedPadding() throws(KerasConfigError) -> (padding: KerasPadding, outputPadding: [Int]?)
}

/// What `dataFormat` may be: `.channelsFirst`, `.channelsLast`, or their Keras names.
public protocol LayoutArgument: Sendable {
    /// - Throws: `KerasConfigError.dataFormat` for another name.
    func resolvedLayout() throws(KerasConfigError) -> Layout
}

/// What `dtype` may be: a policy, an element type, or the Keras name of one.
public protocol DTypeArgument: Sendable {
    /// - Throws: `KerasConfigError.elementType` for another name.
    func resolvedDType() throws(KerasConfigError) -> DTypePolicy
}

extension DTypeArgument {
    /// The type of one tensor.
    /// - Throws: `ArgumentError.value` for a policy of two types, and as `resolvedDType()`.
    func resolvedElementType() throws -> ElementType {
        let policy = try resolvedDType()
        if policy.variableType != policy.computeType {
            throw ArgumentError.value(
                argument: "dtype", received: "\"\(policy.rawValue)\"",
                expected: "the type of one tensor: \(ElementType.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return policy.variableType
    }
}

/// What `activation` may be: an `Activation`, a `TensorActivation`, or the name of one of either, Keras's or registered.
public protocol ActivationArgument: Sendable {
    /// - Returns: what is fused into kernels, and what the layer applies after its kernel.
    /// - Throws: `KerasConfigError.activation` for another name, and what the maker of a registered one throws.
    func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?)
}

/// A name of Keras's. What `.same`, `.channelsFirst` and `.gelu` stand for in the arguments of a layer.
public struct KerasName: Sendable {
    let text: String
    init(_ text: String) { self.text = text }
}

extension String: PaddingArgument, LayoutArgument, DTypeArgument, ActivationArgument, InitializerArgument, RegularizerArgument,
    ConstraintArgument
{
    /// "valid" or "same".
    public func resolvedPadding() throws(KerasConfigError) -> (padding: KerasPadding, outputPadding: [Int]?) {
        (try KerasRules.padding(named: self), nil)
    }

    /// "channels_last" or "channels_first".
    public func resolvedLayout() throws(KerasConfigError) -> Layout { try KerasRules.layout(named: self) }

    /// "float32", "mixed_float16" and their like.
    public func resolvedDType() throws(KerasConfigError) -> DTypePolicy {
        guard let policy = try DTypePolicy(json: .string(self)) else { throw .elementType(self) }
        return policy
    }

    /// A registered activation of that name, else Keras's.
    public func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) {
        if let own = try CustomObjects.shared.activation(.string(self)) { return (.linear, own) }
        return (try ActivationNames.activation(named: self), nil)
    }

    /// A registered initializer of that name, else Keras's.
    public func resolvedInitializer() throws -> any Initializer {
        try resolved(CustomObjects.shared.initializer(.string(self)), "initializer")
    }

    /// A registered regularizer of that name, else Keras's.
    public func resolvedRegularizer() throws -> any Regularizer {
        try resolved(CustomObjects.shared.regularizer(.string(self)), "regularizer")
    }

    /// A registered constraint of that name, else Keras's.
    public func resolvedConstraint() throws -> any Constraint {
        try resolved(CustomObjects.shared.constraint(.string(self)), "constraint")
    }

    private func resolved<Object>(_ object: Object?, _ kind: String) throws(ArgumentError) -> Object {
        guard let object else { throw .unknownObject(kind: kind, received: self, expected: ["an object", "its name"]) }
        return object
    }
}

extension KerasPadding: PaddingArgument {
    /// Itself.
    public func resolvedPadding() throws(KerasConfigError) -> (padding: KerasPadding, outputPadding: [Int]?) { (self, nil) }
}

extension PaddingRule: PaddingArgument {
    /// Keras's two rules.
    public func resolvedPadding() throws(KerasConfigError) -> (padding: KerasPadding, outputPadding: [Int]?) {
        switch self {
        case .valid(let outputPadding): (.valid, outputPadding)
        case .same(let outputPadding): (.same, outputPadding)
        case .explicit, .sameUpper, .sameLower, .outputShape: throw .padding("\(self)")
        }
    }
}

extension KerasName: PaddingArgument, LayoutArgument {
    /// As its text.
    public func resolvedPadding() throws(KerasConfigError) -> (padding: KerasPadding, outputPadding: [Int]?) { try text.resolvedPadding() }
    /// As its text.
    public func resolvedLayout() throws(KerasConfigError) -> Layout { try text.resolvedLayout() }
}

extension PaddingArgument where Self == KerasName {
    /// No output is cropped.
    public static var valid: KerasName { KerasName(KerasPadding.valid.rawValue) }
    /// The input's length times the stride.
    public static var same: KerasName { KerasName(KerasPadding.same.rawValue) }
}

extension Layout: LayoutArgument {
    /// Itself.
    public func resolvedLayout() throws(KerasConfigError) -> Layout { self }
}

extension LayoutArgument where Self == KerasName {
    /// (batch, depth, height, width, channels)
    public static var channelsLast: KerasName { KerasName(Layout.channelsLast.rawValue) }
    /// (batch, channels, depth, height, width)
    public static var channelsFirst: KerasName { KerasName(Layout.channelsFirst.rawValue) }
}

extension DTypePolicy: DTypeArgument {
    /// Itself.
    public func resolvedDType() throws(KerasConfigError) -> DTypePolicy { self }
}

extension ElementType: DTypeArgument {
    /// The policy of that type alone.
    public func resolvedDType() throws(KerasConfigError) -> DTypePolicy { DTypePolicy(self) }
}

// Swift looks here for what stands behind the dot of an argument, so each element type has a line.
extension DTypeArgument where Self == DTypePolicy {
    /// Variables and arithmetic in float32.
    public static var float32: DTypePolicy { DTypePolicy(.float32) }
    /// Variables and arithmetic in float64.
    public static var float64: DTypePolicy { DTypePolicy(.float64) }
    /// Variables and results in float16.
    public static var float16: DTypePolicy { DTypePolicy(.float16) }
    /// Variables and results in bfloat16.
    public static var bfloat16: DTypePolicy { DTypePolicy(.bfloat16) }
    /// Variables in float32, results in float16.
    public static var mixedFloat16: DTypePolicy { DTypePolicy(mixed: .float16) }
    /// Variables in float32, results in bfloat16.
    public static var mixedBfloat16: DTypePolicy { DTypePolicy(mixed: .bfloat16) }
}
