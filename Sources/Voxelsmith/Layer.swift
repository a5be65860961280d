import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// The base of all layers: name, element type, weights.
///
/// A layer belongs to one task at a time; what it prepares (`PreparedLayer`) may be called from anywhere.
open class Layer {
    /// Unique within a model.
    public let name: String
    /// Element type of the weights and of the input.
    public let dtype: ElementType
    /// Whether an optimizer may change the weights.
    public var trainable: Bool
    /// The penalty on the results of each call.
    public var activityRegularizer: (any Regularizer)?
    /// Whether the weights exist.
    public internal(set) var isBuilt = false

    /// - Parameter name: nil for an automatic one: the class name in snake case, numbered from the second layer on.
    public init(name: String? = nil, dtype: ElementType = .float32, trainable: Bool = true) {
        self.name = name ?? UniqueNames.shared.next(forClass: "\(Self.self)")
        self.dtype = dtype
        self.trainable = trainable
    }

    /// Creates the weights for inputs of this shape. Overrides call super at their end.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    /// - Throws: `LayerError.alreadyBuilt` on a second call; overrides also for shapes they cannot take.
    open func build(inputShape: [Int]) throws {
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        isBuilt = true
    }

    /// Computes the layer; builds it at the first call.
    /// - Parameter threads: threads to use; the result is bitwise the same for any number.
    open func callAsFunction(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        throw LayerError.noForwardPass(layer: name)
    }

    /// Does everything that depends on the weights and the shape of the input alone, so that the first call is as fast as any.
    /// Builds the layer when it is not built.
    /// - Parameter inputShape: with the batch extent, whose value does not matter.
    open func prepare(inputShape: [Int]) throws {
        if !isBuilt { try build(inputShape: inputShape) }
    }

    /// The shape of the result for an input shape, batch included.
    open func computeOutputShape(_ inputShape: [Int]) throws -> [Int] {
        throw LayerError.noForwardPass(layer: name)
    }

    /// The weights in Keras's order; empty before `build`.
    open func getWeights() -> [Tensor] { [] }

    /// Replaces all weights.
    /// - Parameter weights: in the order, shapes and element types of `getWeights()`.
    /// - Throws: `LayerError` when count, a shape or an element type differs; then nothing has changed.
    open func setWeights(_ weights: [Tensor]) throws {
        if !weights.isEmpty { throw LayerError.weightCount(layer: name, received: weights.count, expected: 0) }
    }

    /// The arguments that make an equal layer without its weights, as Keras 3 writes them.
    /// - Throws: overrides throw for what Keras has no words for.
    open func getConfig() throws -> JSONObject {
        ["name": .string(name), "trainable": .bool(trainable), "dtype": .string(dtype.rawValue)]
    }

    /// Number of elements of all weights.
    /// - Throws: `LayerError.notBuilt`.
    public func countParams() throws -> Int {
        if !isBuilt { throw LayerError.notBuilt(layer: name, method: "countParams") }
        return getWeights().reduce(0) { $0 + $1.elementCount }
    }
}
