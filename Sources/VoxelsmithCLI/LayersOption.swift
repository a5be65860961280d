import ArgumentParser
import KerasConfig
import LayerSpec
import VoxelsmithModelIO

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
            "Shape of the input, batch included: of the input of a model, of every layer otherwise; with NAME= in front, of one layer or input. May be repeated.",
            valueName: "[NAME=]1,D,H,W,C"),
        transform: { try InputShape($0) })
    var shapes: [InputShape] = []

    func validate() throws {
        var names: Set<String?> = []
        for shape in shapes where !names.insert(shape.name).inserted {
            throw ValidationError(CommandFailure.repeatedShape(shape.name).description)
        }
    }

    /// The layers of a file for these shapes.
    /// - Throws: what reading throws.
    func layers(of file: ModelFile) throws -> LayerSet {
        let set = try file.layers()
        for warning in set.warnings { Console.warn("\(warning)") }
        var named: [String: [Int?]] = [:]
        for shape in shapes { if let name = shape.name { named[name] = shape.extents } }
        return try set.with(inputShape: shapes.first { $0.name == nil }?.extents, inputShapes: named)
    }
}

/// The layers a command works on.
struct LayersOption: ParsableArguments {
    @Argument(help: "A file with layers: JSON, .keras, or a whole-model .h5.")
    var layers: String

    @OptionGroup var inputShapes: InputShapesOption

    func list(in files: inout NamedFiles) { files.reads(layers, "the layers") }

    /// The layers of the file for their input shapes. Those of a model whose shape is not known, and those of other classes, are named
    /// on standard error.
    /// - Throws: what reading throws; `CommandFailure.unknownShape` for a layer that is no model's, and when no layer of a model has one.
    func resolved(policy: Policy) throws -> [ResolvedLayer] {
        try ResolvedLayer.list(inputShapes.layers(of: ModelFile(path: layers)), policy: policy)
    }
}

/// A layer with everything a kernel depends on.
struct ResolvedLayer {
    /// Its path in the file.
    let name: String
    let config: LayerConfig
    let spec: KernelSpec
    /// The batch of the file's input shape, 1 where it states none: no part of the problem, but of what is measured.
    let batch: Int

    /// The layers of a file whose shapes are known. Those of a model whose shape is not, and those of other classes, are named on
    /// standard error.
    /// - Throws: what resolving throws; `CommandFailure.unknownShape` for a layer that is no model's, and when no layer of a model has one.
    static func list(_ set: LayerSet, policy: Policy) throws -> [ResolvedLayer] {
        for other in set.model?.otherLayers ?? [] { Console.note("Layer \(other) is passed over.") }
        var result: [ResolvedLayer] = []
        var unknown: [String] = []
        for layer in set.layers {
            if let resolved = try ResolvedLayer(layer, policy: policy) {
                result.append(resolved)
            } else {
                unknown.append(layer.path)
            }
        }
        if let first = unknown.first, set.model == nil || result.isEmpty { throw CommandFailure.unknownShape(layer: first) }
        for path in unknown { Console.warn("Layer \"\(path)\" is passed over: shape unknown; --input-shape \(path)=1,D,H,W,C states it.") }
        return result
    }

    /// The layers of a file that states all shapes.
    /// - Throws: what reading throws, `CommandFailure.unknownShape`.
    static func read(_ path: String, policy: Policy) throws -> [ResolvedLayer] {
        let set = try ModelFile(path: path).layers()
        for warning in set.warnings { Console.warn("\(warning)") }
        return try set.layers.map { layer in
            guard let resolved = try ResolvedLayer(layer, policy: policy) else { throw CommandFailure.unknownShape(layer: layer.path) }
            return resolved
        }
    }

    /// - Returns: nil for a layer whose input shape is not known.
    init?(_ layer: LayerDescription, policy: Policy) throws {
        guard let shape = layer.completeInputShape(batch: 1) else { return nil }
        name = layer.path
        config = layer.config
        spec = try layer.config.spec(inputShape: shape, policy: policy)
        batch = max(1, layer.inputShape?.first.flatMap(\.self) ?? 1)
    }
}
