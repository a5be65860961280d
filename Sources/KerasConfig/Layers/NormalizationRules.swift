import VoxLayerSpec

/// `BatchNormalization` at inference: `(x - moving_mean) / sqrt(moving_variance + epsilon) * gamma + beta` along one axis.
package struct BatchNormalizationRule: LayerRule {
    package let axis: Int
    package let epsilon: Double
    package let center: Bool
    package let scale: Bool
    // Of training alone.
    private let momentum: Double
    private let isSynchronized: Bool

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        axis = try reader.axis("axis", default: -1)
        epsilon = try reader.epsilon(default: 1e-3)
        center = try reader.bool("center") ?? true
        scale = try reader.bool("scale") ?? true
        momentum = try reader.number("momentum") ?? 0.99
        isSynchronized = try reader.bool("synchronized") ?? (reader.className == "SyncBatchNormalization")
        // Renormalization keeps further statistics among the weights.
        if try reader.bool("renorm") ?? false { throw reader.wrongType("renorm", true, "false") }
    }

    package var arguments: JSONObject {
        [
            "axis": .integer(axis), "momentum": .number(momentum), "epsilon": .number(epsilon), "center": .bool(center), "scale": .bool(scale),
            "synchronized": .bool(isSynchronized),
        ]
    }

    package var weights: [WeightRule] {
        (scale ? [WeightRule("gamma", .ones)] : []) + (center ? [WeightRule("beta", .zeros)] : [])
            + [WeightRule("moving_mean", .zeros, isTrainable: false), WeightRule("moving_variance", .ones, isTrainable: false)]
    }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        let shape = try InputShapes.only(inputs)
        let extent = try InputShapes.known(InputShapes.place(axis, in: shape), of: shape)
        return weights.map { _ in [extent] }
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        _ = try InputShapes.place(axis, in: shape)
        return shape
    }
}

/// `LayerNormalization`: over some axes of each sample, to mean 0 and variance 1; with `rms_scaling`, which Keras has deprecated, divided
/// by the standard deviation without taking the mean away.
package struct LayerNormalizationRule: LayerRule {
    package let axes: [Int]
    package let epsilon: Double
    package let center: Bool
    package let scale: Bool
    package let scalesAlone: Bool
    private let isList: Bool

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        axes = try reader.axes("axis", default: [-1])
        if axes.isEmpty { throw reader.wrongType("axis", [], "an axis at least") }
        isList = reader.value("axis")?.array != nil
        epsilon = try reader.epsilon(default: 1e-3)
        center = try reader.bool("center") ?? true
        scale = try reader.bool("scale") ?? true
        scalesAlone = try reader.bool("rms_scaling") ?? false
    }

    package var arguments: JSONObject {
        [
            "axis": isList ? JSONValue(axes) : .integer(axes[0]), "epsilon": .number(epsilon), "center": .bool(center), "scale": .bool(scale),
            "rms_scaling": .bool(scalesAlone),
        ]
    }

    package var hasGamma: Bool { scale || scalesAlone }
    package var hasBeta: Bool { center && !scalesAlone }

    package var weights: [WeightRule] {
        (hasGamma ? [WeightRule("gamma", .ones)] : []) + (hasBeta ? [WeightRule("beta", .zeros)] : [])
    }

    /// The axes over which means are taken, ascending.
    package func places(in shape: [Int?]) throws(KerasConfigError) -> [Int] { try InputShapes.places(axes, in: shape) }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        let shape = try InputShapes.only(inputs)
        var extents: [Int] = []
        for place in try places(in: shape) { extents.append(try InputShapes.known(place, of: shape)) }
        return weights.map { _ in extents }
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        _ = try places(in: shape)
        return shape
    }
}

/// `GroupNormalization`: each sample and group of neighbouring channels to mean 0 and variance 1.
package struct GroupNormalizationRule: LayerRule {
    /// -1 for as many as channels.
    package let groups: Int
    package let axis: Int
    package let epsilon: Double
    package let center: Bool
    package let scale: Bool

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        groups = try reader.integer("groups") ?? 32
        if groups < 1 && groups != -1 { throw reader.wrongType("groups", .integer(groups), "at least 1, or -1 for a group of each channel") }
        axis = try reader.axis("axis", default: -1)
        epsilon = try reader.epsilon(default: 1e-3)
        center = try reader.bool("center") ?? true
        scale = try reader.bool("scale") ?? true
    }

    package var arguments: JSONObject {
        [
            "groups": .integer(groups), "axis": .integer(axis), "epsilon": .number(epsilon), "center": .bool(center), "scale": .bool(scale),
        ]
    }

    package var weights: [WeightRule] {
        (scale ? [WeightRule("gamma", .ones)] : []) + (center ? [WeightRule("beta", .zeros)] : [])
    }

    /// Where the channels are, and into how many groups they fall.
    package func partition(of shape: [Int?]) throws(KerasConfigError) -> (place: Int, groups: Int) {
        let place = try InputShapes.place(axis, in: shape)
        if place == 0 { throw .layerInputs([shape], expected: "channels that are not the batch") }
        let channels = try InputShapes.known(place, of: shape)
        let groups = groups == -1 ? max(1, channels) : groups
        guard channels % groups == 0, channels >= groups else {
            throw .layerInputs([shape], expected: "a multiple of \(groups) groups at axis \(place)")
        }
        return (place, groups)
    }

    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] {
        let shape = try InputShapes.only(inputs)
        let channels = try InputShapes.known(partition(of: shape).place, of: shape)
        return weights.map { _ in [channels] }
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        let place = try InputShapes.place(axis, in: shape)
        if shape[place] != nil { _ = try partition(of: shape) }
        return shape
    }
}

/// `UnitNormalization`: along some axes to length 1.
package struct UnitNormalizationRule: LayerRule {
    package let axes: [Int]
    private let isList: Bool
    /// Keras's least length.
    package static let epsilon = 1e-12

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        axes = try reader.axes("axis", default: [-1])
        isList = reader.value("axis")?.array != nil
        if axes.isEmpty { throw reader.wrongType("axis", [], "an axis at least") }
    }

    package var arguments: JSONObject { ["axis": isList ? JSONValue(axes) : .integer(axes[0])] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        _ = try InputShapes.places(axes, in: shape)
        return shape
    }
}

/// `Softmax` over several axes together, or with a second input, its mask: what that is above a half for is kept. That along one axis of one input is
/// an activation.
package struct SoftmaxRule: LayerRule {
    package let axes: [Int]
    private let isList: Bool

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        axes = try reader.axes("axis", default: [-1])
        isList = reader.value("axis")?.array != nil
        if axes.isEmpty { throw reader.wrongType("axis", [], "an axis at least") }
    }

    package var arguments: JSONObject { ["axis": isList ? JSONValue(axes) : .integer(axes[0])] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(Array(inputs.prefix(1)))
        _ = try InputShapes.places(axes, in: shape)
        if inputs.count > 2 { throw .layerInputs(inputs, expected: "an input and a mask at most") }
        for mask in inputs.dropFirst() {
            let result = InputShapes.broadcast(shape, mask)
            guard let result, result.count == shape.count, zip(result, shape).allSatisfy({ $1 == nil || $0 == $1 }) else {
                throw .layerInputs(inputs, expected: "a mask that can be repeated along the axes of the first")
            }
        }
        return shape
    }
}
