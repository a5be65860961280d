import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensorIO
import VoxelsmithModelIO

/// A file with layers as `describe` shows it.
struct LayersContents: Encodable {
    /// An input or output of a model.
    struct End: Encodable {
        let name: String
        let shape: Shape
    }

    struct Model: Encodable {
        let name: String
        let kerasVersion: String?
        let inputs, outputs: [End]
    }

    struct Layer: Encodable {
        enum CodingKeys: String, CodingKey {
            case name, kerasClass = "class", inputShape, outputShape
        }
        let name: String
        let kerasClass: String
        let inputShape, outputShape: Shape
    }

    struct OtherLayer: Encodable {
        enum CodingKeys: String, CodingKey {
            case name, kerasClass = "class", calledInTraining
        }
        let name: String
        let kerasClass: String
        let calledInTraining: Bool
    }

    /// Null when it is not known at all, with null for each extent that is not.
    struct Shape: Encodable {
        let extents: [Int?]?

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            if let extents { try container.encode(extents) } else { try container.encodeNil() }
        }

        var text: String { extents.map { JSONValue(shape: $0).text } ?? "shape unknown" }
    }

    let path: String
    let model: Model?
    let layers: [Layer]
    let otherLayers: [OtherLayer]
    private let others: [VoxKerasConfig.OtherLayer]

    enum CodingKeys: String, CodingKey { case path, model, layers, otherLayers }

    /// Whether a file is read as a plugin: it begins like one, and is no pipe, whose bytes can be read only once. Everything else goes to
    /// the reader of layers, which says what it is.
    static func isPlugin(_ path: String) throws -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return try FileKind(start: InputFile.firstBytes(of: path, count: FileKind.startCount)) == .elf
    }

    init(path: String, _ set: LayerSet) throws {
        self.path = path
        func ends(_ ends: [ModelDescription.End]) -> [End] { ends.map { End(name: $0.name, shape: Shape(extents: $0.shape)) } }
        model = set.model.map { Model(name: $0.name, kerasVersion: $0.kerasVersion, inputs: ends($0.inputs), outputs: ends($0.outputs)) }
        layers = try set.layers.map { layer in
            Layer(
                name: layer.path, kerasClass: layer.kerasClass, inputShape: Shape(extents: layer.inputShape),
                outputShape: Shape(extents: try layer.outputShape()))
        }
        others = set.model?.otherLayers ?? []
        otherLayers = others.map { OtherLayer(name: $0.path, kerasClass: $0.className, calledInTraining: $0.isCalledInTraining) }
    }

    private var heading: String {
        let of = model.map { " model \"\($0.name)\" of" } ?? ""
        let rest = otherLayers.isEmpty ? "" : " and \(otherLayers.count) of other classes"
        return ("\(path):\(of) \(counted(layers.count, "known layer"))\(rest)" as Sentence).text + "\n"
    }

    var text: String {
        var text = heading
        for (what, ends) in [("input", model?.inputs ?? []), ("output", model?.outputs ?? [])] {
            for end in ends { text += escaped("  \(what) \(end.name) \(end.shape.text)") + "\n" }
        }
        text += "\n" + rows
        if !others.isEmpty { text += "\nOther layers, which are not computed here:\n" }
        for other in others { text += "  \(other)\n" }
        return text
    }

    var table: String { heading + rows }

    private var rows: String {
        var table = TextTable(["layer", "class", "input", "output"])
        for layer in layers {
            table.add([layer.name, layer.kerasClass, layer.inputShape.text, layer.outputShape.extents == nil ? "-" : layer.outputShape.text])
        }
        return table.text
    }
}
