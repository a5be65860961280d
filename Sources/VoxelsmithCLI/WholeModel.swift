import Logging
import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

/// The model of a file, ready for inputs of one shape each.
struct WholeModel {
    let name: String
    let prepared: PreparedModel
    /// What its layers are for these inputs.
    let facts: ModelFacts
    /// Its weights.
    let values: [Tensor]

    /// - Parameters:
    ///   - file: what holds the model. One without weights gets those of its initializers, which take as long.
    ///   - inputShapes: of the inputs, batch included; nil for those that the file states, with batch 1 where it states none.
    ///   - stated: the model as the file and the options describe it.
    ///   - source: the options, for a chain without an input layer.
    ///   - values: the weights of another model of the file; nil for those of the file.
    /// - Throws: what making a model throws; `CommandFailure.inputShapesUnknown`, `.notEnoughMemory`.
    init(
        _ file: ModelFile, _ stated: ModelDescription, inputShapes: [[Int]]? = nil, source: LayersFile? = nil, policy: Policy,
        kernels: any KernelProvider, kernelMode: KernelMode = .auto, values: [Tensor]? = nil
    ) throws {
        // What a logger would hear has been said of the file.
        let model = try makeModel(
            file, weights: file.weights?.contents, policy: policy, kernels: kernels, kernelMode: kernelMode,
            logger: Logger(label: "voxelsmith.model") { _ in SwiftLogNoOpLogHandler() })
        name = model.name
        if let weights = file.weights {
            for warning in try assign(weights, to: model.layers) { Console.warn("\(warning)") }
            model.noteBuiltLayers()
        }
        guard let shapes = inputShapes ?? Self.shapes(stated, of: model, source) else { throw CommandFailure.inputShapesUnknown(path: file.path) }
        if !model.isBuilt { try model.build(inputShapes: shapes) }
        if let values { try model.setWeights(values) }
        self.values = model.getWeights()
        let survey = try ModelSurvey(model, inputShapes: shapes)
        try survey.checkMemory(path: file.path)
        prepared = try model.preparedModel(inputShapes: shapes)
        facts = ModelFacts(survey, prepared.plan)
    }

    /// The shapes of the inputs: as described, or as the layers of a chain without an input layer have them, or as the options state that
    /// of its first layer.
    private static func shapes(_ stated: ModelDescription, of model: Model, _ source: LayersFile?) -> [[Int]]? {
        var shapes = stated.inputs.isEmpty ? model.inputs.map { Optional($0.shape) } : stated.inputs.map(\.shape)
        if shapes.isEmpty { shapes = [source?.inputShape ?? model.layers.first.flatMap { source?.inputShapes[$0.name] }] }
        let known = shapes.compactMap { shape -> [Int]? in
            guard let shape, let batch = shape.first else { return nil }
            let extents = shape.dropFirst().compactMap(\.self)
            return extents.count == shape.count - 1 ? [batch ?? 1] + extents : nil
        }
        return known.isEmpty || known.count < shapes.count ? nil : known
    }

    /// Computes the model.
    func callAsFunction(_ xs: [Tensor], threads: Int) throws -> [Tensor] { try prepared(xs, threads: threads) }
}

/// What the layers of a model are for inputs of given shapes, before any of them is prepared.
struct ModelSurvey {
    let inputShapes: [[Int]]
    let outputShapes: [[Int]]
    /// Calls of layers.
    let callCount: Int
    /// Bytes of the inputs of the model, and of the inputs and results of the layer that has the most.
    private let largestStepBytes: Int

    init(_ model: Model, inputShapes: [[Int]]) throws {
        var (calls, largest) = (0, 0)
        func bytes(_ shapes: [[Int]], _ layer: Layer) -> Int {
            shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1 + [layer.computeType.byteCount])) }
        }
        self.inputShapes = inputShapes
        outputShapes = try model.trace(inputShapes) { layer, shapes in
            let results = try layer.computeOutputShapes(shapes.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 0 } }
            if !(layer is InputLayer) { calls += 1 }
            largest = max(largest, bytes(shapes + results, layer))
            return results
        }
        (callCount, largestStepBytes) = (calls, Checked.clampedSum(largest, bytes(inputShapes, model)))
    }

    /// - Parameter path: of the model's file.
    /// - Throws: `CommandFailure.notEnoughMemory` for what this machine cannot hold.
    func checkMemory(path: String) throws(CommandFailure) {
        let available = AvailableMemory.byteCount
        if largestStepBytes > available { throw .notEnoughMemory(what: "The tensors of \(path)", needed: largestStepBytes, available: available) }
    }
}

/// What a prepared model is.
struct ModelFacts {
    let inputShapes: [[Int]]
    let outputShapes: [[Int]]
    let plan: NetworkPlan
    /// Of the convolutions, one for each call.
    let choices: [KernelChoice]
    /// Useful operations of the convolutions in one call of the model.
    let flopCount: Int

    init(_ survey: ModelSurvey, _ plan: NetworkPlan) {
        (inputShapes, outputShapes, self.plan) = (survey.inputShapes, survey.outputShapes, plan)
        choices = plan.steps.flatMap(\.choices)
        flopCount = plan.steps.reduce(0) { Checked.clampedSum($0, $1.flopCount) }
    }

    var specializedCount: Int { choices.count { $0.isSpecialized } }
}
