import VoxLayerSpec

/// The calls of a network as far as they decide what may be computed together. A model's config and the layers that are made of it both have
/// one, so that the kernels that a build makes are those that the plan of the network asks for.
package struct NetworkOutline: Sendable {
    package enum Kind: Hashable, Sendable {
        /// A convolution that is computed by its kernel and nothing else, for an input of this shape; nil where an extent is unknown.
        case convolution(LayerConfig, inputShape: [Int?])
        /// A batch normalization along one axis.
        case normalization(axis: Int)
        /// A layer that is one loop over its elements, which may apply an activation to each.
        case loop
        /// An activation; the linear one is a layer that does nothing at inference.
        case activation(Activation)
        /// Whatever is not touched.
        case other

        /// Of a layer that follows a rule.
        package init(_ rule: (any LayerRule)?) {
            switch rule {
            case let rule as BatchNormalizationRule: self = .normalization(axis: rule.axis)
            case let rule as OperationRule:
                switch rule.function {
                case .activation: self = rule.plainActivation.map { .activation($0) } ?? .other
                case .elements, .clip, .concatenation, .stack: self = .loop
                case .reduction, .movement: self = .other
                }
            case is LayerNormalizationRule, is GroupNormalizationRule, is UnitNormalizationRule, is MergeRule, is ConcatenateRule, is RescalingRule:
                self = .loop
            default: self = .other
            }
        }
    }

    package struct Call: Hashable, Sendable {
        package let kind: Kind
        /// Of its results, which its inputs are cast to; nil where that is not known.
        package let type: ElementType?
        /// The numbers of tensors.
        package let inputs: [Int]
        package let results: [Int]
    }

    /// Each behind those it needs.
    package private(set) var calls: [Call] = []
    /// The tensors that the network returns.
    package var outputs: [Int] = []
    /// Of each tensor; nil for an input, whose type its caller decides.
    private var types: [ElementType?] = []

    package init() {}

    package var tensorCount: Int { types.count }

    package func type(of tensor: Int) -> ElementType? { types[tensor] }

    /// A tensor that no call makes.
    package mutating func addInput() -> Int {
        types.append(nil)
        return types.count - 1
    }

    /// - Returns: the numbers of its results.
    @discardableResult
    package mutating func add(_ kind: Kind, type: ElementType?, inputs: [Int], resultCount: Int = 1) -> [Int] {
        let results = Array(types.count..<types.count + resultCount)
        types += Array(repeating: type, count: resultCount)
        calls.append(Call(kind: kind, type: type, inputs: inputs, results: results))
        return results
    }
}
