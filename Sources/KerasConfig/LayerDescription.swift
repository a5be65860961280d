import LayerSpec

/// One layer of a file.
public struct LayerDescription: Hashable, Sendable {
    /// The layer without its input shape.
    public let config: LayerConfig
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
            config: config, inputShape: inputShape, source: source, kerasClass: kerasClass, attributes: attributes,
            generation: generation)
        if kerasClass == ONNXLayer.className, case .integer(let channels)? = attributes["channels"], inputShape.count == 5,
            let received = inputShape[config.layout.channelAxis(rank: 5)], received != channels
        {
            throw .inLayer(config.name, .channels(channels, inputShape: inputShape))
        }
        _ = try result.outputShape()
        return result
    }
}

/// A model that is a chain of layers.
public struct ModelDescription: Hashable, Sendable {
    /// As the file states it; "sequential" when it states none.
    public let name: String
    /// In the order of computation. When the first has an input shape, all have one.
    public let layers: [LayerDescription]
    /// The Keras line whose rules the layers were read by.
    public let generation: KerasGeneration
    /// `keras_version` where the file has it. Versions up to 2.1.2-tf computed a forward convolution under the name
    /// Conv3DTranspose.
    public let kerasVersion: String?
}
