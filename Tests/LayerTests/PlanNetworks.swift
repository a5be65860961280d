import VoxKerasConfig
import VoxKernelRuntime
import Voxelsmith
import _TestSupport

/// Functional models for tests of plans, written as configs.
struct PlanNetwork {
    private var layers: [JSONObject] = []
    private var inputs: [JSONValue] = []
    private(set) var document: JSONValue = .null

    /// - Parameter shape: with the batch axis, nil where unknown.
    mutating func input(_ name: String, _ shape: [Int?]) {
        let config: JSONObject = ["batch_input_shape": JSONValue(shape: shape), "dtype": "float32", "name": .string(name)]
        layers.append(["class_name": "InputLayer", "name": .string(name), "config": .object(config), "inbound_nodes": []])
        inputs.append([.string(name), 0, 0])
    }

    /// A layer, called on the first results of others; "name:1" stands for the second call of a layer.
    mutating func add(_ className: String, _ name: String, _ config: JSONObject = [:], on sources: String...) {
        var own = config
        own["name"] = .string(name)
        layers.append([
            "class_name": .string(className), "name": .string(name), "config": .object(own), "inbound_nodes": [Self.call(sources)],
        ])
    }

    /// A model as a layer.
    mutating func add(_ network: PlanNetwork, _ name: String, on sources: String...) {
        var config = network.document.object?["config"]?.object ?? [:]
        config["name"] = .string(name)
        layers.append(["class_name": "Functional", "name": .string(name), "config": .object(config), "inbound_nodes": [Self.call(sources)]])
    }

    /// One more call of a layer.
    mutating func call(_ name: String, on sources: String...) {
        for index in layers.indices where layers[index]["name"] == .string(name) {
            layers[index]["inbound_nodes"] = .array((layers[index]["inbound_nodes"]?.array ?? []) + [Self.call(sources)])
        }
    }

    private static func place(_ source: String) -> [JSONValue] {
        let parts = source.split(separator: ":")
        return [.string(String(parts[0])), .integer(parts.count > 1 ? Int(parts[1]) ?? 0 : 0), 0]
    }

    private static func call(_ sources: [String]) -> JSONValue { .array(sources.map { .array(place($0) + [[:]]) }) }

    mutating func end(_ outputs: String...) {
        let config: JSONObject = [
            "name": "m", "layers": .array(layers.map { .object($0) }), "input_layers": .array(inputs),
            "output_layers": .array(outputs.map { .array(Self.place($0)) }),
        ]
        document = ["class_name": "Functional", "keras_version": "2.15.0", "config": .object(config)]
    }

    /// The model, with weights by which folding is exact: small integers, and powers of two in normalizations.
    func model(seed: UInt64 = 7, type: String = "float32", kernels: any KernelProvider = KernelRegistry()) throws -> Model {
        let text = document.text.replacing("\"float32\"", with: "\"\(type)\"")
        let model = try modelFromJSON(text, objects: CustomObjects(), policy: .direct, kernels: kernels)
        var random = SeededRandom(seed: seed)
        try model.setWeights(model.weights.map { variable in
            let count = variable.shape.reduce(1, *)
            let values: [Double] = switch variable.name {
            case "gamma": (0..<count).map { _ in random.choice([1, 2, 0.5, -2]) }
            case "moving_variance": (0..<count).map { _ in random.choice([1, 4, 0.25, 16]) }
            default: random.integers(count, limit: 3)
            }
            return try Tensor(shape: variable.shape, values)
        })
        return model
    }

    static func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.integers(shape.reduce(1, *), limit: 3).map { Float($0) })
    }
}

extension Model {
    /// The names of the steps of a plan.
    func stepNames(_ shapes: [Int]...) throws -> [String] { try plan(inputShapes: shapes).steps.map(\.name) }
}

extension JSONObject {
    /// The config of a convolution.
    static func convolution(
        _ filters: Int, _ kernel: JSONValue, _ others: JSONObject = [:]
    ) -> JSONObject {
        var result: JSONObject = ["filters": .integer(filters), "kernel_size": kernel, "dtype": "float32"]
        for key in others.keys { result[key] = others[key] }
        return result
    }

    /// The config of a normalization whose factors are exact.
    static func normalization(_ others: JSONObject = [:]) -> JSONObject {
        var result: JSONObject = ["epsilon": 0, "dtype": "float32"]
        for key in others.keys { result[key] = others[key] }
        return result
    }
}
