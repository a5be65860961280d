import VoxLayerSpec

/// How layers other than convolutions change the shape of what they receive, as far as their configs tell.
enum LayerShapes {
    /// Classes that are not computed here and whose result has the shape of their input.
    private static let preserving: Set<String> = ["InstanceNormalization", "RMSNormalization", "Masking"]

    /// The shape of the only result; nil where it is unknown. Extents are nil where unknown.
    /// - Parameter rule: of the layer, where it has one.
    static func output(of object: JSONObject, rule: (any LayerRule)?, inputs: [[Int?]?]) -> [Int?]? {
        // Part of its result is known whatever arrives.
        if let rule = rule as? ReshapeRule, let input = inputs.first, input == nil { return [nil] + rule.statedExtents }
        var shapes: [[Int?]] = []
        for input in inputs {
            guard let input else { return nil }
            shapes.append(input)
        }
        if let rule { return try? rule.outputShape(shapes) }
        if LayerTable.isOperation(object) || ElementwiseLayer.isCustom(object) { return nil }
        return preserving.contains(object["class_name"]?.string ?? "") ? shapes.first : nil
    }

    /// How many numbers the weights of a layer have; nil where that depends on what is unknown.
    static func parameterCount(_ rule: any LayerRule, inputs: [[Int?]?]) -> Int? {
        if rule.weights.isEmpty { return 0 }
        let known = inputs.compactMap(\.self)
        guard known.count == inputs.count, let shapes = try? rule.weightShapes(known) else { return nil }
        return shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1)) }
    }
}

/// The wrapper that applies a layer to every step of axis 1.
package enum TimeAxis {
    package static let wrapperClass = "TimeDistributed"

    /// The entry of the layer that an entry of Keras's wrapper applies; nil for another class, one of the user's own under this name too.
    static func wrapped(_ object: JSONObject) -> JSONObject? {
        if object["class_name"]?.string != wrapperClass || ElementwiseLayer.isCustom(object) { return nil }
        return object["config"]?.object?["layer"]?.object
    }

    /// The shape of one step; nil for too few axes.
    package static func removed(from shape: [Int?]) -> [Int?]? { shape.count < 3 ? nil : [shape[0]] + shape[2...] }

    /// The shape of all steps of `whole`.
    package static func restored(to step: [Int?], like whole: [Int?]) -> [Int?]? {
        step.isEmpty || whole.count < 2 ? nil : [step[0], whole[1]] + step[1...]
    }
}
