import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// The ways to call a layer, besides `layer(x)`.
extension Layer {
    /// The same as calling the layer.
    /// - Parameters:
    ///   - x: the input, batch first.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    public func apply(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor { try self(x, threads: threads) }

    /// The same as calling the layer.
    /// - Parameters:
    ///   - xs: the inputs, in their order.
    ///   - threads: threads to use; the results are bitwise the same for any number.
    public func apply(_ xs: [Tensor], threads: Int = ThreadPool.defaultThreadCount) throws -> [Tensor] { try self(xs, threads: threads) }

    /// The same as calling the layer.
    public func apply(_ x: SymbolicTensor) throws -> SymbolicTensor { try self(x) }

    /// The same as calling the layer.
    public func apply(_ xs: [SymbolicTensor]) throws -> [SymbolicTensor] { try self(xs) }

    /// The forward pass alone, on as many threads as the machine is good for.
    public func call(_ x: Tensor) throws -> Tensor { try call(x, threads: ThreadPool.defaultThreadCount) }

    /// The forward pass alone, on as many threads as the machine is good for.
    public func call(_ xs: [Tensor]) throws -> [Tensor] { try call(xs, threads: ThreadPool.defaultThreadCount) }

    /// The forward pass on a symbolic tensor. It makes a node, because a symbolic tensor is known by the call that made it, but no loss.
    /// - Throws: as a call on a symbolic tensor.
    public func call(_ x: SymbolicTensor) throws -> SymbolicTensor { try only(call([x]), "output") }

    /// As `call(_:)` of one symbolic tensor.
    public func call(_ xs: [SymbolicTensor]) throws -> [SymbolicTensor] { try connected(xs) }

    /// Creates the weights for inputs of a shape with unknown extents.
    /// - Parameter inputShape: batch first, nil where unknown; the `batchInputShape` of a layer passes as it is.
    /// - Throws: `LayerError.noInputShape` without one, and as `build(inputShape:)`.
    public func build(inputShape: [Int?]?) throws {
        guard let inputShape else { throw LayerError.noInputShape(layer: name) }
        if isBuilt { throw LayerError.alreadyBuilt(layer: name) }
        try buildSymbolically([inputShape])
    }

    /// What becomes of a mask: the same, as in Keras 3.
    public func computeMask(_ input: Tensor, mask: Tensor? = nil) throws -> Tensor? { try computeMask([input], mask: mask) }

    /// What becomes of the masks of several inputs, in their order: the same, as in Keras 3.
    public func computeMask(_ inputs: [Tensor], mask: [Tensor?]) throws -> [Tensor?] { mask }

    /// What becomes of a mask: the same, as in Keras 3.
    public func computeMask(_ input: SymbolicTensor, mask: SymbolicTensor? = nil) throws -> SymbolicTensor? { mask }

    /// As `computeMask(_:mask:)` of one symbolic tensor.
    public func computeMask(_ inputs: [SymbolicTensor], mask: SymbolicTensor? = nil) throws -> SymbolicTensor? { mask }

    /// What becomes of the masks of several inputs, in their order: the same, as in Keras 3.
    public func computeMask(_ inputs: [SymbolicTensor], mask: [SymbolicTensor?]) throws -> [SymbolicTensor?] { mask }
}

extension Layer: CustomStringConvertible {
    /// As Keras prints a layer: `<Conv3DTranspose name=up, built=true>`.
    public var description: String { "<\(type(of: self)) name=\(escaped(name)), built=\(isBuilt)>" }
}

extension Variable: CustomStringConvertible {
    /// As Keras prints a variable, without its values.
    public var description: String { "<Variable path=\(escaped(path)), shape=\(shape), dtype=\(dtype.rawValue)>" }
}

extension SymbolicTensor: CustomStringConvertible {
    /// As Keras prints a symbolic tensor.
    public var description: String {
        let extents = shape.map { extent in extent.map { "\($0)" } ?? "nil" }.joined(separator: ", ")
        return "<SymbolicTensor shape=[\(extents)], dtype=\(dtype.rawValue), layer=\(escaped(layer.name))>"
    }
}
