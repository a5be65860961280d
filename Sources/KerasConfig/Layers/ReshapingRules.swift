import VoxLayerSpec

/// `Reshape`: the elements of each sample in other extents, one of which may follow from the others.
package struct ReshapeRule: LayerRule {
    /// Without the batch; -1 for what follows.
    package let target: [Int]

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        guard let target = try reader.integers("target_shape") else { throw .missingKey("target_shape", className: reader.className) }
        self.target = target
        if target.count >= InputShapes.mostAxes { throw reader.wrongType("target_shape", JSONValue(target), "fewer than \(InputShapes.mostAxes) extents") }
        if target.contains(where: { $0 < 1 && $0 != -1 }) || target.count(where: { $0 == -1 }) > 1 {
            throw reader.wrongType("target_shape", JSONValue(target), "extents of at least 1, and -1 at most once")
        }
    }

    package var arguments: JSONObject { ["target_shape": JSONValue(target)] }

    /// What is known of the result of an input that nothing is known of.
    package var statedExtents: [Int?] { target.map { $0 == -1 ? nil : $0 } }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        return [shape[0]] + (try Self.sampleShape(of: inputs, to: target, key: "target_shape"))
    }

    /// The extents of a sample of the only input after a reshape.
    /// - Parameters:
    ///   - target: extents of at least 1, and -1 at most once.
    ///   - key: what the config calls them.
    static func sampleShape(of inputs: [[Int?]], to target: [Int], key: String) throws(KerasConfigError) -> [Int?] {
        guard let count = InputShapes.sampleCount(inputs[0]) else { return target.map { $0 == -1 ? nil : $0 } }
        guard let stated = Checked.product(target.filter { $0 != -1 }), count % stated == 0, target.contains(-1) || count == stated else {
            throw .layerInputs(inputs, expected: "as many elements in a sample as \(key) \(target) has")
        }
        return target.map { $0 == -1 ? count / stated : $0 }
    }
}

/// `Flatten`: the elements of each sample in one axis; of channels_first with the channels last.
package struct FlattenRule: LayerRule {
    package let layout: Layout

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) { layout = try reader.layout(origin) }

    package var arguments: JSONObject { ["data_format": .string(layout.rawValue)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs)
        return [shape[0], InputShapes.sampleCount(shape)]
    }
}

/// `Permute`: the axes of each sample in another order.
package struct PermuteRule: LayerRule {
    /// Counted from 1: the batch is 0 and stays.
    package let order: [Int]

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        guard let order = try reader.integers("dims") else { throw .missingKey("dims", className: reader.className) }
        self.order = order
        if order.sorted() != Array(1..<order.count + 1) { throw reader.wrongType("dims", JSONValue(order), "each axis from 1 on once") }
    }

    package var arguments: JSONObject { ["dims": JSONValue(order)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs, rank: order.count + 1)
        return [shape[0]] + order.map { shape[$0] }
    }
}

/// `RepeatVector`: each sample, a list of numbers, several times.
package struct RepeatVectorRule: LayerRule {
    package let count: Int

    package init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError) {
        guard let count = try reader.integer("n") else { throw .missingKey("n", className: reader.className) }
        if count < 1 { throw reader.wrongType("n", .integer(count), "at least 1") }
        self.count = count
    }

    package var arguments: JSONObject { ["n": .integer(count)] }

    package func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?] {
        let shape = try InputShapes.only(inputs, rank: 2)
        return [shape[0], count, shape[1]]
    }
}
