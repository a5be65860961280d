import KerasConfig
import Tensors

/// An activation of the user's own. The layer applies it to the result of a kernel that has none.
///
///     struct Cube: TensorActivation {
///         func callAsFunction(_ x: Tensor) throws -> Tensor { try Tensor(shape: x.shape, x.floats.map { $0 * $0 * $0 }) }
///     }
public protocol TensorActivation: KerasObject {
    /// - Parameter x: the sums, bias included, in the layer's layout and element type.
    /// - Returns: a tensor of the same element type and of the shape `outputShape` promises.
    func callAsFunction(_ x: Tensor) throws -> Tensor

    /// The shape of the result for a shape of sums; the same unless stated otherwise.
    func outputShape(_ shape: [Int]) throws -> [Int]
}

extension TensorActivation {
    /// The shape it received.
    public func outputShape(_ shape: [Int]) throws -> [Int] { shape }
}
