import VoxLayerSpec

/// An operation that takes the elements of a tensor to other places, or some of them. Samples stay apart: none moves the batch axis.
package enum ElementMovement: Hashable, Sendable {
    /// To extents of which one may follow from the others, which is -1; nil for the batch of the input.
    case reshape([Int?])
    /// The axes in another order; nil for the reverse one.
    case transpose([Int]?)
    /// Without some axes of extent 1; nil for all of them.
    case squeeze([Int]?)
    /// With further axes of extent 1, at these places of the result.
    case expand([Int])
    case slices(SliceKey)

    /// Whether the elements stay in their order, all of them.
    package var keepsOrder: Bool {
        switch self {
        case .reshape, .squeeze, .expand: true
        case .transpose, .slices: false
        }
    }

    /// The shape of the result.
    /// - Throws: `KerasConfigError.layerInputs` for an input that the operation cannot take, and where the batch would move.
    func outputShape(_ shape: [Int?]) throws(KerasConfigError) -> [Int?] {
        switch self {
        case .reshape(let target): return try Self.reshaped(shape, to: target)
        case .transpose: return try order(of: shape).map { shape[$0] }
        case .squeeze(let axes):
            let places = try Self.removed(axes, from: shape)
            return shape.indices.filter { !places.contains($0) }.map { shape[$0] }
        case .expand(let axes):
            let rank = Checked.clampedSum(shape.count, axes.count)
            if rank > InputShapes.mostAxes {
                throw .layerInputs([shape], expected: "at most \(InputShapes.mostAxes) axes together with \(axes.count) new ones")
            }
            let places = try InputShapes.places(axes, in: Array(repeating: nil, count: rank))
            try InputShapes.checkBatch(places, [shape])
            var rest = shape[...]
            return (0..<rank).map { places.contains($0) ? 1 : rest.popFirst() ?? nil }
        case .slices(let key): return try key.parts(of: shape).filter(\.isKept).map(\.count)
        }
    }

    /// The axis of the input that each axis of a transposed result is.
    package func order(of shape: [Int?]) throws(KerasConfigError) -> [Int] {
        guard case .transpose(let axes) = self else { return Array(shape.indices) }
        var order: [Int] = []
        for axis in axes ?? shape.indices.reversed() { order.append(try InputShapes.place(axis, in: shape)) }
        if order.sorted() != Array(shape.indices) { throw .layerInputs([shape], expected: "\(order.count) axes, each once in \(axes ?? [])") }
        if order.first != 0 { throw .layerInputs([shape], expected: "an order of the axes that begins with the batch, not \(order)") }
        return order
    }

    private static func removed(_ axes: [Int]?, from shape: [Int?]) throws(KerasConfigError) -> [Int] {
        guard let axes else {
            var places: [Int] = []
            for place in shape.indices.dropFirst() {
                if try InputShapes.known(place, of: shape) == 1 { places.append(place) }
            }
            return places
        }
        let places = try InputShapes.places(axes, in: shape)
        try InputShapes.checkBatch(places, [shape])
        for place in places where (shape[place] ?? 1) != 1 { throw .layerInputs([shape], expected: "an extent of 1 at axis \(place)") }
        return places
    }

    private static func reshaped(_ shape: [Int?], to target: [Int?]) throws(KerasConfigError) -> [Int?] {
        let rest = target.dropFirst().map { $0 ?? -1 }
        // The extent of the batch: stated, or whatever the samples leave.
        let batch = target[0].flatMap { $0 == -1 ? nil : $0 }
        if let batch, let own = shape[0], own != batch { throw .layerInputs([shape], expected: "a batch of \(batch), as newshape states") }
        return [shape[0] ?? batch] + (try ReshapeRule.sampleShape(of: [shape], to: rest, key: "newshape behind the batch"))
    }
}

extension ElementMovement {
    /// The classes of Keras 3 that are one.
    static let classNames: Set<String> = ["Reshape", "Transpose", "Squeeze", "ExpandDims", "GetItem"]

    /// - Parameters:
    ///   - name: one of `classNames`.
    ///   - key: what stands between the brackets of GetItem, which is an argument of its call.
    /// - Returns: also the members of the config besides the name, as Keras 3 writes them; nil for another class.
    /// - Throws: `KerasConfigError` for arguments that the class does not take.
    static func read(
        _ name: String, _ reader: ConfigReader, key: CallArgument?
    ) throws(KerasConfigError) -> (movement: ElementMovement, arguments: JSONObject)? {
        func axes(_ member: String) throws(KerasConfigError) -> [Int]? { reader.value(member) == nil ? nil : try reader.axes(member, default: []) }
        func raw(_ member: String) -> JSONObject { [member: reader.value(member) ?? .null] }
        switch name {
        case "Reshape": return (.reshape(try newShape(reader)), raw("newshape"))
        case "Transpose": return (.transpose(try reader.integers("axes")), raw("axes"))
        case "Squeeze": return (.squeeze(try axes("axis")), raw("axis"))
        case "ExpandDims":
            guard let places = try axes("axis") else { throw .missingKey("axis", className: name) }
            return (.expand(places), raw("axis"))
        case "GetItem":
            guard let key else { throw .missingKey("key", className: name) }
            return (.slices(try SliceKey(key)), [:])
        default: return nil
        }
    }

    private static func newShape(_ reader: ConfigReader) throws(KerasConfigError) -> [Int?] {
        let json = try reader.required("newshape")
        let entries = json.array ?? [json]
        // null stands for the batch, whose extent was not known when the model was made.
        let extents = entries.enumerated().compactMap { place, entry -> Int? in entry.isNull && place == 0 ? -1 : entry.integer }
        guard extents.count == entries.count, !extents.isEmpty, extents.count <= InputShapes.mostAxes, extents.allSatisfy({ $0 > 0 || $0 == -1 }),
            extents.dropFirst().count(where: { $0 == -1 }) <= 1, entries[0].isNull || extents.count(where: { $0 == -1 }) <= 1
        else { throw reader.wrongType("newshape", json, "1 to \(InputShapes.mostAxes) extents of at least 1, and -1 at most once") }
        return extents.enumerated().map { place, extent in place == 0 && entries[0].isNull ? nil : extent }
    }
}
