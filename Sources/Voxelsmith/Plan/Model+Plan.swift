import VoxKernelRuntime
import VoxLayerSpec

extension Model {
    /// How the model is computed for an input of one shape.
    /// - Parameter inputShape: with the batch extent, for which the plan states bytes.
    /// - Throws: as `preparedModel(inputShapes:)`.
    public func plan(inputShape: [Int]) throws -> NetworkPlan { try plan(inputShapes: [inputShape]) }

    /// How the model is computed for inputs of given shapes: what a call of `preparedModel(inputShapes:)` does.
    /// - Parameter inputShapes: with the batch extents, for which the plan states bytes.
    /// - Throws: as `preparedModel(inputShapes:)`.
    public func plan(inputShapes: [[Int]]) throws -> NetworkPlan { try preparedModel(inputShapes: inputShapes).plan }

    /// The model with its present weights for an input of one shape. Later changes of the weights do not reach it.
    /// - Parameter inputShape: with the batch extent; a call takes any.
    /// - Throws: as `preparedModel(inputShapes:)`.
    public func preparedModel(inputShape: [Int]) throws -> PreparedModel { try preparedModel(inputShapes: [inputShape]) }

    /// The model with its present weights for inputs of given shapes. Later changes of the weights do not reach it.
    ///
    /// Layers are computed together where that gives the same results but for rounding: batch normalizations are folded into the convolutions
    /// beside them, activations applied by kernels. `plan` says so.
    /// - Parameter inputShapes: with the batch extents; a call takes any.
    /// - Throws: `LayerError.cannotPrepareCall` for layers of the user's own that do not override `preparedCall(inputShapes:)`, and what
    ///   building and preparing throw.
    public func preparedModel(inputShapes: [[Int]]) throws -> PreparedModel {
        if !isBuilt { try build(inputShapes: inputShapes) }
        return try PreparedModel(inputShapes: inputShapes, program: program(inputShapes: inputShapes, isWalked: isPlainModel))
    }

    /// - Parameter isWalked: whether the steps are those of its layers, not the model itself.
    func program(inputShapes: [[Int]], isWalked: Bool) throws -> NetworkProgram {
        try PlanCompiler(PlannedCalls(self, inputShapes: inputShapes, isWalked: isWalked), inputCount: inputShapes.count).program()
    }
}

extension NetworkPlan {
    /// - Parameter inputShapes: whose batch extents may be 0; then nothing takes memory.
    init(_ program: NetworkProgram, inputShapes: [[Int]]) throws {
        let memory = try program.memoryPlan(inputShapes)
        var packed: [ObjectIdentifier: Int] = [:]
        var workspace = 0
        steps = program.steps.enumerated().map { number, step in
            let shapes = step.results.map { memory.shapes[$0] }
            var offset: Int?
            if let tensor = step.results.first, memory.places.indices.contains(tensor), case .arena(let place) = memory.places[tensor] { offset = place }
            var flops = step.inner.reduce(0) { Checked.clampedSum($0, $1.flopCount) }
            if case .convolution(let layer) = step.form {
                let batch = shapes.first?.first ?? 0
                packed[ObjectIdentifier(layer.packed)] = layer.choice.kernel.packedByteCount
                workspace = max(workspace, layer.workspaceByteCount(batch: batch))
                flops = Checked.clampedProduct(layer.spec.geometry.flopCount, batch)
            }
            return Step(
                name: step.name, kernel: step.kernel, choice: step.choice, innerChoices: step.inner.map(\.choice), outputShapes: shapes,
                byteCount: shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1 + [step.type.byteCount])) }, flopCount: flops,
                offset: offset)
        }
        peakByteCount = memory.peakByteCount
        packedByteCount = packed.values.reduce(0) { Checked.clampedSum($0, $1) }
        workspaceByteCount = workspace
    }
}
