import VoxKernelRuntime
import VoxLayerSpec

extension Model {
    /// How the model is computed for an input of one shape.
    /// - Parameter inputShape: with the batch extent, for which the plan states bytes.
    /// - Throws: as `plan(inputShapes:)`.
    public func plan(inputShape: [Int]) throws -> NetworkPlan { try plan(inputShapes: [inputShape]) }

    /// How the model is computed for inputs of given shapes: what `preparedModel(inputShapes:)` does in a call.
    /// - Parameter inputShapes: with the batch extents, for which the plan states bytes.
    /// - Throws: as `preparedModel(inputShapes:)`.
    public func plan(inputShapes: [[Int]]) throws -> NetworkPlan {
        var steps: [NetworkPlan.Step] = []
        _ = try trace(inputShapes) { layer, shapes in
            let results = try layer.computeOutputShapes(shapes.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 0 } }
            let choice = try (layer as? Conv3D)?.kernelChoice(inputShape: shapes[0])
            let bytes = results.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1 + [layer.computeType.byteCount])) }
            steps.append(NetworkPlan.Step(
                name: layer.name, kernel: choice?.kernel.name ?? "layer", choice: choice, outputShapes: results, byteCount: bytes))
            return results
        }
        return NetworkPlan(steps: steps, peakByteCount: 0, packedByteCount: 0, workspaceByteCount: 0)
    }
}
