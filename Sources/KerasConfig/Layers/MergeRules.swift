import VoxLayerSpec

/// `Add`, `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`: tensors of shapes that fit each other, element by element.
package struct MergeRule: LayerRule {
    package enum Function: String, CaseIterable, Hashable, Sendable {
        case add = "Add", subtract = "Subtract", multiply = "Multiply", average = "Average", maximum = "Maximum", minimum = "Minimum"
    }

    package let function: Function

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        guard let function = Function(rawValue: reader.className) else { throw .unsupportedClass(reader.className) }
        self.function = function
    }

    package var arguments: JSONObject { [:] }

    /// The shapes with equally many axes: Keras inserts axes of one behind the batch.
    package static func aligned(_ inputs: [[Int?]]) -> [[Int?]] {
        let rank = inputs.map(\.count).max() ?? 0
        return inputs.map { shape in Array(shape.prefix(1)) + Array(repeating: 1, count: rank - shape.count) + Array(shape.dropFirst()) }
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        try InputShapes.checkRanks(inputs)
        if inputs.isEmpty || inputs.contains(where: \.isEmpty) { throw .layerInputs(inputs, expected: "inputs with a batch axis") }
        if function == .subtract, inputs.count != 2 { throw .layerInputs(inputs, expected: "two inputs") }
        let batches = Set(inputs.compactMap { $0[0] })
        if batches.count > 1 { throw .layerInputs(inputs, expected: "equal batch extents") }
        let shapes = Self.aligned(inputs)
        var result = shapes[0]
        for shape in shapes.dropFirst() {
            guard let merged = InputShapes.broadcast(result, shape) else {
                throw .layerInputs(inputs, expected: "extents that are equal, or 1 to be repeated")
            }
            result = merged
        }
        return result
    }
}

/// `Concatenate`: tensors side by side along one axis.
package struct ConcatenateRule: LayerRule {
    package let axis: Int

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) { axis = try reader.axis("axis", default: -1) }

    init(axis: Int) { self.axis = axis }

    package var arguments: JSONObject { ["axis": .integer(axis)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        try InputShapes.checkRanks(inputs)
        guard var result = inputs.first else { throw .layerInputs(inputs, expected: "inputs") }
        let place = try InputShapes.place(axis, in: result)
        for shape in inputs.dropFirst() {
            let isAlike = shape.count == result.count && shape.indices.allSatisfy { index in
                index == place || shape[index] == nil || result[index] == nil || shape[index] == result[index]
            }
            if !isAlike { throw .layerInputs(inputs, expected: "equal extents of all axes but \(place)") }
            for index in shape.indices where index != place { result[index] = result[index] ?? shape[index] }
            result[place] = result[place].flatMap { one in shape[place].map { Checked.clampedSum(one, $0) } }
        }
        return result
    }
}

/// `Dot`: sums of products along one axis of each of two tensors, sample by sample.
package struct DotRule: LayerRule {
    package let axes: [Int]
    /// Whether both are divided by their lengths along the axis before.
    package let normalize: Bool
    private let axesValue: JSONValue

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        axesValue = try reader.required("axes")
        let axes = try reader.axes("axes", default: [])
        self.axes = axes.count == 1 && axesValue.array == nil ? axes + axes : axes
        if self.axes.count != 2 { throw reader.wrongType("axes", axesValue, "an axis, or one for each of two inputs") }
        normalize = try reader.bool("normalize") ?? false
    }

    package var arguments: JSONObject { ["axes": axesValue, "normalize": .bool(normalize)] }

    /// The places of the axis in either input.
    package func places(in inputs: [[Int?]]) throws(KerasConfigError) -> [Int] {
        try InputShapes.checkRanks(inputs)
        if inputs.count != 2 { throw .layerInputs(inputs, expected: "two inputs") }
        let places = [try InputShapes.place(axes[0], in: inputs[0]), try InputShapes.place(axes[1], in: inputs[1])]
        try InputShapes.checkBatch(places, inputs)
        if let a = inputs[0][places[0]], let b = inputs[1][places[1]], a != b { throw .layerInputs(inputs, expected: "equal extents of the axes \(places)") }
        if let a = inputs[0][0], let b = inputs[1][0], a != b { throw .layerInputs(inputs, expected: "equal batch extents") }
        return places
    }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let places = try places(in: inputs)
        var (first, second) = (inputs[0], inputs[1])
        first.remove(at: places[0])
        second.remove(at: places[1])
        let result = first + second.dropFirst()
        try InputShapes.checkRanks([result])
        return result.count == 1 ? result + [1] : result
    }
}
