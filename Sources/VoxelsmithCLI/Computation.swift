import Logging
import VoxForge
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

/// What `run` computes: a model of one input and one output, or a single layer.
struct Computation {
    private let model: Model?
    /// In the order of the file, each once.
    let convolutions: [Conv3D]

    /// Reads the layers and gives them their weights.
    /// - Parameter weights: a file of weights; nil for those of the file itself.
    /// - Throws: what reading throws, `KerasConfigError.missingLayers`, `CommandFailure`.
    init(_ source: LayersOption, weights: String?, policy: Policy, kernels: KernelRegistry, kernelMode: KernelMode) throws {
        let file = try ModelFile(path: source.layers)
        let set = try source.file.layers(of: file, onEvent: Console.tell)
        if set.model == nil, set.layers.count != 1 {
            throw CommandFailure.independentLayers(path: source.layers, count: set.layers.count)
        }
        if weights == nil, file.weights == nil { throw CommandFailure.weightsNeeded(path: source.layers) }
        let weights = try weights.map { try WeightsFile(path: $0) }
        if set.model == nil {
            (model, convolutions) = (nil, try makeLayers(set, policy: policy, kernels: kernels, kernelMode: kernelMode))
        } else {
            let contents = try weights?.contents() ?? file.weights?.contents
            // What a logger would hear has been said of the set.
            let model = try makeModel(
                file, weights: contents, policy: policy, kernels: kernels, kernelMode: kernelMode,
                logger: Logger(label: "voxelsmith.run") { _ in SwiftLogNoOpLogHandler() })
            if max(model.inputs.count, model.outputs.count) > 1 {
                throw CommandFailure.severalEnds(path: source.layers, inputs: model.inputNames, outputs: model.outputNames)
            }
            (self.model, convolutions) = (model, model.convolutions)
        }
        var warnings: [String] = []
        if let weights {
            warnings = try weights.give(to: model?.layers ?? convolutions, madeOf: model == nil ? nil : file.document)
        } else if let weights = file.weights {
            warnings = try assign(weights, to: model?.layers ?? convolutions)
        }
        for warning in warnings { Console.warn("\(warning)") }
        model?.noteBuiltLayers()
    }

    /// The number of axes of the input, the batch included; nil where nothing tells.
    var inputRank: Int? { model?.inputs.first?.shape.count ?? convolutions.first.map { $0.kernelSize.count + 2 } }

    /// The layer that takes the input, for messages.
    var inputName: String { model?.inputNames.first ?? convolutions.first?.name ?? "" }

    /// The name of the output where the model states one.
    var resultName: String? { model.flatMap { $0.hasNamedOutputs ? $0.outputNames.first : nil } }

    /// Carries a value of any kind from the input to the output.
    func trace<Value>(_ value: Value, _ step: (Layer, [Value]) throws -> [Value]) throws -> Value {
        var results = [value]
        if let model {
            results = try model.trace(results, step)
        } else if let layer = convolutions.first {
            results = try step(layer, results)
        }
        return results.first ?? value
    }

    /// The number of calls of layers.
    func layerCount() throws -> Int {
        var count = 0
        _ = try trace(()) { layer, values in
            if !(layer is InputLayer) { count += 1 }
            return values
        }
        return count
    }
}
