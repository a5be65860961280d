import VoxLayerSpec

/// The layers of a file, with unique names.
public struct LayerSet: Hashable, Sendable {
    /// The convolutions, in the order of the file; none only in a model without any.
    public let layers: [LayerDescription]
    /// The model the layers form; nil for a single layer, a list or a suite, whose layers are independent of each other.
    public let model: ModelDescription?
    /// What the user should know about the file, in sentences.
    public let warnings: [String]
    /// What reads the model.
    private let reader: ModelReader?

    /// Reads a serialised layer (Keras of any generation, or ONNX-style), a list of them, a suite (objects with `name`,
    /// `source` and `layer`), or a model of any generation and shape: its convolutions, those of models and wrappers in it included.
    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - generation: the Keras line, when it is known from elsewhere (`keras_version` beside the config in an .h5 or a .keras);
    ///     detected otherwise.
    ///   - kerasVersion: that version itself, where known. Models of TensorFlow 1.4 and 1.5 mean `Conv3D` by Conv3DTranspose.
    ///   - customActivations: names of activations of the user's own, which layers apply themselves; they read as linear.
    /// - Throws: `KerasConfigError`.
    public init(
        json bytes: some Sequence<UInt8>, generation: KerasGeneration? = nil, kerasVersion: String? = nil, customActivations: Set<String> = []
    ) throws(KerasConfigError) {
        try self.init(
            JSONValue(parsing: bytes), generation: generation, kerasVersion: kerasVersion, customActivations: customActivations)
    }

    /// Reads a document that is parsed already.
    public init(
        _ document: JSONValue, generation: KerasGeneration? = nil, kerasVersion: String? = nil, customActivations: Set<String> = []
    ) throws(KerasConfigError) {
        let version = kerasVersion ?? document.object?["keras_version"]?.string
        let evidence = (document.array ?? [document]).map { GenerationEvidence(in: $0, kerasVersion: version) }
        let doubts = evidence.compactMap(\.warning).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let generation = generation ?? (document.object == nil ? nil : evidence.first?.generation)
        var reader = LayerReader(customActivations: customActivations)
        if case .object(let object) = document {
            let misnames = ForwardConvolution.isMeant(inVersion: version)
            reader.misnamesConvolutions = misnames
            if let root = try Self.model(object) {
                let reader = ModelReader(
                    root: root, generation: generation ?? KerasGeneration(detectedIn: document), kerasVersion: version, names: reader)
                let model = try reader.read()
                layers = model.layers
                self.model = model
                self.reader = reader
                warnings = (version.flatMap { misnames ? [ForwardConvolution.warning(version: $0).text] : nil } ?? []) + doubts
                return
            }
            // A layer by itself is what its class is documented to be.
            reader.misnamesConvolutions = false
        }
        warnings = doubts
        switch document {
        case .object(let object) where object["class_name"] != nil:
            layers = [try reader.read(object, generation: generation)]
        case .object(let object) where object["layer"] != nil:
            layers = [try reader.readEntry(object, generation: generation)]
        case .array(let entries):
            if entries.isEmpty { throw .noLayers }
            reader.reserveNames(in: entries)
            var result: [LayerDescription] = []
            for (entry, marks) in zip(entries, evidence) {
                guard case .object(let object) = entry else { throw .unknownDocument(received: entry.excerpt) }
                // Warnings are about the whole entry, so its layer is read by the same marks.
                let line = generation ?? marks.generation
                result.append(
                    object["layer"] != nil
                        ? try reader.readEntry(object, generation: line)
                        : try reader.read(object, generation: line))
            }
            layers = result
        default: throw .unknownDocument(received: document.excerpt)
        }
        model = nil
        self.reader = nil
    }

    private init(layers: [LayerDescription], model: ModelDescription?, warnings: [String], reader: ModelReader?) {
        self.layers = layers
        self.warnings = warnings
        self.model = model
        self.reader = reader
    }

    /// The object as a model, or as a class of the user's own that is made of layers; nil for a layer.
    private static func model(_ object: JSONObject) throws(KerasConfigError) -> ModelLayer? {
        if ModelGraph.isModel(object) { return try ModelLayer(object) }
        guard let className = object["class_name"]?.string, className != ONNXLayer.className, !KerasLayer.classNames.contains(className)
        else { return nil }
        let layer = try ModelLayer(object)
        return layer.parts.isEmpty ? nil : layer
    }

    /// - Throws: `KerasConfigError.noKnownLayers` for a model without a single convolution: there is nothing to make kernels for.
    package func checkConvolutions() throws(KerasConfigError) {
        guard layers.isEmpty, let model else { return }
        let others = model.allLayers.filter { !$0.isInput }.map { OtherLayer(path: $0.path, className: $0.className) }
        throw .noKnownLayers(model: model.name, others)
    }

