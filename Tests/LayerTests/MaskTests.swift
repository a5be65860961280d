import Testing
import VoxKerasConfig
import VoxLayerSpec
import Voxelsmith
import _TestSupport

/// Masks that a functional model gives its layers by name.
@Suite struct MaskTests {
    private func input(_ name: String, _ shape: [Int?]) -> JSONValue {
        let config: JSONObject = ["batch_input_shape": JSONValue(shape: shape), "dtype": "float32", "name": .string(name)]
        return .object(["class_name": "InputLayer", "config": .object(config), "name": .string(name), "inbound_nodes": []])
    }

    /// A layer on x, with m by a name, as Keras 2 writes it.
    private func model(
        _ className: String, _ config: JSONObject = [:], argument: String = "mask", shape: [Int?] = [nil, 4], mask: [Int?] = [nil, 4]
    ) throws -> Model {
        var own = config
        own["name"] = "a"
        let call: JSONValue = [["x", 0, 0, .object([argument: ["m", 0, 0]])]]
        let layer: JSONObject = ["class_name": .string(className), "config": .object(own), "name": "a", "inbound_nodes": [call]]
        let all: JSONObject = [
            "name": "model", "layers": [input("x", shape), input("m", mask), .object(layer)], "input_layers": [["x", 0, 0], ["m", 0, 0]],
            "output_layers": [["a", 0, 0]],
        ]
        let document: JSONValue = ["class_name": "Functional", "keras_version": "2.15.0", "config": .object(all)]
        return try modelFromJSON(document.text, objects: CustomObjects(), kernels: KernelRegistry())
    }

    /// exp(0), exp(log 3) and so on among what is kept; nothing elsewhere, also where nothing is kept.
    @Test func softmaxLeavesOutWhatAMaskDoes() throws {
        let three = Float(1.0986123)
        let x = try Tensor(shape: [3, 4], [0, three, 50, 0, 7, 7, 7, 7, 1, 2, 3, 4])
        let m = try Tensor(shape: [3, 4], [1, 1, 0.5, -3, 0, 0, 0, 0, 0, 0, 0, 0.75])
        for config: JSONObject in [[:], ["axis": [1]], ["axis": -1, "robust_masking": true]] {
            let model = try model("Softmax", config)
            for threads in [1, 3] {
                let y = try model([x, m], threads: threads)[0].doubles
                // The exponent is that of a rounded logarithm, whose error is below 2^-24 of it.
                let expected = [0.25, 0.75, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
                #expect(zip(y, expected).allSatisfy { abs($0 - $1) <= ($1 == 0 || $1 == 1 ? 0 : 0x1p-22) }, "\(config) \(y)")
            }
            let prepared = try model.preparedModel(inputShapes: [[3, 4], [3, 4]])
            #expect(try prepared([x, m])[0].floats == model([x, m])[0].floats)
            // Written as Keras 3 has it.
            let written = try model.getConfig()["layers"]?.array?.last?.object
            #expect(written?["config"]?.object?["robust_masking"] == nil)
            let call = written?["inbound_nodes"]?.array?.first?.object
            #expect(call?["args"]?.array?.count == 1 && call?["kwargs"]?.object?["mask"]?.object?["class_name"] == "__keras_tensor__")
            let again = try Model(config: model.getConfig(), kernels: KernelRegistry())
            #expect(try again([x, m])[0].floats == model([x, m])[0].floats)
        }
    }

    @Test func masksOfOtherShapesAreRefused() throws {
        for mask: [Int?] in [[nil, 3], [nil, 1, 4], [nil, 4, 1]] {
            #expect(
                throws: KerasConfigError.inLayer(
                    "a", .layerInputs([[nil, 4], mask], expected: "a mask that can be repeated along the axes of the first"))
            ) { try model("Softmax", mask: mask) }
        }
        #expect(try model("Softmax", shape: [nil, 2, 4], mask: [nil, 1, 4]).isBuilt)
    }

    /// A tensor by name would be ignored, or taken for one more input.
    @Test func tensorsByNameAreRefused() throws {
        let volume: [Int?] = [nil, 2, 2, 2, 4]
        let table: [(String, JSONObject, String)] = [
            ("Add", [:], "mask"), ("Concatenate", [:], "mask"), ("BatchNormalization", [:], "mask"), ("ReLU", [:], "mask"), ("Softmax", [:], "bias"),
            ("TimeDistributed", ["layer": ["class_name": "Softmax", "config": ["name": "inner"]]], "mask"), ("Dropout", ["rate": 0.5], "training"),
            ("Conv3D", ["filters": 1, "kernel_size": 1], "mask"),
        ]
        for (className, config, argument) in table {
            let error = KerasConfigError.wrongType(key: "\(argument) of \(className)", received: "a tensor", expected: "no tensor there")
            #expect(throws: KerasConfigError.inLayer("a", error), "\(className)") {
                try model(className, config, argument: argument, shape: volume, mask: volume)
            }
        }
    }
}
