import VoxTensorIO
import VoxTensors

/// Where the results of a model go. A path that ends in `.npz` becomes an archive of arrays by the names of the results, any other one array.
struct ResultPlaces {
    private let names: [String]
    /// Of each result.
    private let paths: [String]
    /// Whether one archive takes all results.
    private let areTogether: Bool

    /// - Parameters:
    ///   - outputs: what the option says.
    ///   - names: of the results.
    /// - Throws: `CommandFailure` unless every result has a place.
    init(_ outputs: NamedPaths, names: [String]) throws(CommandFailure) {
        self.names = names
        if outputs.given.count == 1, outputs.given[0].name == nil, Self.isArchive(outputs.given[0].path) {
            (paths, areTogether) = (names.map { _ in outputs.given[0].path }, true)
        } else {
            (paths, areTogether) = (try outputs.allPaths(of: names), false)
        }
    }

    func path(of index: Int) -> String { paths[index] }

    /// - Throws: `TensorIOError`.
    func write(_ results: [Tensor]) throws {
        let members = zip(names, results).map { (name: $0, tensor: $1) }
        if areTogether, let path = paths.first { return try NPZFile.write(members, to: path) }
        for (path, member) in zip(paths, members) {
            if Self.isArchive(path) { try NPZFile.write([member], to: path) } else { try NPY.write(member.tensor, to: path) }
        }
    }

    private static func isArchive(_ path: String) -> Bool { path.hasSuffix(".npz") }
}
