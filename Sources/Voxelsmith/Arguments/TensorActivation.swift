import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// An activation of the user's own. The layer applies it to the result of a kernel that has none.
///
///     struct Cube: TensorActivation {
///         func callAsFunction(_ x: Tensor) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { $0 * $0 * $0 }) }
///     }
public protocol TensorActivation: KerasObject, ActivationArgument {
    /// - Parameter x: the sums, bias included, in the layer's layout and element type.
    /// - Returns: a tensor of the same element type and of the shape `outputShape` promises.
    func callAsFunction(_ x: Tensor) throws -> Tensor

    /// The shape of the result for a shape of sums; the same unless stated otherwise.
    func outputShape(_ shape: [Int]) throws -> [Int]
}

extension TensorActivation {
    /// The shape it received.
    public func outputShape(_ shape: [Int]) throws -> [Int] { shape }

    /// Itself, after a kernel without activation.
    public func resolvedActivation() throws -> (activation: Activation, tensorActivation: (any TensorActivation)?) { (.linear, self) }
}

/// A closure as an activation. Its results have the shape of their inputs. In configs it is named, and found again by that name once
/// `CustomObjects.register(activation:)` has it.
public struct FunctionActivation: TensorActivation {
    /// The name in configs.
    public let className: String
    private let body: @Sendable (Tensor) throws -> Tensor

    /// - Parameters:
    ///   - name: the name in configs.
    ///   - body: from the sums, bias included, to a tensor of the same element type and shape.
    public init(name: String = "lambda", _ body: @escaping @Sendable (Tensor) throws -> Tensor) {
        (className, self.body) = (name, body)
    }

    /// Calls the closure.
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try body(x) }
}
