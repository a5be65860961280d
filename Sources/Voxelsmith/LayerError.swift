import VoxKerasConfig
import VoxLayerSpec

/// What can be wrong with a call of a layer's methods; where Keras has a sentence for it, the sentence follows Keras.
public enum LayerError: KerasError, Hashable {
    case notBuilt(layer: String, method: String)
    case alreadyBuilt(layer: String)
    case weightCount(layer: String, received: Int, expected: Int)
    case weightShape(layer: String, weight: String, received: [Int], expected: [Int])
    /// A model's config that asks for more than the weights of its file.
    case weightBeyondFile(layer: String, weight: String, shape: [Int])
    /// A second variable of one name, or an existing one asked for with another shape.
    case variableExists(layer: String, variable: String, shape: [Int])
    case inputRank(layer: String, received: [Int?], expected: Int)
    case inputChannels(layer: String, received: [Int?], axis: Int, expected: Int)
    case unknownChannels(layer: String, received: [Int?], axis: Int)
    /// A call on more or fewer tensors than the layer takes.
    case inputCount(layer: String, received: Int, expected: Int)
    case inputExtent(received: [Int?])
    case noForwardPass(layer: String)
    /// A subclass that does not say how it is copied.
    case cannotCopy(layer: String, className: String)
    /// A weight with a negative extent, or of more bytes than there can be.
    case weightExtents(layer: String, weight: String, shape: [Int])
    /// `build` without a shape, of a layer that was made without one.
    case noInputShape(layer: String)
    /// A layer made in one graph, put into a model of another.
    case layerOfAnotherGraph(layer: String, model: String)
    /// A layer that cannot say how any task may call it.
    case cannotPrepareCall(layer: String, className: String)
    case duplicateName(String)
    case noLayers(model: String)
    /// `Input` outside `withGraph`.
    case inputInEagerMode
    /// A member that exists in graph mode only.
    case eagerMode(layer: String, member: String)
    /// A symbolic tensor given to an eager layer.
    case symbolicInEagerMode(layer: String)
    case differentGraphs(layer: String)
    /// A property of the only node, of a layer without nodes.
    case notConnected(layer: String, member: String)
    /// A property of the only node, of a layer with several.
    case severalNodes(layer: String, member: String, count: Int)
    /// One tensor asked of a node that has several.
    case severalTensors(layer: String, member: String, count: Int)
    case neverCalled(layer: String, what: String)
    case nodeIndex(layer: String, what: String, received: Int, count: Int)
    case noScope(layer: String)
    /// An output of a model that depends on an input the model does not have.
    case disconnected(model: String, input: String)

    public var kerasKind: KerasErrorKind {
        switch self {
        // Python's NotImplementedError is a RuntimeError.
        case .inputInEagerMode, .eagerMode, .neverCalled, .noForwardPass, .cannotCopy, .cannotPrepareCall: .runtimeError
        case .notConnected, .severalNodes, .severalTensors: .attributeError
        case .symbolicInEagerMode: .typeError
        default: .valueError
        }
    }

