import Logging
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

/// The model of a file, ready for inputs of one shape each.
struct WholeModel {
    private let model: Model
    private let prepared: PreparedModel
    /// What its layers are for these inputs.
    let facts: ModelFacts

    /// - Parameters:
    ///   - file: what holds the model. One without weights gets those of its initializers, which take as long.
    ///   - inputShapes: of the inputs, batch included; nil for those that the file states, with batch 1 where it states none.
    ///   - stated: the model as the file and the options describe it.
    ///   - values: the weights of another model of the file; nil for those of the file.
    /// - Throws: what making a model throws; `CommandFailure.inputShapesUnknown`, `.notEnoughMemory`.
    init(
        _ file: ModelFile, _ stated: ModelDescription, inputShapes: [[Int]]? = nil, policy: Policy, kernels: any KernelProvider,
        kernelMode: KernelMode = .auto, values: [Tensor]? = nil
    ) throws {
        // What a logger would hear has been said of the file.
        model = try makeModel(
            file, weights: file.weights?.contents, policy: policy, kernels: kernels, kernelMode: kernelMode,
            logger: Logger(label: "voxelsmith.model") { _ in SwiftLogNoOpLogHandler() })
        if let weights = file.weights {
            for warning in try assign(weights, to: model.layers) { Console.warn("\(warning)") }
            model.noteBuiltLayers()
        }
        guard let shapes = inputShapes ?? Self.shapes(stated, of: model) else { throw CommandFailure.inputShapesUnknown(path: file.path) }
        if !model.isBuilt { try model.build(inputShapes: shapes) }
        if let values { try model.setWeights(values) }
        facts = try ModelFacts(model, inputShapes: shapes)
        let available = AvailableMemory.byteCount
        if facts.largestStepBytes > available {
            throw CommandFailure.notEnoughMemory(what: "The tensors of \(file.path)", needed: facts.largestStepBytes, available: available)
        }
        prepared = try model.preparedModel(inputShapes: shapes)
    }

    /// The shapes of the inputs: as described, or as the layers of a chain without an input layer have them.
    private static func shapes(_ stated: ModelDescription, of model: Model) -> [[Int]]? {
        let shapes = stated.inputs.isEmpty ? model.inputs.map { Optional($0.shape) } : stated.inputs.map(\.shape)
        let known = shapes.compactMap { shape -> [Int]? in
            guard let shape, let batch = shape.first else { return nil }
            let extents = shape.dropFirst().compactMap(\.self)
            return extents.count == shape.count - 1 ? [batch ?? 1] + extents : nil
        }
        return known.isEmpty || known.count < shapes.count ? nil : known
    }

    var name: String { model.name }
    /// Its weights.
    var values: [Tensor] { model.getWeights() }

    /// Computes the model.
    func callAsFunction(_ xs: [Tensor], threads: Int) throws -> [Tensor] { try prepared(xs, threads: threads) }
}

/// What the layers of a model are for inputs of given shapes.
struct ModelFacts {
    let inputShapes: [[Int]]
    let outputShapes: [[Int]]
    /// Of the convolutions, one for each call.
    private(set) var choices: [KernelChoice] = []
    /// Useful operations of the convolutions in one call of the model.
    private(set) var flopCount = 0
    /// Bytes of the inputs of the model, and of the inputs and results of the layer that has the most.
    private(set) var largestStepBytes = 0

    var specializedCount: Int { choices.count { $0.isSpecialized } }

    init(_ model: Model, inputShapes: [[Int]]) throws {
        self.inputShapes = inputShapes
        var (choices, flops, largest): ([KernelChoice], Int, Int) = ([], 0, 0)
        func bytes(_ shapes: [[Int]], _ layer: Layer) -> Int {
            shapes.reduce(0) { Checked.clampedSum($0, Checked.clampedCount($1 + [layer.computeType.byteCount])) }
        }
        outputShapes = try model.trace(inputShapes) { layer, shapes in
            let results = try layer.computeOutputShapes(shapes.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 0 } }
            largest = max(largest, bytes(shapes + results, layer))
            if let layer = layer as? Conv3D, let shape = shapes.first {
                choices.append(try layer.kernelChoice(inputShape: shape))
                let work = Checked.clampedProduct(try layer.config.geometry(inputShape: shape).flopCount, shape[0])
                flops = Checked.clampedSum(flops, work)
            }
            return results
        }
        (self.choices, flopCount, largestStepBytes) = (choices, flops, Checked.clampedSum(largest, bytes(inputShapes, model)))
    }
}
