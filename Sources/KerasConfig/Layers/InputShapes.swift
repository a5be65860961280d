import VoxLayerSpec

/// Questions that rules ask of the shapes of their inputs.
enum InputShapes {
    /// TensorFlow's tensors have no more axes. Results that have the axes of two inputs would double them with every layer.
    static let mostAxes = 254

    static func checkRanks(_ shapes: [[Int?]]) throws(KerasConfigError) {
        guard let shape = shapes.first(where: { $0.count > mostAxes }) else { return }
        throw .wrongType(key: "a tensor of", received: "\(shape.count) axes", expected: "at most \(mostAxes)")
    }

    /// The shape of the only input.
    /// - Parameter rank: its number of axes; nil for any.
    static func only(_ inputs: [[Int?]], rank: Int? = nil) throws(KerasConfigError) -> [Int?] {
        try checkRanks(inputs)
        guard let shape = inputs.first, inputs.count == 1 else { throw .layerInputs(inputs, expected: "one input") }
        if let rank, shape.count != rank { throw .layerInputs(inputs, expected: "\(rank) axes") }
        if shape.isEmpty { throw .layerInputs(inputs, expected: "a batch axis at least") }
        return shape
    }

    /// The place of an axis that may be counted from the end.
    static func place(_ axis: Int, in shape: [Int?]) throws(KerasConfigError) -> Int {
        let place = axis < 0 ? axis + shape.count : axis
        guard shape.indices.contains(place) else { throw .layerInputs([shape], expected: "an axis \(axis)") }
        return place
    }

    /// The places of axes, ascending, each once.
    static func places(_ axes: [Int], in shape: [Int?]) throws(KerasConfigError) -> [Int] {
        var places: Set<Int> = []
        for axis in axes { places.insert(try place(axis, in: shape)) }
        if places.count != axes.count { throw .layerInputs([shape], expected: "different axes, not \(axes)") }
        return places.sorted()
    }

    /// Refuses to change the batch axis: samples are apart.
    static func checkBatch(_ places: [Int], _ inputs: [[Int?]]) throws(KerasConfigError) {
        if places.contains(0) { throw .layerInputs(inputs, expected: "other axes than the batch") }
    }

    /// An extent that a weight depends on.
    static func known(_ place: Int, of shape: [Int?]) throws(KerasConfigError) -> Int {
        guard let extent = shape[place] else { throw .layerInputs([shape], expected: "a known extent of axis \(place)") }
        return extent
    }

    /// The number of elements behind the batch axis; nil where an extent is unknown or the number leaves 64 bits.
    static func sampleCount(_ shape: [Int?]) -> Int? {
        var extents: [Int] = []
        for extent in shape.dropFirst() {
            guard let extent else { return nil }
            extents.append(extent)
        }
        return Checked.product(extents)
    }

    /// The shape of an elementwise operation as NumPy broadcasts: aligned at the last axis, extents of 1 repeated. nil where two extents
    /// contradict each other.
    static func broadcast(_ a: [Int?], _ b: [Int?]) -> [Int?]? {
        let rank = max(a.count, b.count)
        func extent(_ shape: [Int?], _ place: Int) -> Int? {
            let own = place - (rank - shape.count)
            return own < 0 ? 1 : shape[own]
        }
        var result: [Int?] = []
        for place in 0..<rank {
            switch (extent(a, place), extent(b, place)) {
            case (let a?, let b?) where a == b: result.append(a)
            case (1?, let other), (let other, 1?): result.append(other)
            // The unknown one must be the same or 1.
            case (nil, let other), (let other, nil): result.append(other)
            default: return nil
            }
        }
        return result
    }
}

extension Layout {
    /// Where the first of three spatial axes stands.
    package var firstSpatialAxis: Int { self == .channelsLast ? 1 : 2 }
}
