import ArgumentParser
import VoxForge
import VoxLayerSpec

/// One `--input-shape`: `[NAME=]1,D,H,W,C`, batch included, whose value does not matter.
struct InputShape: ExpressibleByArgument {
    /// Of a layer or of an input of a model; nil without one.
    let name: String?
    let extents: [Int]

    init(_ text: String) throws {
        // Names may have any character; extents have no "=".
        let mark = text.lastIndex(of: "=")
        name = mark.map { String(text[..<$0]) }
        let list = mark.map { text[text.index(after: $0)...] } ?? text[...]
        let parts = list.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        let extents = parts.compactMap(\.self)
        guard extents.count == parts.count, extents.count >= 3, extents.allSatisfy({ $0 >= 1 }) else {
            throw CommandFailure.malformedShape(text)
        }
        self.extents = extents
    }

    init?(argument: String) { try? self.init(argument) }
}

/// `--input-shape`, any number of times.
struct InputShapesOption: ParsableArguments {
    @Option(
        name: .customLong("input-shape"),
        help: ArgumentHelp(
            """
            Shape of the input, batch included: of the input of a model, of every layer otherwise; \
            with NAME= in front, of one layer or input. May be repeated.
            """,
            valueName: "[NAME=]1,D,H,W,C"),
        transform: { try InputShape($0) })
    var shapes: [InputShape] = []

    func validate() throws {
        var names: Set<String?> = []
        for shape in shapes where !names.insert(shape.name).inserted {
            throw ValidationError(CommandFailure.repeatedShape(shape.name).description)
        }
    }

    /// A file with layers, with these shapes beside it.
    func file(_ path: String) -> LayersFile {
        var named: [String: [Int?]] = [:]
        for shape in shapes { if let name = shape.name { named[name] = shape.extents } }
        return LayersFile(path: path, inputShape: shapes.first { $0.name == nil }?.extents, inputShapes: named)
    }
}

/// The layers a command works on.
struct LayersOption: ParsableArguments {
    @Argument(help: "A file with layers: JSON, .keras, or a whole-model .h5.")
    var layers: String

    @OptionGroup var inputShapes: InputShapesOption

    func list(in files: inout NamedFiles) { files.reads(layers, "the layers") }

    /// The file, with the shapes stated beside it.
    var file: LayersFile { inputShapes.file(layers) }

    /// The layers of the file for their input shapes. Those of a model whose shape is not known, and those of other classes, are named
    /// on standard error.
    /// - Throws: what reading throws; `ForgeError.unknownShape` for a layer that is no model's, and when no layer of a model has one.
    func resolved(policy: Policy, isFused: Bool = false) throws -> [ResolvedLayer] {
        try file.resolved(policy: policy, isFused: isFused, onEvent: Console.tell)
    }
}
