import ArgumentParser
import VoxLayerSpec

/// A file for one input or one output of a model: `NAME=PATH`, or `PATH` where there is only one.
struct NamedPath: ExpressibleByArgument, Hashable {
    /// nil where the option names none.
    let name: String?
    let path: String

    /// What begins as an absolute path, or with `./` or `../`, is a path whatever follows; the name ends at the first `=` otherwise.
    init(argument text: String) {
        let isPath = ["/", "./", "../"].contains { text.hasPrefix($0) }
        let mark = isPath ? nil : text.utf8.firstIndex(of: UInt8(ascii: "="))
        name = mark.map { String(text[..<$0]) }
        path = mark.map { String(text[text.utf8.index(after: $0)...]) } ?? text
    }
}

/// What one option of `run` says of the inputs or of the outputs of a model.
struct NamedPaths {
    /// With its dashes.
    let option: String
    let given: [NamedPath]

    /// What stands for the option in sentences about one of its files.
    func words(_ path: NamedPath) -> String { path.name.map { "\(option) \($0)" } ?? option }

    /// - Throws: `CommandFailure.repeatedEnd` for a name that occurs twice, and for two files without one.
    func check() throws(CommandFailure) {
        var names: Set<String?> = []
        for path in given where !names.insert(path.name).inserted { throw .repeatedEnd(option, path.name) }
    }

    /// The file of each of these names, nil for those without; in the order of the names.
    /// - Parameter names: of the inputs or of the outputs.
    /// - Throws: `CommandFailure` for a name that is none of these, and for a file without one where there are several.
    func paths(of names: [String]) throws(CommandFailure) -> [String?] {
        var result = [String?](repeating: nil, count: names.count)
        for file in given {
            guard let name = file.name else {
                if names.count != 1 { throw .namelessEnd(option, names: names) }
                if given.count > 1 { throw .repeatedEnd(option, names[0]) }
                return [file.path]
            }
            guard let place = names.firstIndex(of: name) else { throw .unknownEnd(option, name, names: names) }
            result[place] = file.path
        }
        return result
    }

    /// As `paths(of:)`, with a file for every name.
    /// - Throws: also `CommandFailure.missingEnds`.
    func allPaths(of names: [String]) throws(CommandFailure) -> [String] {
        let paths = try paths(of: names)
        let missing = zip(names, paths).filter { $0.1 == nil }.map { $0.0 }
        if !missing.isEmpty { throw .missingEnds(option, missing, names: names) }
        return paths.compactMap(\.self)
    }
}
