extension LayerConfig {
    /// The output shape for an input shape in which extents may be unknown.
    /// - Parameter inputShape: batch, spatial extents and channels as `layout` orders them; nil where unknown. The channels must
    ///   be known.
    /// - Returns: batch as given, nil for each spatial axis whose input is unknown, `filters` as channels; what the activation
    ///   makes of that (`glu` halves an axis).
    /// - Throws: `SpecError` as `geometry(inputShape:)` does for what is known.
    public func outputShape(inputShape: [Int?]) throws(SpecError) -> [Int?] {
        try activation.shape(of: sumShape(inputShape: inputShape))
    }

    private func sumShape(inputShape: [Int?]) throws(SpecError) -> [Int?] {
        let rank = kernelSize.count + 2
        if inputShape.count != rank { throw .wrongCount("input shape", inputShape.map { $0 ?? -1 }, expected: rank) }
        let channelAxis = layout.channelAxis(rank: rank)
        if let batch = inputShape[0], batch < 0 { throw .tooSmall("batch", batch, minimum: 0) }
        let isComplete = !inputShape.indices.contains { $0 != 0 && $0 != channelAxis && inputShape[$0] == nil }
        guard let channels = inputShape[channelAxis] else { throw .tooSmall("number of channels", 0, minimum: 1) }
        if isComplete {
            let geometry = try geometry(inputShape: inputShape.map { $0 ?? 0 })
            let sums = kind == .transposed ? geometry.outputShape(batch: 0, layout: layout) : geometry.inputShape(batch: 0, layout: layout)
            var shape = sums.map { Optional($0) }
            shape[0] = inputShape[0]
            return shape
        }
        if channels < 1 { throw .tooSmall("number of channels", channels, minimum: 1) }
        if groups < 1 { throw .tooSmall("number of groups", groups, minimum: 1) }
        if channels % groups != 0 { throw .groupsDoNotDivide(groups: groups, what: "channels", channels) }
        if filters % groups != 0 { throw .groupsDoNotDivide(groups: groups, what: "filters", filters) }
        var shape = inputShape
        shape[channelAxis] = filters
        for axis in kernelSize.indices {
            let position = layout == .channelsLast ? axis + 1 : axis + 2
            guard let input = inputShape[position] else { continue }
            let resolved = try axisGeometry(axis, input: input)
            shape[position] = kind == .transposed ? resolved.output : resolved.input
        }
        return shape
    }
}
