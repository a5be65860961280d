import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith

/// Gives the weights of a file to layers; builds those that are not built. The kind is told by the contents: `.npz` and safetensors (see
/// `loadWeights(npz:into:)`), `.weights.h5`, other `.h5` of any Keras generation, whole models included, and `.keras` (see `assign`).
/// - Returns: what the user should know of what was done, in sentences.
/// - Throws: `TensorIOError`, `ModelIOError.foreignFile` for files of other kinds, and as `loadWeights(npz:into:)` and `assign`.
@discardableResult
public func loadWeights(path: String, into layers: [Conv3D]) throws -> [String] { try WeightsFile(path: path).give(to: layers) }

/// Gives the weights of a file to a model, as `loadWeights(path:into:)` does to layers. Archives of arrays name a weight by the names of the
/// models around its layer, that of the layer, and its own: `encoder/up/kernel`; `up/kernel` will do.
/// - Returns: what the user should know of what was done, in sentences.
/// - Throws: as `loadWeights(path:into:)`.
@discardableResult
public func loadWeights(path: String, into model: Model) throws -> [String] {
    let warnings = try WeightsFile(path: path).give(to: model.layers, madeOf: model.presentSource?.document)
    model.noteBuiltLayers()
    return warnings
}

/// A file of weights that was read, and belongs to no layers yet.
package enum WeightsFile {
    case arrays(any NamedArrays)
    case keras(KerasWeights)

    /// - Throws: `TensorIOError`, `ModelIOError.foreignFile` for files of other kinds.
    package init(path: String) throws {
        let file = try RecognizedFile(path: path)
        switch file.kind {
        case .npz: self = .arrays(try file.arrays())
        case .safetensors: self = .arrays(try SafetensorsFile(bytes: file.bytes(), name: path))
        case .keras: self = .keras(try file.archive().weights)
        case .hdf5: self = .keras(try file.hdf5())
        default: throw ModelIOError.foreignFile(path: path, file.kind, expected: .weights)
        }
    }

    /// All weights.
    package func contents() throws -> [FileWeight] {
        switch self {
        case .arrays(let file): try file.shapes().map { FileWeight(name: $0.name, shape: $0.shape) }
        case .keras(let weights): weights.contents
        }
    }

    /// - Parameters:
    ///   - layers: of a model, or by themselves.
    ///   - model: as of `assign`.
    /// - Throws: as `loadWeights(npz:into:)` and `assign`.
    package func give(to layers: [Layer], madeOf model: JSONValue? = nil) throws -> [String] {
        switch self {
        case .arrays(let file):
            try VoxelsmithModelIO.give(file, to: layers)
            return []
        case .keras(let weights): return try assign(weights, to: layers, madeOf: model)
        }
    }
}

/// An archive of arrays that have names.
package protocol NamedArrays {
    /// In the order of the archive.
    var names: [String] { get }
    /// - Throws: `TensorIOError`.
    func tensor(_ name: String) throws -> Tensor
    /// Of all arrays.
    /// - Throws: `TensorIOError`.
    func shapes() throws -> [(name: String, shape: [Int])]
}

extension NPZFile: NamedArrays {
    package func shapes() throws -> [(name: String, shape: [Int])] { try tensors().map { ($0.name, $0.tensor.shape) } }
}

extension SafetensorsFile: NamedArrays {
    package func shapes() -> [(name: String, shape: [Int])] { names.map { ($0, shape(of: $0) ?? []) } }
}

/// Gives the arrays of an `.npz` to layers; builds those that are not built. Arrays are called `kernel` and `bias` for one layer,
/// `<layer name>/kernel` and `<layer name>/bias` for several (one layer may be named as well).
/// - Throws: `TensorIOError`, `ModelIOError` when an array is missing, left over or of a wrong shape; layers before the one that failed
///   then have their weights already.
public func loadWeights(npz path: String, into layers: [Conv3D]) throws { try give(NPZFile(path: path), to: layers) }

private func give(_ file: any NamedArrays, to layers: [Layer]) throws {
    var left = Set(file.names)
    var known: [String] = []
    let owners = Leaf.all(in: layers).map { (leaf: $0, weights: $0.layer.expectedWeightNames) }.filter { !$0.weights.isEmpty }
    var given: Set<ObjectIdentifier> = []
    for (leaf, weights) in owners {
        // Under its path, or its own name, or none where it is the only one. What is missing is asked for by the path.
        let prefixes = ["\(leaf.path)/", "\(leaf.layer.name)/"] + (owners.count == 1 ? [""] : [])
        let found = prefixes.first { left.contains($0 + weights[0]) }
        // A layer of several models may stand in one of them alone.
        if !given.insert(ObjectIdentifier(leaf.layer)).inserted, found == nil { continue }
        let prefix = found ?? prefixes[0]
        let names = weights.map { prefix + $0 }
        known += names
        let tensors = try names.map { name in
            guard left.remove(name) != nil else { throw ModelIOError.weightMissing(layer: leaf.layer.name, name: name, present: file.names) }
            return try file.tensor(name)
        }
        try fill(leaf.layer, with: tensors, named: names)
    }
    if !left.isEmpty { throw ModelIOError.weightsLeftOver(left.sorted(), taken: known) }
    noteBuilt(layers)
}

/// Models inside of others, and wrappers, notice that their layers have been given weights.
private func noteBuilt(_ layers: [Layer]) {
    for layer in layers {
        if let inner = layer.wrapped { noteBuilt([inner]) }
        layer.noteWrappedLayer()
        guard let model = layer as? Model else { continue }
        noteBuilt(model.layers)
        model.noteBuiltLayers()
    }
}