    /// The same layers for other input shapes. In a model the shapes of further layers follow.
    /// - Parameters:
    ///   - inputShape: of the only input of a model, or of each independent layer; nil for what the file states.
    ///   - inputShapes: of layers by their paths, and of inputs of a model by their names.
    /// - Throws: `KerasConfigError.inLayer` when a layer is illegal for it, `.unknownLayerName`, `.namelessInputShape`.
    public func with(inputShape: [Int?]? = nil, inputShapes: [String: [Int?]] = [:]) throws(KerasConfigError) -> LayerSet {
        if inputShape == nil && inputShapes.isEmpty { return self }
        if let reader {
            let model = try reader.read(inputShape: inputShape, inputShapes: inputShapes)
            return LayerSet(layers: model.layers, model: model, warnings: warnings, reader: reader)
        }
        var left = inputShapes
        var result: [LayerDescription] = []
        for layer in layers {
            guard let shape = left.removeValue(forKey: layer.path) ?? inputShape else {
                result.append(layer)
                continue
            }
            result.append(try layer.with(inputShape: shape))
        }
        if let unknown = left.keys.min() { throw .unknownLayerName(unknown, names: layers.map(\.path)) }
        return LayerSet(layers: result, model: nil, warnings: warnings, reader: nil)
    }
}

/// Reads single layers and keeps their names unique.
struct LayerReader: Hashable {
    let customActivations: Set<String>
    /// Whether Conv3DTranspose means an ordinary convolution.
    var misnamesConvolutions = false
    /// Names in use, each preceded by the scope in which it is unique.
    private var taken: Set<String> = []
    /// Names that occur anywhere in the file, or were given to a layer without a name: no further such layer may get one of them.
    private var reserved: Set<String> = []

    init(customActivations: Set<String>) { self.customActivations = customActivations }

    mutating func reserveNames(in entries: [JSONValue]) {
        for entry in entries {
            guard let object = entry.object else { continue }
            let layer = object["layer"]?.object ?? object
            for name in [object["name"], layer["config"]?.object?["name"]] { if let text = name?.string { reserved.insert(text) } }
        }
    }

    mutating func reserveNames(below layer: ModelLayer) {
        for inner in layer.model?.layers ?? layer.parts {
            if let name = inner.name { reserved.insert(name) }
            reserveNames(below: inner)
        }
    }

    /// An entry of a suite; its name is the layer's.
    mutating func readEntry(_ entry: JSONObject, generation: KerasGeneration?) throws(KerasConfigError) -> LayerDescription {
        let reader = ConfigReader(config: entry, className: "suite entry")
        let layer = try reader.required("layer")
        guard let object = layer.object else { throw reader.wrongType("layer", layer, "an object") }
        return try read(
            object, name: try reader.string("name"), source: try reader.string("source"), generation: generation)
    }

    /// - Parameter scope: within which the name must be unique.
    mutating func read(
        _ object: JSONObject, name given: String? = nil, source: String? = nil, generation: KerasGeneration? = nil, scope: String = ""
    ) throws(KerasConfigError) -> LayerDescription {
        let outer = ConfigReader(config: object, className: "layer")
        guard var className = try outer.string("class_name") else { throw .missingKey("class_name", className: "layer") }
        if misnamesConvolutions, KerasLayer.kind(of: className) == .transposed { className = KerasLayer.className(of: .ordinary) }
        let configValue = try outer.required("config")
        guard let config = configValue.object else { throw outer.wrongType("config", configValue, "an object") }
        let stem =
            className == ONNXLayer.className
            ? "conv_transpose" : KerasLayer.kind(of: className) == .ordinary ? "conv3d" : "conv3d_transpose"
        let stated = try ConfigReader(config: config, className: className).string("name")
        let name = given ?? stated ?? freeName(stem)
        if !taken.insert(scope + name).inserted { throw .duplicateName(name) }
        reserved.insert(name)
        do {
            return try description(object, className, config, name, source, generation ?? KerasGeneration(detectedIn: .object(object)))
        } catch {
            throw error.placed(inLayer: name)
        }
    }

    private func freeName(_ stem: String) -> String {
        var (candidate, number) = (stem, 0)
        while reserved.contains(candidate) {
            number += 1
            candidate = "\(stem)_\(number)"
        }
        return candidate
    }

    private func description(
        _ object: JSONObject, _ className: String, _ config: JSONObject, _ name: String, _ source: String?,
        _ generation: KerasGeneration
    ) throws(KerasConfigError) -> LayerDescription {
        let layer: LayerConfig
        var shape: [Int?]?
        if KerasLayer.classNames.contains(className) {
            layer = try KerasLayer.read(
                config, className: className, name: name, generation: generation, customActivations: customActivations)
            shape = try KerasLayer.inputShape(object: object, layout: layer.layout)
        } else if className == ONNXLayer.className {
            let channels: Int
            (layer, channels) = try ONNXLayer.read(config, name: name)
            // The channels are stated in any case, so there always is a shape.
            var unknown = [Int?](repeating: nil, count: 5)
            unknown[layer.layout.channelAxis(rank: 5)] = channels
            shape = try KerasLayer.inputShape(object: object, layout: layer.layout) ?? unknown
        } else {
            throw .unsupportedClass(className)
        }
        let description = LayerDescription(
            config: layer, path: name, inputShape: shape, source: source, kerasClass: className, attributes: config, generation: generation)
        guard let shape else { return description }
        return try description.with(inputShape: shape)
    }
}