    // Longer than 60 lines: one sentence per case, in the order of the cases.
    public var description: String {
        let sentence: Sentence = switch self {
        case .notBuilt(let layer, let method):
            "You tried to call \(method) on layer \"\(layer)\", but the layer isn't built; expected a call of build(inputShape:) or of the layer first."
        case .alreadyBuilt(let layer):
            "Layer \"\(layer)\" is already built; expected at most one call of build(inputShape:)."
        case .weightCount(let layer, let received, let expected):
            "You called setWeights on layer \"\(layer)\" with a weight list of length \(received), but the layer was expecting \(expected) weights."
        case .weightShape(let layer, let weight, let received, let expected):
            "Layer \"\(layer)\" weight \(weight) of shape \(expected) is not compatible with provided weight shape \(received)."
        case .variableExists(let layer, let variable, let shape):
            """
            Variable "\(variable)" of layer "\(layer)" already exists with shape \(shape); \
            expected another name, or the same shape after the layer is built.
            """
        case .inputRank(let layer, let received, let expected):
            """
            Input of layer "\(layer)" is incompatible with the layer: expected ndim=\(expected), found ndim=\(received.count), full shape \
            received: \(Self.text(received)).
            """
        case .inputChannels(let layer, let received, let axis, let expected):
            """
            Input of layer "\(layer)" is incompatible with the layer: expected axis \(axis) of input shape to have value \(expected), but \
            received input with shape \(Self.text(received)).
            """
        case .unknownChannels(let layer, let received, let axis):
            """
            The channel dimension of the inputs of layer "\(layer)" should be defined; \
            received shape \(Self.text(received)), expected a number at axis \(axis).
            """
        case .inputCount(let layer, let received, let expected):
            "Layer \"\(layer)\" expects \(expected) input(s), but it received \(received) input tensors."
        case .inputExtent(let received):
            "Received an input of shape \(Self.text(received)); expected extents of at least 1, or nil where unknown."
        case .noForwardPass(let layer):
            "Layer \"\(layer)\" has no forward pass; expected a subclass that computes one."
        case .cannotCopy(let layer, let className):
            """
            Layer "\(layer)" cannot be copied, because nothing says how a \(className) is made; \
            expected a class that is ConfigurableLayer, one registered with CustomObjects.shared, or an override of makeCopy().
            """
        case .weightExtents(let layer, let weight, let shape):
            "Layer \"\(layer)\" asked for a weight \(weight) of shape \(shape); expected extents of 0 or more, and at most 2^40 bytes."
        case .noInputShape(let layer):
            "Layer \"\(layer)\" received no input shape to build for; expected one, or a layer made with inputShape or batchInputShape."
        case .layerOfAnotherGraph(let layer, let model):
            """
            Input graph and Layer graph are not the same: layer "\(layer)" of model "\(model)" was made in another graph; \
            expected layers of one withGraph { }, or made outside of any.
            """
        case .cannotPrepareCall(let layer, let className):
            """
            Layer "\(layer)" cannot be prepared for calls from any task, because \(className) does not say how; \
            expected an override of preparedCall(inputShapes:).
            """
        case .duplicateName(let name):
            "All layers of a model should have unique names; received two layers named \"\(name)\"."
        case .weightBeyondFile(let layer, let weight, let shape):
            "Layer \"\(layer)\" wants a \(weight) of shape \(shape), for which the file has too few weights; expected those of the same model."
        case .noLayers(let model):
            "Model \"\(model)\" has no layers; expected at least one."
        case .inputInEagerMode:
            "Input was called in eager mode; expected a call inside withGraph { }."
        case .eagerMode(let layer, let member):
            "Layer \"\(layer)\" is in eager mode, where it has no \(member); expected a layer made inside withGraph { }."
        case .symbolicInEagerMode(let layer):
            "Layer \"\(layer)\" is in eager mode and received a symbolic tensor; expected a Tensor, or a layer made inside withGraph { }."
        case .differentGraphs(let layer):
            """
            Input graph and Layer graph are not the same: layer "\(layer)" received a symbolic tensor of another graph; \
            expected one made inside the same withGraph { }.
            """
        case .notConnected(let layer, let member):
            "Layer \"\(layer)\" is not connected, no \(member) to return; expected a call on a symbolic tensor first."
        case .severalNodes(let layer, let member, let count):
            """
            The layer "\(layer)" has multiple inbound nodes (\(count)), hence the notion of "layer \(member)" is ill-defined; \
            expected \(Self.getter(member))(at:).
            """
        case .severalTensors(let layer, let member, let count):
            "The call of layer \"\(layer)\" has \(count) tensors, hence no single \(member); expected getInputs(at:) or getOutputs(at:)."
        case .neverCalled(let layer, let what):
            "The layer \"\(layer)\" has never been called on a symbolic tensor and thus has no defined \(what)."
        case .nodeIndex(let layer, let what, let received, let count):
            "Asked to get \(what) at node \(received), but the layer \"\(layer)\" has only \(count) inbound nodes."
        case .noScope(let layer):
            """
            No name available for layer scope because the layer "\(layer)" has not been used yet; \
            expected a call of the layer, of build(inputShape:) or of addWeight first.
            """
        case .disconnected(let model, let input):
            "Graph disconnected: an output of model \"\(model)\" depends on \"\(input)\"; expected it among the inputs of the model."
        }
        return sentence.text
    }

    private static func text(_ shape: [Int?]) -> String { "[" + shape.map { extent in extent.map { "\($0)" } ?? "nil" }.joined(separator: ", ") + "]" }

    /// "input shape" as "getInputShape".
    private static func getter(_ member: String) -> String {
        "get" + member.split(separator: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
