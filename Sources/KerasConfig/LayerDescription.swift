import VoxLayerSpec

/// One layer of a file.
public struct LayerDescription: Hashable, Sendable {
    /// The layer without its input shape.
    public let config: LayerConfig
    /// The layer's name in its file, preceded by the names of the models and wrappers around it, each followed by "/". A layer that is
    /// called on inputs of several shapes occurs once for each; from the second on, the number of the call is added: "up", "up[1]".
    public let path: String
    /// (batch, ...) in the layout of the config, nil where an extent is unknown; nil when the file states no shape. Channels are
    /// always known in a shape.
    public let inputShape: [Int?]?
    /// Where the layer comes from, in words (suites have it).
    public let source: String?
    /// The class of the JSON object: "Conv3DTranspose", "Convolution3DTranspose", "Conv3D", "Convolution3D" or "ConvTranspose"
    /// (ONNX-style); "Conv3D" too where an old tf.keras computed that under the name Conv3DTranspose.
    public let kerasClass: String
    /// The config object as it was read, for what `LayerConfig` does not hold (initializers, regularizers, ...).
    public let attributes: JSONObject
    /// The Keras line whose rules the layer was read by.
    public let generation: KerasGeneration

    /// Output shape, unknown extents being nil; nil when the input shape is unknown altogether.
    /// - Throws: `KerasConfigError.inLayer`.
    public func outputShape() throws(KerasConfigError) -> [Int?]? {
        guard let inputShape else { return nil }
        do { return try config.outputShape(inputShape: inputShape) } catch { throw .inLayer(config.name, .spec(error)) }
    }

    /// Numbers in kernel and bias; nil when the channels are unknown.
    var parameterCount: Int? {
        guard let inputShape, let channels = inputShape[config.layout.channelAxis(rank: inputShape.count)] else { return nil }
        let kernel = Checked.clampedCount(config.kernelSize + [channels / config.groups, config.filters])
        return Checked.clampedSum(kernel, config.useBias ? config.filters : 0)
    }

    /// The input shape with this batch, when every other extent is known.
    public func completeInputShape(batch: Int) -> [Int]? {
        guard let inputShape else { return nil }
        var shape = [batch]
        for extent in inputShape.dropFirst() {
            guard let extent else { return nil }
            shape.append(extent)
        }
        return shape
    }

    /// The same layer with another input shape.
    /// - Throws: `KerasConfigError.inLayer` when the layer is illegal for it.
    public func with(inputShape: [Int?]) throws(KerasConfigError) -> LayerDescription {
        let result = LayerDescription(
            config: config, path: path, inputShape: inputShape, source: source, kerasClass: kerasClass, attributes: attributes,
            generation: generation)
        if kerasClass == ONNXLayer.className, let channels = attributes["channels"]?.integer, inputShape.count == 5,
            let received = inputShape[config.layout.channelAxis(rank: 5)], received != channels
        {
            throw .inLayer(config.name, .channels(channels, inputShape: inputShape))
        }
        _ = try result.outputShape()
        return result
    }

    /// The layer with what is computed together with it.
    func fused(_ config: LayerConfig, path: String) -> LayerDescription {
        LayerDescription(
            config: config, path: path, inputShape: inputShape, source: source, kerasClass: kerasClass, attributes: attributes,
            generation: generation)
    }

    /// The same layer under another path, with a shape that was checked, or none.
    func named(path: String, inputShape: [Int?]?) -> LayerDescription {
        LayerDescription(
            config: config, path: path, inputShape: inputShape, source: source, kerasClass: kerasClass, attributes: attributes,
            generation: generation)
    }
}

/// A model: its layers, and those of them that are convolutions.
public struct ModelDescription: Hashable, Sendable {
    /// An input or output.
    public struct End: Hashable, Sendable {
        /// Its key where the model has a dictionary of them, else the name of its layer.
        public let name: String
        /// (batch, ...), nil where an extent is unknown; nil when nothing is known.
        public let shape: [Int?]?
    }

    /// As the file states it; "sequential" when it states none.
    public let name: String
    /// The convolutions in the order of computation, including those inside of models and wrappers. A layer that is called on several
    /// shapes occurs once for each. None where the model has no convolution.
    public let layers: [LayerDescription]
    /// Every layer once, in the order of the first calls, with the layers inside of models and wrappers after these.
    public let allLayers: [ListedLayer]
    /// The convolutions as the plan of the network computes them, where other layers are folded into them or applied by their kernels; named after
    /// all of these, with " + " between. What they need beside the kernels of `layers`.
    package let fusedLayers: [LayerDescription]
    /// The layers that are not computed here, those inside of models and wrappers too.
    public let otherLayers: [OtherLayer]
    /// In the order in which a call takes them; none where a chain has no input layer.
    public let inputs: [End]
    /// In the order in which a call returns them; none for a chain.
    public let outputs: [End]
    /// The Keras line whose rules the layers were read by.
    public let generation: KerasGeneration
    /// Whether there is a layer that has weights, or may have.
    package var needsWeights: Bool { allLayers.contains { $0.parameterCount != 0 } }

    /// `keras_version` where the file has it. Versions up to 2.1.2-tf computed an ordinary convolution under the name
    /// Conv3DTranspose.
    public let kerasVersion: String?
}

/// A layer that is not computed here: of a class that is not known, or called in a way that is not.
public struct OtherLayer: Hashable, Sendable, CustomStringConvertible {
    /// As of `LayerDescription`.
    public let path: String
    /// As the file states it.
    public let className: String
    /// Whether it is called with `training=True`, which changes what it computes.
    public let isCalledInTraining: Bool

    package init(path: String, className: String, isCalledInTraining: Bool = false) {
        (self.path, self.className, self.isCalledInTraining) = (path, className, isCalledInTraining)
    }

    public var description: String {
        let sentence: Sentence = "\"\(path)\" (\(className)\(isCalledInTraining ? ", called with training=True" : ""))"
        return sentence.text
    }
}
