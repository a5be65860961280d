import Logging
import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

/// What `run` computes: a model, or a single layer as a model of one.
struct Computation {
    private let recipe: Recipe
    private let model: Model
    /// What the inputs are called, in the order in which a call takes them.
    let inputNames: [String]
    /// What the results are called, in the order in which a call returns them.
    let outputNames: [String]
    /// Whether results are called by names that the file gave them for that.
    let namesResults: Bool
    /// Of the layer that the last result comes from, as far as that is known.
    let layout: Layout

    /// Reads the layers and gives them their weights.
    /// - Parameter weights: a file of weights; nil for those of the file itself.
    /// - Throws: what reading throws, `KerasConfigError.missingLayers`, `CommandFailure`.
    init(_ source: LayersOption, weights: String?, policy: Policy, kernels: KernelRegistry, kernelMode: KernelMode) throws {
        let file = try ModelFile(path: source.layers)
        let set = try source.file.layers(of: file, onEvent: Console.tell)
        if set.model == nil, set.layers.count != 1 {
            throw CommandFailure.independentLayers(path: source.layers, count: set.layers.count)
        }
        if weights == nil, file.weights == nil, set.model?.needsWeights ?? true { throw CommandFailure.weightsNeeded(path: source.layers) }
        recipe = Recipe(file: file, set: set, weights: try weights.map { try WeightsFile(path: $0) }, policy: policy, kernels: kernels)
        let made = try recipe.model(kernelMode)
        for warning in made.warnings { Console.warn("\(warning)") }
        model = made.model
        // A chain whose input shape is not known has no ends yet.
        let ends = (model.layers.first?.name, model.layers.last?.name)
        inputNames = Self.distinct(model.inputs.isEmpty || set.model == nil ? [ends.0 ?? ""] : model.inputNames)
        outputNames = Self.distinct(model.outputs.isEmpty || set.model == nil ? [ends.1 ?? ""] : model.outputNames)
        namesResults = model.hasNamedOutputs || outputNames.count > 1
        layout = model.convolutions.last?.dataFormat ?? .channelsLast
    }

    /// The names, each with the number of its occurrence from the second on: one layer may make several results.
    private static func distinct(_ names: [String]) -> [String] {
        var (taken, counts): (Set<String>, [String: Int]) = ([], [:])
        return names.map { name in
            var own = name
            // The file may call another one so.
            while !taken.insert(own).inserted {
                counts[name, default: 0] += 1
                own = "\(name)[\(counts[name, default: 0])]"
            }
            return own
        }
    }

    /// - Throws: `CommandFailure.severalEnds` unless there are one input and one output.
    func checkSingleEnds(for option: String) throws(CommandFailure) {
        if inputNames.count != 1 || outputNames.count != 1 { throw .severalEnds(option, inputs: inputNames, outputs: outputNames) }
    }

    /// The shapes with which to compute inputs of files, and whether the files have the batch axis: all of them, or none.
    /// - Throws: `CommandFailure.inputShape`, `.batchExtents`.
    func shapes(of inputs: [NPYInput]) throws -> (shapes: [[Int]], haveBatch: Bool) {
        var (result, haveBatch): ([[Int]], Bool) = ([], false)
        for (index, input) in inputs.enumerated() {
            let shape = try input.shape()
            guard let rank = rank(ofInput: index) else { return ([shape], true) }
            if shape.count != rank && shape.count != rank - 1 {
                throw CommandFailure.inputShape(shape, layer: inputNames[index], expected: rank)
            }
            haveBatch = haveBatch || shape.count == rank
            result.append(shape.count == rank ? shape : [1] + shape)
        }
        let batches = result.map { $0.first ?? 1 }
        if Set(batches).count > 1 { throw CommandFailure.batchExtents(batches, inputs: inputNames) }
        return (result, haveBatch)
    }

    /// The number of axes of an input, the batch included; nil where nothing tells.
    private func rank(ofInput index: Int) -> Int? {
        if model.inputs.indices.contains(index) { return model.inputs[index].shape.count }
        return (model.layers.first as? Conv3D).map { $0.kernelSize.count + 2 }
    }

    /// What the layers are for inputs of these shapes.
    /// - Throws: `CommandFailure.notEnoughMemory` for what this machine cannot hold, and what a layer has against its input.
    func survey(_ shapes: [[Int]]) throws -> ModelSurvey {
        let survey = try ModelSurvey(model, inputShapes: shapes)
        try survey.checkMemory(path: recipe.file.path)
        return survey
    }

    /// The model with its weights packed for inputs of these shapes.
    /// - Throws: what preparing throws.
    func prepared(_ shapes: [[Int]]) throws -> PreparedModel { try model.preparedModel(inputShapes: shapes) }

    /// The same on the interpreter, from the same file.
    /// - Throws: what making a model and preparing it throw.
    func interpreted(_ shapes: [[Int]]) throws -> PreparedModel { try recipe.model(.interpreter).model.preparedModel(inputShapes: shapes) }
}

/// Makes the model of a file, as often as it is wanted.
private struct Recipe {
    let file: ModelFile
    let set: LayerSet
    /// Weights from elsewhere; nil for those of the file.
    let weights: WeightsFile?
    let policy: Policy
    let kernels: KernelRegistry

    /// - Returns: the model, and what the user should know of its weights, in sentences.
    func model(_ kernelMode: KernelMode) throws -> (model: Model, warnings: [String]) {
        if set.model == nil {
            let layers = try makeLayers(set, policy: policy, kernels: kernels, kernelMode: kernelMode)
            let warnings = try give(to: layers, madeOf: nil)
            return (try Sequential(layers), warnings)
        }
        // What a logger would hear has been said of the set.
        let model = try makeModel(
            file, weights: weights?.contents() ?? file.weights?.contents, policy: policy, kernels: kernels, kernelMode: kernelMode,
            logger: Logger(label: "voxelsmith.run") { _ in SwiftLogNoOpLogHandler() })
        let warnings = try give(to: model.layers, madeOf: file.document)
        model.noteBuiltLayers()
        return (model, warnings)
    }

    private func give(to layers: [Layer], madeOf document: JSONValue?) throws -> [String] {
        if let weights { return try weights.give(to: layers, madeOf: document) }
        return try file.weights.map { try assign($0, to: layers) } ?? []
    }
}
