import VoxLayerSpec

/// Numbers that stand in a config: one, or a list of any depth.
package struct ConfigNumbers: Hashable, Sendable {
    /// Empty for a single number.
    package let shape: [Int]
    package let values: [Double]
    /// As it was written.
    package let json: JSONValue

    /// - Parameter json: a number, nested lists of numbers, or what Keras 3 makes of an array (`__numpy__`, `__tensor__`).
    /// - Returns: nil for anything else, ragged lists among it.
    package init?(_ json: JSONValue) {
        self.json = json
        guard let (shape, values) = Self.read(json) else { return nil }
        (self.shape, self.values) = (shape, values)
    }

    private init(shape: [Int], values: [Double], json: JSONValue) { (self.shape, self.values, self.json) = (shape, values, json) }

    /// The same numbers with other values, such as rounded ones.
    package func mapped(_ function: (Double) -> Double) -> ConfigNumbers { ConfigNumbers(shape: shape, values: values.map(function), json: json) }

    private static func read(_ json: JSONValue) -> ([Int], [Double])? {
        if let number = json.number { return ([], [number]) }
        if let object = json.object {
            guard ["__numpy__", "__tensor__"].contains(object["class_name"]?.string), let value = object["config"]?.object?["value"] else { return nil }
            return read(value)
        }
        guard let list = json.array, !list.isEmpty else { return nil }
        var inner: [Int]?
        var values: [Double] = []
        for element in list {
            guard let (shape, numbers) = read(element), inner == nil || inner == shape else { return nil }
            inner = shape
            values += numbers
        }
        return ([list.count] + (inner ?? []), values)
    }
}

/// `Rescaling`: `x * scale + offset`, numbers or lists along the last axes.
package struct RescalingRule: LayerRule {
    package var scale: ConfigNumbers
    package var offset: ConfigNumbers

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        func numbers(_ key: String, _ standard: JSONValue?) throws(KerasConfigError) -> ConfigNumbers {
            guard let json = reader.value(key) ?? standard else { throw .missingKey(key, className: reader.className) }
            guard let numbers = ConfigNumbers(json) else { throw reader.wrongType(key, json, "a number or a list of numbers") }
            return numbers
        }
        scale = try numbers("scale", nil)
        offset = try numbers("offset", 0)
    }

    package var arguments: JSONObject { ["scale": scale.json, "offset": offset.json] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        for numbers in [scale, offset] {
            guard let result = InputShapes.broadcast(shape, numbers.shape), result.count == shape.count,
                zip(result, shape).allSatisfy({ $1 == nil || $0 == $1 })
            else { throw .layerInputs(inputs, expected: "axes that numbers of shape \(numbers.shape) can be repeated along") }
        }
        return shape
    }
}

/// `Normalization`: with numbers of the config or adapted ones, `(x - mean) / max(sqrt(variance), 1e-7)`, or the way back.
package struct NormalizationRule: LayerRule {
    /// The axes that have numbers of their own.
    package let axes: [Int]
    package let isInverse: Bool
    /// nil where they were adapted, and are weights.
    package var mean: ConfigNumbers?
    package var variance: ConfigNumbers?
    private let axisValue: JSONValue
    /// Keras's least standard deviation.
    package static let epsilon = 1e-7

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        // null stands for no axis; absence for the last.
        axisValue = reader.config["axis"] ?? -1
        axes = axisValue.isNull ? [] : try reader.axes("axis", default: [-1])
        isInverse = try reader.bool("invert") ?? false
        func numbers(_ key: String) throws(KerasConfigError) -> ConfigNumbers? {
            guard let json = reader.value(key) else { return nil }
            guard let numbers = ConfigNumbers(json) else { throw reader.wrongType(key, json, "a number or a list of numbers") }
            return numbers
        }
        (mean, variance) = (try numbers("mean"), try numbers("variance"))
        if (mean == nil) != (variance == nil) || mean?.shape != variance?.shape {
            throw reader.wrongType("variance", reader.value("variance") ?? .null, "as many numbers as mean has")
        }
    }

    package var arguments: JSONObject {
        ["axis": axisValue, "invert": .bool(isInverse), "mean": mean?.json ?? .null, "variance": variance?.json ?? .null]
    }

    package var weights: [WeightRule] {
        if mean != nil { return [] }
        return [
            WeightRule("mean", .zeros, isTrainable: false, isRounded: true), WeightRule("variance", .ones, isTrainable: false, isRounded: true),
            WeightRule("count", .zeros, isTrainable: false),
        ]
    }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        if mean != nil { return [] }
        let shape = try InputShapes.only(inputs)
        var extents: [Int] = []
        for place in try InputShapes.places(axes, in: shape) { extents.append(try InputShapes.known(place, of: shape)) }
        return [extents, extents, []]
    }

    /// The shape of the numbers among the kept axes, the last of which they have.
    package func parameterShape(in shape: [Int?]) throws(KerasConfigError) -> (places: [Int], extents: [Int]) {
        let places = try InputShapes.places(axes, in: shape)
        guard let mean else {
            var extents: [Int] = []
            for place in places { extents.append(try InputShapes.known(place, of: shape)) }
            return (places, extents)
        }
        let own = places.suffix(mean.shape.count)
        for (place, extent) in zip(own, mean.shape) where extent != 1 && shape[place] != nil && shape[place] != extent {
            throw .layerInputs([shape], expected: "\(extent) at axis \(place), as the config's mean has")
        }
        if mean.shape.count > places.count { throw .layerInputs([shape], expected: "\(mean.shape.count) axes in \"axis\", as the config's mean has") }
        return (Array(own), mean.shape)
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        let places = try InputShapes.places(axes, in: shape)
        if mean != nil || places.allSatisfy({ shape[$0] != nil }) { _ = try parameterShape(in: shape) }
        return shape
    }
}

/// `PReLU`: `x` where it is positive, `alpha * x` elsewhere; alphas for each place of a sample, but for the shared axes.
package struct PReLURule: LayerRule {
    /// Counted with the batch as 0.
    package let sharedAxes: [Int]
    private let sharedValue: JSONValue

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        sharedAxes = try reader.axes("shared_axes", default: [])
        sharedValue = reader.value("shared_axes") == nil ? .null : JSONValue(sharedAxes)
        if sharedAxes.contains(where: { $0 < 1 }) { throw reader.wrongType("shared_axes", sharedValue, "axes from 1 on") }
    }

    package var arguments: JSONObject { ["shared_axes": sharedValue] }
    package var weights: [WeightRule] { [WeightRule("alpha", .zeros, isRounded: true)] }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        let shape = try InputShapes.only(inputs)
        let shared = try InputShapes.places(sharedAxes, in: shape)
        var extents: [Int] = []
        for place in shape.indices.dropFirst() { extents.append(shared.contains(place) ? 1 : try InputShapes.known(place, of: shape)) }
        return [extents]
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        _ = try InputShapes.places(sharedAxes, in: shape)
        return shape
    }
}
