import VoxLayerSpec

/// How layers that are not computed here change the shape of what they receive, as far as their configs tell.
enum LayerShapes {
    private static let preserving: Set<String> = [
        "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization", "LayerNormalization",
        "GroupNormalization", "InstanceNormalization", "UnitNormalization", "RMSNormalization", "PReLU", "Masking",
    ]
    private static let merging: Set<String> = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]

    /// The shape of the only result; nil where it is unknown. Extents are nil where unknown.
    static func output(of object: JSONObject, inputs: [[Int?]?]) -> [Int?]? {
        // Operations of Keras 3 share names with layers, and take other arguments.
        if object["module"]?.string?.contains(".ops") == true || ElementwiseLayer.isCustom(object) { return nil }
        guard let className = object["class_name"]?.string else { return nil }
        let config = object["config"]?.object ?? [:]
        if className == "Reshape" { return reshaped(config, batch: inputs.first.flatMap(\.self)?.first.flatMap(\.self)) }
        var shapes: [[Int?]] = []
        for input in inputs {
            guard let input else { return nil }
            shapes.append(input)
        }
        guard let first = shapes.first else { return nil }
        if preserving.contains(className) { return first }
        if merging.contains(className) || className == "Concatenate" {
            return merged(shapes, axis: className == "Concatenate" ? integer(config["axis"]) ?? -1 : nil)
        }
        guard shapes.count == 1, first.count == 5, let spatial = spatialRule(className, config) else { return nil }
        guard let layout = try? KerasRules.layout(named: config["data_format"]?.string ?? Layout.channelsLast.rawValue) else { return nil }
        var result = first
        let start = layout == .channelsLast ? 1 : 2
        for axis in 0..<3 {
            guard let extent = first[start + axis] else { continue }
            guard let length = spatial(axis, extent), length >= 1 else { return nil }
            result[start + axis] = length
        }
        return result
    }

    private static func integer(_ json: JSONValue?) -> Int? {
        if let value = json?.integer { return value }
        return nil
    }

    /// Three numbers, or one for all three axes.
    private static func triple(_ json: JSONValue?) -> [Int]? {
        if let value = integer(json) { return [value, value, value] }
        guard let list = json?.array else { return nil }
        let values = list.compactMap(integer)
        return values.count == 3 && list.count == 3 ? values : nil
    }

    /// Three pairs, three numbers, or one.
    private static func pairs(_ json: JSONValue?) -> [(Int, Int)]? {
        if let values = triple(json) { return values.map { ($0, $0) } }
        guard let list = json?.array, list.count == 3 else { return nil }
        var result: [(Int, Int)] = []
        for element in list {
            guard let pair = element.array, pair.count == 2, let first = integer(pair[0]), let last = integer(pair[1]) else { return nil }
            result.append((first, last))
        }
        return result
    }

    private static func reshaped(_ config: JSONObject, batch: Int?) -> [Int?]? {
        guard let list = config["target_shape"]?.array, !list.isEmpty else { return nil }
        let extents = list.map { value in integer(value).flatMap { $0 > 0 ? $0 : nil } }
        return [batch] + extents
    }

    /// Equal extents, added up along one axis where there is one.
    private static func merged(_ shapes: [[Int?]], axis: Int?) -> [Int?]? {
        var result = shapes[0]
        let sum = axis.map { $0 < 0 ? $0 + result.count : $0 } ?? -1
        if sum >= result.count { return nil }
        for shape in shapes.dropFirst() {
            if shape.count != result.count { return nil }
            for index in shape.indices {
                if index == sum {
                    result[index] = result[index].flatMap { one in shape[index].flatMap { sizes(one, $0) } }
                } else if let known = result[index], let other = shape[index] {
                    // Extents of 1 are repeated.
                    if known != other && known != 1 && other != 1 { return nil }
                    result[index] = max(known, other)
                } else {
                    result[index] = result[index] ?? shape[index]
                }
            }
        }
        return result
    }

    private static func sizes(_ a: Int, _ b: Int) -> Int? {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : sum
    }

    /// How a layer changes the length of a spatial axis; nil for layers of other classes.
    private static func spatialRule(_ className: String, _ config: JSONObject) -> ((_ axis: Int, _ extent: Int) -> Int?)? {
        switch className {
        case "UpSampling3D":
            guard let factors = triple(config["size"]) else { return nil }
            return { axis, extent in Checked.product([extent, factors[axis]]) }
        case "ZeroPadding3D", "Cropping3D":
            guard let ends = pairs(config[className == "Cropping3D" ? "cropping" : "padding"]) else { return nil }
            return { axis, extent in
                guard let total = sizes(ends[axis].0, ends[axis].1), total >= 0 else { return nil }
                return className == "Cropping3D" ? extent - total : sizes(extent, total)
            }
        case "MaxPooling3D", "AveragePooling3D":
            guard let pool = triple(config["pool_size"]), let strides = triple(config["strides"]) ?? triple(config["pool_size"]),
                pool.allSatisfy({ $0 >= 1 }), strides.allSatisfy({ $0 >= 1 })
            else { return nil }
            let isSame = config["padding"]?.string == KerasPadding.same.rawValue
            return { axis, extent in isSame ? (extent - 1) / strides[axis] + 1 : (extent - pool[axis]) / strides[axis] + 1 }
        default: return nil
        }
    }
}

/// The wrapper that applies a layer to every step of axis 1.
enum TimeAxis {
    static let wrapperClass = "TimeDistributed"

    /// The shape of one step.
    static func removed(from shape: [Int?]) -> [Int?]? { shape.count < 3 ? nil : [shape[0]] + shape[2...] }

    /// The shape of all steps of `whole`.
    static func restored(to step: [Int?], like whole: [Int?]) -> [Int?]? {
        step.isEmpty || whole.count < 2 ? nil : [step[0], whole[1]] + step[1...]
    }
}
