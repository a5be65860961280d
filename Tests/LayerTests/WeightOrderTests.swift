import Foundation
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// The order of the weights in whole-model `.h5` files.
struct WeightOrderTests {
    private struct Case: Decodable {
        struct Entry: Decodable {
            let tree: Node
            let order: [String]
        }
        let generation: Int
        let name: String
        let layers: [Entry]
    }

    private struct Node: Decodable {
        let isModel: Bool
        let trainable: Bool
        let trainableVariables: [String]
        let otherVariables: [String]
        let layers: [Node]

        var tree: WeightTree<String> {
            WeightTree(
                isModel: isModel, trainable: trainable, trainableVariables: trainableVariables, otherVariables: otherVariables,
                layers: layers.map(\.tree))
        }
    }

    /// Models of three levels with batch normalization and TimeDistributed, frozen and thawed in fourteen ways: the order that Keras 3
    /// and tf-keras gave.
    @Test func theOrderIsKeras() throws {
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(filePath: Fixture.layer("weight_order.json"))))
        #expect(cases.count == 28)
        for entry in cases {
            for layer in entry.layers {
                let order = layer.tree.tree.legacyOrder(entry.generation == 3 ? .keras3 : .keras2)
                #expect(order == layer.order, "Keras \(entry.generation), \(entry.name)")
            }
        }
        // The cases do tell the rules apart.
        let order = { (generation: KerasGeneration) in cases.flatMap(\.layers).map { $0.tree.tree.legacyOrder(generation) } }
        #expect(order(.keras2) != order(.keras3))
    }

    /// A variable of a layer that occurs twice is listed once, where it is met first.
    @Test func sharedLayersAreListedOnce() {
        let shared = WeightTree(isModel: false, trainable: true, trainableVariables: ["k"], otherVariables: ["m"])
        let frozen = WeightTree(isModel: false, trainable: false, trainableVariables: ["f"], otherVariables: [])
        let model = WeightTree(isModel: true, trainable: true, trainableVariables: [], otherVariables: [], layers: [shared, frozen, shared])
        for generation in [KerasGeneration.keras2, .keras3] { #expect(model.legacyOrder(generation) == ["k", "m", "f"]) }
    }

    /// Weights without a model are in the order of the one whose JSON is beside them: a layer of a frozen model, set trainable again.
    @Test func weightsAloneFollowTheJSONOfTheirModel() throws {
        let values = try NPZFile(path: Fixture.layer("weights_alone.npz"))
        let file = try ModelFile(path: Fixture.layer("weights_alone.json"))
        let weights = try WeightsFile(path: Fixture.layer("weights_alone.h5"))
        let model = try makeModel(file, weights: weights.contents(), kernels: KernelRegistry())
        #expect(try weights.give(to: model.layers, madeOf: file.document).isEmpty)
        model.noteBuiltLayers()
        try expectAgreement(model, try values.tensor("x"), expected: try values.tensor("y0"), "weights_alone.h5")
        // The bare config says the same.
        let bare = try #require(file.document.object?["config"])
        let another = try makeModel(file, weights: nil, kernels: KernelRegistry())
        _ = try weights.give(to: another.layers, madeOf: bare)
        another.noteBuiltLayers()
        #expect(another.getWeights().map(\.floats) == model.getWeights().map(\.floats))
    }

    /// Which weights are trainable by their nature is known before a layer is built.
    @Test func layersThatAreNotBuiltAreInOrderToo() throws {
        let layers: JSONValue = [
            ["class_name": "BatchNormalization", "config": ["name": "norm"]], ["class_name": "Dense", "config": ["name": "dense", "units": 2]],
        ]
        let inner: JSONValue = ["class_name": "Sequential", "config": ["name": "inner", "layers": layers]]
        let document: JSONValue = ["class_name": "Sequential", "config": ["name": "m", "layers": [inner]]]
        let model = try modelFromJSON(document.text, kernels: KernelRegistry())
        #expect(!model.isBuilt)
        let names = ["norm/gamma", "norm/beta", "dense/kernel", "dense/bias", "norm/moving_mean", "norm/moving_variance"]
        let tensors = try names.enumerated().map { index, name in
            let shape = name == "dense/kernel" ? [2, 2] : [2]
            let values = [Float](repeating: Float(index), count: shape.reduce(1, *))
            return NamedTensor(path: "inner/\(name)", group: "inner", layerName: "inner", tensor: try Tensor(shape: shape, values))
        }
        try assign(
            KerasWeights(form: .layerNames, tensors: tensors, layerNames: ["inner"], kerasVersion: "3.15.1", backend: "tensorflow"), to: model.layers)
        #expect(model.getWeights().map { $0.floats[0] } == [0, 1, 4, 5, 2, 3])
    }

    /// Frozen layers in inner models, as Keras 3 and tf-keras save them. All kernels have one shape, so an exchange would be silent.
    @Test func filesComputeWhatKerasComputed() throws {
        for file in [
            "nested_frozen.h5", "tfk_nested_frozen.h5", "three_levels_keras3.h5", "three_levels_keras3.keras", "three_levels_tfkeras2.h5",
            "three_levels_tfkeras2.keras", "thawed_keras3.h5", "thawed_tfkeras2.h5", "thawed_sequential.h5", "tfk_slash_names.h5", "tfk_slash_names.keras",
            "infinity_in_config.keras",
        ] {
            let values = try NPZFile(path: Fixture.layer(file.prefix { $0 != "." } + ".npz"))
            let model = try loadModel(path: Fixture.layer(file), kernels: KernelRegistry())
            try expectAgreement(model, try values.tensor("x"), expected: try values.tensor("y0"), "\(file)")
        }
    }
}

/// The convolutions of a model, those of models in it too.
func convolutions(of model: Model) -> [Conv3D] {
    model.layers.flatMap { layer in (layer as? Model).map { convolutions(of: $0) } ?? (layer as? Conv3D).map { [$0] } ?? [] }
}

/// Compares a model of linear and relu layers with what Keras computed. Each side is off by at most ((1 + gamma)^layers - 1) times the
/// magnitude: the result of the same model with the absolute values of its weights, for the absolute input.
func expectAgreement(
    _ model: Model, _ x: Tensor, expected: Tensor, type: ElementType = .float32, _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let y = try model(x).cast(to: .float64)
    #expect(y.shape == expected.shape, what, sourceLocation: sourceLocation)
    let layers = convolutions(of: model)
    #expect(layers.allSatisfy { [.linear, .relu].contains($0.activation) }, what, sourceLocation: sourceLocation)
    let weights = model.getWeights()
    func absolute(_ tensor: Tensor) throws -> Tensor { try Tensor(shape: tensor.shape, tensor.doubles.map(abs)).cast(to: tensor.elementType) }
    try model.setWeights(weights.map(absolute))
    let magnitudes = try model(absolute(x)).doubles
    try model.setWeights(weights)
    let chain = layers.map { ($0.weights[0].value.elementCount / $0.filters) + 1 }.max() ?? 1
    let factor = pow(1 + ErrorBound.gamma(chain, type), Double(layers.count)) - 1
    // Twice, for both sides are rounded, and the magnitudes too.
    let bounds = magnitudes.map { 2 * factor * (1 + 2 * factor) * $0 + Double(Float.leastNormalMagnitude) }
    let violation = ErrorBound.firstViolation(received: y.doubles, expected: expected.doubles, bounds: bounds)
    #expect(violation == nil, what, sourceLocation: sourceLocation)
}
