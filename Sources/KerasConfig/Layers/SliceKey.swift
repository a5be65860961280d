import VoxLayerSpec

/// What stands between the brackets of `x[...]`: which part of a tensor is taken, as NumPy reads it.
package struct SliceKey: Hashable, Sendable {
    enum Entry: Hashable, Sendable {
        case slice(start: Int?, stop: Int?, step: Int?)
        case index(Int)
        case newAxis
        case ellipsis
    }

    /// What becomes of one axis.
    package struct Part: Hashable, Sendable {
        /// Of the tensor; nil for an axis that the result has more.
        package let axis: Int?
        /// The first place that is taken, and how far it is to the next one.
        package let first: Int
        package let step: Int
        /// How many are taken; nil where the extent is unknown.
        package let count: Int?
        /// Whether the result has the axis.
        package let isKept: Bool

        /// Whether the axis stays as it is.
        let isWhole: Bool
    }

    let entries: [Entry]

    /// - Parameter argument: of the call: an entry or a list of them.
    /// - Throws: `KerasConfigError.wrongType` for what is no key, such as one with tensors or lists of places in it.
    init(_ argument: CallArgument) throws(KerasConfigError) {
        guard let json = argument.json else { throw .wrongType(key: "key of GetItem", received: "a tensor", expected: "no tensor there") }
        var entries: [Entry] = []
        for entry in json.array ?? [json] { entries.append(try Self.entry(entry)) }
        if entries.count(where: { $0 == .ellipsis }) > 1 { throw .wrongType(key: "key of GetItem", received: json.excerpt, expected: "one ellipsis at most") }
        self.entries = entries
    }

    private static func entry(_ json: JSONValue) throws(KerasConfigError) -> Entry {
        if json.isNull { return .newAxis }
        if let index = json.integer { return .index(bounded(index)) }
        // Keras 3 has the numbers of a slice in a config, Keras 2 beside each other.
        if let object = json.object, object["class_name"] == "__ellipsis__" { return .ellipsis }
        let numbers = json.object.flatMap { $0["class_name"] == "__slice__" ? $0["config"]?.object : $0 }
        guard let numbers, numbers.keys.allSatisfy({ ["start", "stop", "step"].contains($0) }) else {
            throw .wrongType(key: "key of GetItem", received: json.excerpt, expected: "slices, integers, null and an ellipsis")
        }
        let reader = ConfigReader(config: numbers, className: "slice")
        let step = try reader.integer("step").map(bounded)
        if step == 0 { throw reader.wrongType("step", 0, "another number than 0") }
        return .slice(start: try reader.integer("start").map(bounded), stop: try reader.integer("stop").map(bounded), step: step)
    }

    /// Numbers beyond every extent mean the same, however large they are; sums of them with extents stay in 64 bits.
    private static func bounded(_ number: Int) -> Int { max(-(1 << 62), min(1 << 62, number)) }

    /// As Keras 3 writes it.
    package var json: JSONValue {
        func number(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
        return .array(
            entries.map { entry in
                switch entry {
                case .slice(let start, let stop, let step):
                    ["class_name": "__slice__", "config": ["start": number(start), "stop": number(stop), "step": number(step)]]
                case .index(let index): .integer(index)
                case .newAxis: .null
                case .ellipsis: ["class_name": "__ellipsis__", "config": [:]]
                }
            })
    }

    /// What becomes of the axes of a tensor, and which are new, in the order of the result.
    /// - Throws: `KerasConfigError.layerInputs` for places that the tensor does not have, and for a key that changes the batch.
    package func parts(of shape: [Int?]) throws(KerasConfigError) -> [Part] {
        let consumed = entries.count { $0 != .newAxis && $0 != .ellipsis }
        if consumed > shape.count { throw .layerInputs([shape], expected: "\(consumed) axes at least, which the key \(json.excerpt) is for") }
        var (parts, axis): ([Part], Int) = ([], 0)
        func whole(_ count: Int) {
            for _ in 0..<count {
                parts.append(Part(axis: axis, first: 0, step: 1, count: shape[axis], isKept: true, isWhole: true))
                axis += 1
            }
        }
        for entry in entries {
            switch entry {
            case .newAxis: parts.append(Part(axis: nil, first: 0, step: 1, count: 1, isKept: true, isWhole: false))
            case .ellipsis: whole(shape.count - consumed)
            case .index, .slice:
                parts.append(try Self.part(entry, axis, of: shape))
                axis += 1
            }
        }
        whole(shape.count - axis)
        guard let batch = parts.first, batch.axis == 0, batch.isWhole else {
            throw .layerInputs([shape], expected: "a key that leaves the batch as it is, not \(json.excerpt)")
        }
        return parts
    }

    private static func part(_ entry: Entry, _ axis: Int, of shape: [Int?]) throws(KerasConfigError) -> Part {
        let extent = shape[axis]
        guard case .slice(let start, let stop, let step) = entry else {
            guard case .index(let index) = entry else { return Part(axis: axis, first: 0, step: 1, count: extent, isKept: true, isWhole: true) }
            guard let extent else { return Part(axis: axis, first: max(0, index), step: 1, count: 1, isKept: false, isWhole: false) }
            let place = index < 0 ? index + extent : index
            guard (0..<extent).contains(place) else { throw .layerInputs([shape], expected: "a place \(index) along axis \(axis)") }
            return Part(axis: axis, first: place, step: 1, count: 1, isKept: false, isWhole: false)
        }
        let isWhole = (start ?? 0) == 0 && stop == nil && (step ?? 1) == 1
        guard let extent else { return Part(axis: axis, first: 0, step: 1, count: nil, isKept: true, isWhole: isWhole) }
        let (first, count) = places(start, stop, step ?? 1, extent)
        // An empty batch is no fault of the key.
        if count == 0, !isWhole { throw .layerInputs([shape], expected: "a slice that leaves something of axis \(axis)") }
        return Part(axis: axis, first: first, step: step ?? 1, count: count, isKept: true, isWhole: isWhole)
    }

    /// Python's `slice.indices`.
    private static func places(_ start: Int?, _ stop: Int?, _ step: Int, _ extent: Int) -> (first: Int, count: Int) {
        let (lower, upper) = step < 0 ? (-1, extent - 1) : (0, extent)
        func place(_ number: Int) -> Int { number < 0 ? max(number + extent, lower) : min(number, upper) }
        let first = start.map(place) ?? (step < 0 ? upper : lower)
        let end = stop.map(place) ?? (step < 0 ? lower : upper)
        let distance = step < 0 ? first - end : end - first
        return (first, distance > 0 ? (distance - 1) / abs(step) + 1 : 0)
    }
}

extension CallArgument {
    /// The value of what has no tensor in it.
    var json: JSONValue? {
        switch self {
        case .tensor: return nil
        case .literal(let json): return json
        case .list(let list):
            let values = list.compactMap(\.json)
            return values.count == list.count ? .array(values) : nil
        }
    }
}
