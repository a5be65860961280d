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
        /// Every layer, convolutions or not.
        let layers: [ModelLayer]
        /// Of all layers; absent where those of one are not known.
        let parameters: Int?
    }

    /// A layer of a model as a summary lists it.
    struct ModelLayer: Encodable {
        enum CodingKeys: String, CodingKey {
            case name, kerasClass = "class", outputShape, parameters
        }
        let name: String
        let kerasClass: String
        let outputShape: Shape
        /// Its own; absent where they are not known.
        let parameters: Int?
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
        model = set.model.map { model in
            let counts = model.allLayers.map(\.parameterCount)
            return Model(
                name: model.name, kerasVersion: model.kerasVersion, inputs: ends(model.inputs), outputs: ends(model.outputs),
                layers: model.allLayers.map {
                    ModelLayer(name: $0.path, kerasClass: $0.className, outputShape: Shape(extents: $0.outputShape), parameters: $0.parameterCount)
                },
                parameters: counts.contains(nil) ? nil : counts.reduce(0) { Checked.clampedSum($0, $1 ?? 0) })
        }
        layers = try set.layers.map { layer in
            Layer(
                name: layer.path, kerasClass: layer.kerasClass, inputShape: Shape(extents: layer.inputShape),
                outputShape: Shape(extents: try layer.outputShape()))
        }
        others = set.model?.otherLayers ?? []
        otherLayers = others.map { OtherLayer(name: $0.path, kerasClass: $0.className, calledInTraining: $0.isCalledInTraining) }
    }

    private var heading: String {
        guard let model else { return ("\(path): \(counted(layers.count, "known layer"))" as Sentence).text + "\n" }
        let rest = otherLayers.isEmpty ? "" : ", \(otherLayers.count) of other classes"
        let count = counted(model.layers.count, "layer")
        return ("\(path): model \"\(model.name)\" of \(count), \(counted(layers.count, "convolution"))\(rest)" as Sentence).text + "\n"
    }

    var text: String {
        var text = heading
        for (what, ends) in [("input", model?.inputs ?? []), ("output", model?.outputs ?? [])] {
            for end in ends { text += escaped("  \(what) \(end.name) \(end.shape.text)") + "\n" }
        }
        if let model { text += "\n" + Self.summary(of: model) }
        if !layers.isEmpty { text += "\n" + rows }
        if !others.isEmpty { text += "\nOther layers, which are not computed here:\n" }
        for other in others { text += "  \(other)\n" }
        return text
    }

    var table: String {
        if layers.isEmpty, let model { return heading + Self.summary(of: model) }
        return heading + rows
    }

    /// Every layer, as Keras's summary has them.
    private static func summary(of model: Model) -> String {
        var table = TextTable(["layer", "class", "output", "parameters"])
        for layer in model.layers {
            table.add([layer.name, layer.kerasClass, layer.outputShape.extents == nil ? "-" : layer.outputShape.text, layer.parameters.map { "\($0)" } ?? "-"])
        }
        return table.text + (model.parameters.map { "\($0) parameters\n" } ?? "")
    }

    private var rows: String {
        var table = TextTable([model == nil ? "layer" : "convolution", "class", "input", "output"])
        for layer in layers {
            table.add([layer.name, layer.kerasClass, layer.inputShape.text, layer.outputShape.extents == nil ? "-" : layer.outputShape.text])
        }
        return table.text
    }
}
