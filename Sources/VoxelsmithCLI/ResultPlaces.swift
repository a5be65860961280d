import VoxTensorIO
import VoxTensors

/// Where the results of a model go.
enum ResultPlaces {
    /// A file for each.
    case files([String])
    /// One archive of arrays for all, by their names.
    case archive(String, names: [String])

    /// - Parameters:
    ///   - outputs: what the option says.
    ///   - names: of the results.
    /// - Throws: `CommandFailure` unless every result has a place.
    init(_ outputs: NamedPaths, names: [String]) throws(CommandFailure) {
        if names.count > 1, outputs.given.count == 1, outputs.given[0].name == nil, outputs.given[0].path.hasSuffix(".npz") {
            self = .archive(outputs.given[0].path, names: names)
        } else {
            self = .files(try outputs.allPaths(of: names))
        }
    }

    func path(of index: Int) -> String {
        switch self {
        case .files(let paths): paths[index]
        case .archive(let path, _): path
        }
    }

    /// - Throws: `TensorIOError`.
    func write(_ results: [Tensor]) throws {
        switch self {
        case .files(let paths): for (path, result) in zip(paths, results) { try NPY.write(result, to: path) }
        case .archive(let path, let names): try NPZFile.write(zip(names, results).map { (name: $0, tensor: $1) }, to: path)
        }
    }
}
