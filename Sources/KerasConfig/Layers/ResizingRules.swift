import VoxLayerSpec

/// `UpSampling3D`: each voxel repeated along the three axes.
package struct UpSamplingRule: LayerRule {
    package let size: [Int]
    package let layout: Layout

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        size = try reader.sizes("size", default: [2, 2, 2])
        layout = try reader.layout(origin)
    }

    package var arguments: JSONObject { ["size": JSONValue(size), "data_format": .string(layout.rawValue)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        var shape = try InputShapes.only(inputs, rank: 5)
        for axis in 0..<3 {
            let place = layout.firstSpatialAxis + axis
            shape[place] = shape[place].map { Checked.clampedProduct($0, size[axis]) }
        }
        return shape
    }
}

/// `ZeroPadding3D` and `Cropping3D`: places added to or taken from both ends of the three axes.
package struct EndsRule: LayerRule {
    package let isCropping: Bool
    /// For each axis, how many places at its beginning and at its end.
    package let ends: [[Int]]
    package let layout: Layout

    private var key: String { isCropping ? "cropping" : "padding" }

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        isCropping = reader.className.hasPrefix("Cropping")
        ends = try reader.ends(isCropping ? "cropping" : "padding", default: 1)
        layout = try reader.layout(origin)
    }

    package var arguments: JSONObject {
        [key: .array(ends.map { JSONValue($0) }), "data_format": .string(layout.rawValue)]
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        var shape = try InputShapes.only(inputs, rank: 5)
        for axis in 0..<3 {
            let place = layout.firstSpatialAxis + axis
            guard let extent = shape[place] else { continue }
            let total = ends[axis][0] + ends[axis][1]
            if isCropping, extent <= total { throw .layerInputs(inputs, expected: "more than \(total) at axis \(place), which are cropped") }
            shape[place] = isCropping ? extent - total : Checked.clampedSum(extent, total)
        }
        return shape
    }
}
