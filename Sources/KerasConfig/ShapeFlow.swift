import VoxLayerSpec

/// The shape of a tensor on its way through a model.
struct ShapeFlow {
    /// Nil when nothing is known; extents are nil where unknown.
    var shape: [Int?]?
    /// Whether the shape follows from what is computed here; a file that states another one then contradicts itself.
    var isCertain = false
    /// Whether it follows from what the user stated, which may contradict the file.
    var isStated = false
    /// Whether the shape, or one that it follows from, contradicts the file. From there on the shapes that the file states no longer hold.
    var isChanged = false
    /// The number of the tensor in the outline of the network; nil for one that no layer there makes.
    var tensor: Int?

    static func stated(_ shape: [Int?]) -> ShapeFlow { ShapeFlow(shape: shape, isCertain: true, isStated: true) }

    /// Whether known extents differ, other than of the batch.
    static func differ(_ a: [Int?], _ b: [Int?]) -> Bool {
        a.count != b.count || zip(a, b).dropFirst().contains { one, other in one != nil && other != nil && one != other }
    }

    /// What arrives at an input for which the file states a shape.
    func joined(with file: [Int?]?) -> ShapeFlow {
        guard let file else { return self }
        guard let shape else { return isChanged ? self : ShapeFlow(shape: file, isCertain: true, tensor: tensor) }
        var result = self
        if Self.differ(shape, file) {
            result.isChanged = true
        } else {
            result.shape = zip(shape, file).map { $0 ?? $1 }
        }
        return result
    }

    /// What a convolution receives, for which the file may state a shape.
    /// - Throws: `KerasConfigError.inconsistentShape` for a file that contradicts what follows from itself.
    func received(file: [Int?]?) throws(KerasConfigError) -> ShapeFlow {
        guard let file, !isChanged else { return self }
        var result = self
        guard let shape else {
            result.shape = file
            return result
        }
        if !Self.differ(shape, file) {
            result.shape = zip(shape, file).map { $0 ?? $1 }
        } else if isStated {
            result.isChanged = true
        } else if isCertain {
            throw .inconsistentShape(received: file, expected: shape)
        } else {
            result.shape = file
        }
        return result
    }
}
