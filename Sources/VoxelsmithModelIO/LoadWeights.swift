import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith

/// Gives the weights of a file to layers; builds those that are not built. The kind is told by the contents: `.npz` (see
/// `loadWeights(npz:into:)`), `.weights.h5`, other `.h5` of any Keras generation, whole models included, and `.keras` (see `assign`).
/// - Returns: what the user should know of what was done, in sentences.
/// - Throws: `TensorIOError`, `ModelIOError.foreignFile` for files of other kinds, and as `loadWeights(npz:into:)` and `assign`.
@discardableResult
public func loadWeights(path: String, into layers: [Conv3D]) throws -> [String] {
    try WeightsFile(path: path).give(to: layers)
}

/// A file of weights that was read, and belongs to no layers yet.
package enum WeightsFile {
    case arrays(NPZFile)
    case keras(KerasWeights)

    /// - Throws: `TensorIOError`, `ModelIOError.foreignFile` for files of other kinds.
    package init(path: String) throws {
        let file = try RecognizedFile(path: path)
        switch file.kind {
        case .npz: self = .arrays(try file.arrays())
        case .keras: self = .keras(try file.archive().weights)
        case .hdf5: self = .keras(try file.hdf5())
        default: throw ModelIOError.foreignFile(path: path, file.kind, expected: .weights)
        }
    }

    /// All weights.
    package func contents() throws -> [FileWeight] {
        switch self {
        case .arrays(let file): try file.tensors().map { FileWeight(name: $0.name, shape: $0.tensor.shape) }
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
            var owners: [Layer] = []
            for leaf in layers.flatMap(leaves) where !leaf.expectedWeightNames.isEmpty && !owners.contains(where: { $0 === leaf }) { owners.append(leaf) }
            try VoxelsmithModelIO.give(file, to: owners)
            return []
        case .keras(let weights): return try assign(weights, to: layers, madeOf: model)
        }
    }
}

/// Gives the arrays of an `.npz` to layers; builds those that are not built. Arrays are called `kernel` and `bias` for one layer,
/// `<layer name>/kernel` and `<layer name>/bias` for several (one layer may be named as well).
/// - Throws: `TensorIOError`, `ModelIOError` when an array is missing, left over or of a wrong shape; layers before the one that failed
///   then have their weights already.
public func loadWeights(npz path: String, into layers: [Conv3D]) throws { try give(NPZFile(path: path), to: layers) }

/// As `loadWeights(npz:into:)`, of layers of any class: arrays have Keras's names of their weights.
private func give(_ file: NPZFile, to layers: [Layer]) throws {
    var left = Set(file.names)
    var known: [String] = []
    for layer in layers {
        let isPlain = layers.count == 1 && left.contains("kernel")
        let names = layer.expectedWeightNames.map { isPlain ? $0 : "\(layer.name)/\($0)" }
        known += names
        let tensors = try names.map { name in
            guard left.remove(name) != nil else { throw ModelIOError.weightMissing(layer: layer.name, name: name, present: file.names) }
            return try file.tensor(name)
        }
        try fill(layer, with: tensors, named: names)
    }
    if !left.isEmpty { throw ModelIOError.weightsLeftOver(left.sorted(), taken: known) }
}
