import VoxKerasConfig
import VoxLayerSpec

/// A tensor without values that knows how it is computed: the result of an `Input` or of calling a layer on symbolic tensors.
public struct SymbolicTensor: Hashable {
    /// The layer that makes it.
    public let layer: Layer
    /// Which call of the layer makes it.
    public let nodeIndex: Int
    /// Which result of the call it is.
    public let tensorIndex: Int
    /// Extents, batch first; nil where unknown.
    public let shape: [Int?]
    /// Element type.
    public let dtype: ElementType
    // A list, because a structure cannot contain itself.
    private var masks: [SymbolicTensor] = []

    init(layer: Layer, nodeIndex: Int, tensorIndex: Int, shape: [Int?], dtype: ElementType) {
        (self.layer, self.nodeIndex, self.tensorIndex, self.shape, self.dtype) = (layer, nodeIndex, tensorIndex, shape, dtype)
    }

    /// Which positions count; nil for all. Convolutions do not take masks: they drop it.
    public var mask: SymbolicTensor? {
        get { masks.first }
        set { masks = newValue.map { [$0] } ?? [] }
    }

    /// The graph of the layer.
    var graph: Graph? { layer.owner }

    /// The same result of the same call of the same layer, whatever the mask.
    public static func == (left: SymbolicTensor, right: SymbolicTensor) -> Bool {
        left.layer === right.layer && left.nodeIndex == right.nodeIndex && left.tensorIndex == right.tensorIndex
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(layer))
        hasher.combine(nodeIndex)
        hasher.combine(tensorIndex)
    }
}

/// One call of a layer on symbolic tensors. Holds no result, which would hold the layer in turn.
struct Node {
    let inputs: [SymbolicTensor]
    let outputShapes: [[Int?]]
    /// False for the node of an input layer, whose inputs are its outputs.
    var hasInbound: Bool { !inputs.isEmpty }
}

/// What `Input` makes: a layer whose result is given from outside.
public final class InputLayer: Layer {
    /// Extents, batch first; nil where unknown.
    public let batchShape: [Int?]

    init(batchShape: [Int?], name: String?, dtype: ElementType) {
        self.batchShape = batchShape
        super.init(name: name, dtype: dtype)
        nodes = [Node(inputs: [], outputShapes: [batchShape])]
        isBuilt = true
    }

    /// The tensor itself.
    public override func call(_ x: Tensor, threads: Int) throws -> Tensor { x }

    public override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }

    /// Another input of the same shape.
    public override func makeCopy() throws -> Layer { InputLayer(batchShape: batchShape, name: name, dtype: dtype) }

    public override func getConfig() throws -> JSONObject {
        [
            "batch_shape": JSONValue(shape: batchShape), "dtype": .string(dtype.rawValue), "sparse": false, "ragged": false,
            "name": .string(name), "optional": false,
        ]
    }
}

/// A symbolic tensor to call layers on. Only under `withGraph`.
/// - Parameters:
///   - shape: without the batch extent, nil where unknown.
///   - batchSize: nil for any.
///   - name: of its layer; nil for an automatic one.
///   - dtype: an element type or its name.
/// - Throws: `LayerError.inputInEagerMode` outside `withGraph`, `.inputExtent` for extents below 1; `KerasConfigError` and
///   `ArgumentError` for what is no element type.
public func Input(
    shape: [Int?], batchSize: Int? = nil, name: String? = nil, dtype: any DTypeArgument = ElementType.float32
) throws -> SymbolicTensor {
    guard Graph.current != nil else { throw LayerError.inputInEagerMode }
    let batchShape = [batchSize] + shape
    if batchShape.contains(where: { ($0 ?? 1) < 1 }) { throw LayerError.inputExtent(received: batchShape) }
    return InputLayer(batchShape: batchShape, name: name, dtype: try dtype.resolvedElementType()).output(node: 0, tensor: 0)
}
