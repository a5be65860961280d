import VoxLayerSpec

/// `MaxPooling3D`, `AveragePooling3D`: the largest number or the mean of windows.
package struct PoolingRule: LayerRule {
    package let isMaximum: Bool
    package let poolSize: [Int]
    package let strides: [Int]
    package let padding: KerasPadding
    package let layout: Layout

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        isMaximum = reader.className.hasPrefix("Max")
        poolSize = try reader.sizes("pool_size", default: [2, 2, 2])
        strides = try reader.sizes("strides", default: poolSize)
        padding = try KerasRules.padding(named: reader.string("padding") ?? KerasPadding.valid.rawValue)
        layout = try reader.layout(origin)
    }

    package var arguments: JSONObject {
        [
            "pool_size": JSONValue(poolSize), "padding": .string(padding.rawValue), "strides": JSONValue(strides), "data_format": .string(layout.rawValue),
        ]
    }

    /// How many windows there are along an axis, and how many places before its beginning the first one starts; nil for an axis that is
    /// shorter than a window. Where padding is uneven, the larger part follows.
    package func windows(axis: Int, extent: Int) -> (count: Int, before: Int)? {
        let (size, stride) = (poolSize[axis], strides[axis])
        if extent < 1 { return nil }
        if padding == .valid { return extent < size ? nil : ((extent - size) / stride + 1, 0) }
        let count = (extent - 1) / stride + 1
        return (count, max(0, size - extent + (count - 1) * stride) / 2)
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        var shape = try InputShapes.only(inputs, rank: 5)
        for axis in 0..<3 {
            let place = layout.firstSpatialAxis + axis
            guard let extent = shape[place] else { continue }
            guard let windows = windows(axis: axis, extent: extent) else { throw .layerInputs(inputs, expected: "at least \(poolSize[axis]) at axis \(place)") }
            shape[place] = windows.count
        }
        return shape
    }
}

/// `GlobalMaxPooling3D`, `GlobalAveragePooling3D`: one number of each sample and channel.
package struct GlobalPoolingRule: LayerRule {
    package let isMaximum: Bool
    package let keepsAxes: Bool
    package let layout: Layout

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        isMaximum = reader.className.hasPrefix("GlobalMax")
        keepsAxes = try reader.bool("keepdims") ?? false
        layout = try reader.layout(origin)
    }

    package var arguments: JSONObject { ["data_format": .string(layout.rawValue), "keepdims": .bool(keepsAxes)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs, rank: 5)
        let channels = shape[layout.channelAxis(rank: 5)]
        if !keepsAxes { return [shape[0], channels] }
        return layout == .channelsLast ? [shape[0], 1, 1, 1, channels] : [shape[0], channels, 1, 1, 1]
    }
}
