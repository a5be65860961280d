import VoxLayerSpec

/// `Dense`: sums of products along the last axis, a bias and an activation.
package struct DenseRule: LayerRule {
    package let units: Int
    package let usesBias: Bool
    package let activation: Activation
    private let activationValue: JSONValue

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        guard let units = try reader.integer("units") else { throw .missingKey("units", className: reader.className) }
        if units < 1 { throw reader.wrongType("units", .integer(units), "at least 1") }
        self.units = units
        usesBias = try reader.bool("use_bias") ?? true
        activation = try reader.activation("activation", origin)
        // One of the user's own is written by the layer that has it.
        activationValue = ActivationNames.json(activation)
        // These keep other weights.
        for key in ["lora_rank", "quantization_config"] { if let value = reader.value(key) { throw reader.wrongType(key, value, "null") } }
    }

    package var arguments: JSONObject { ["units": .integer(units), "activation": activationValue, "use_bias": .bool(usesBias)] }

    package var weights: [WeightRule] {
        [WeightRule("kernel", .glorotUniform, isRounded: true)] + (usesBias ? [WeightRule("bias", .zeros, isRounded: true)] : [])
    }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        let shape = try InputShapes.only(inputs)
        if shape.count < 2 { throw .layerInputs(inputs, expected: "two axes at least") }
        let channels = try InputShapes.known(shape.count - 1, of: shape)
        return [[channels, units]] + (usesBias ? [[units]] : [])
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        if shape.count < 2 { throw .layerInputs(inputs, expected: "two axes at least") }
        let sums = shape.dropLast() + [units]
        return try wrappingSpecError { () throws(SpecError) in try activation.shape(of: Array(sums)) }
    }
}
