import Testing
import VoxKerasConfig
import VoxLayerSpec

/// Convolutions out of models of any shape.
@Suite struct ModelGraphTests {
    private func set(_ name: String) throws -> LayerSet { try LayerSet(json: try fixture("graphs/\(name).json")) }

    private func shapes(_ set: LayerSet) -> [String: [Int?]?] {
        Dictionary(uniqueKeysWithValues: set.layers.map { ($0.path, $0.inputShape) })
    }

    @Test func layersAmongOthers() throws {
        let bn = try set("gan_bn")
        #expect(bn.layers.map(\.path) == ["conv3d_transpose", "conv3d_transpose_1", "conv3d_transpose_2"])
        #expect(bn.layers.map(\.inputShape) == [[nil, 1, 1, 1, 10], [nil, 4, 4, 4, 6], [nil, 8, 8, 8, 4]])
        #expect(bn.model?.otherLayers == [])
        // An .h5 states no shapes of layers: this one follows from a Reshape.
        let dense = try set("gan_dense")
        let between = try dense.layers[0].outputShape()
        #expect(dense.layers.map(\.inputShape) == [[nil, 2, 2, 2, 4], between])
        #expect(dense.model?.otherLayers == [])
        let resize = try set("resize")
        #expect(shapes(resize) == ["conv3d": [nil, 6, 6, 6, 2], "conv3d_transpose": [nil, 4, 4, 4, 4]])
        #expect(resize.model?.otherLayers == [] && resize.model?.outputs == [])
    }

    @Test func dictionariesOfEnds() throws {
        let named = try #require(try set("named_ends").model)
        #expect(named.inputs.map(\.name) == ["image"] && named.inputs.map(\.shape) == [[nil, 2, 3, 2, 2]])
        #expect(named.outputs.map(\.name) == ["mask"] && named.layers.map(\.path) == ["up", "last"])
        let last = try named.layers[1].outputShape()
        #expect(named.outputs[0].shape == last)
        let nested = try #require(try set("nested_ends").model)
        #expect(nested.inputs.map(\.name) == ["p", "q", "i3"] && nested.outputs.map(\.name) == ["u"])
        #expect(nested.layers.map(\.inputShape) == [[nil, 2, 2, 2, 3]])
    }

    /// A layer in each of three models in each other, the innermost called twice; equal names.
    @Test func modelsInModels() throws {
        let deep = try set("deep")
        #expect(deep.layers.map(\.path) == ["middle/core/up", "middle/up", "chain/up", "last"])
        #expect(deep.layers.map(\.config.name) == ["up", "up", "up", "last"])
        #expect(deep.layers.map(\.inputShape) == [[nil, 2, 3, 2, 2], [nil, 2, 3, 2, 2], [nil, 2, 6, 2, 2], [nil, 2, 6, 2, 3]])
        #expect(deep.model?.otherLayers == [] && deep.model?.outputs.map(\.name) == ["mask", "raw"])
        // Another input, and a layer on its own.
        let changed = try deep.with(inputShapes: ["image": [1, 4, 3, 2, 2], "chain/up": [1, 5, 5, 5, 2]])
        #expect(changed.layers.map(\.inputShape) == [[1, 4, 3, 2, 2], [1, 4, 3, 2, 2], [1, 5, 5, 5, 2], [1, 5, 5, 5, 3]])
        #expect(throws: KerasConfigError.unknownLayerName("up", names: deep.layers.map(\.path))) {
            try deep.with(inputShapes: ["up": [1, 4, 3, 2, 2]])
        }
    }

    @Test func wrappersAndClassesOfTheUsersOwn() throws {
        let clips = try set("time_distributed")
        #expect(clips.layers.map(\.path) == ["td/inner", "td2/net/up1", "td2/net/up2"])
        #expect(clips.layers.map(\.inputShape) == [[nil, 2, 3, 2, 2], [nil, 2, 3, 2, 4], [nil, 2, 3, 2, 3]])
        #expect(clips.model?.otherLayers == [])
        #expect(try clips.with(inputShape: [1, 9, 4, 4, 4, 2]).layers.map(\.inputShape) == [[1, 4, 4, 4, 2], [1, 4, 4, 4, 4], [1, 4, 4, 4, 3]])
        let own = try set("custom_model")
        #expect(shapes(own) == ["enc/down": [nil, 4, 4, 4, 1], "dec/up": [nil, 2, 2, 2, 2]])
        #expect(own.model?.otherLayers == [OtherLayer(path: "vae", className: "VAE")])
    }

    /// One layer called on two shapes makes two kernels; operations and a Lambda stand between it and the last layer.
    @Test func layersCalledOnSeveralShapes() throws {
        let shared = try set("shared_shapes")
        #expect(shapes(shared) == ["shared": [nil, 4, 4, 4, 2], "shared[1]": [nil, 2, 2, 2, 2], "last": [nil, 4, 4, 4, 4]])
        #expect(shared.model?.otherLayers.map(\.path) == ["lam"])
        // Behind what is not understood the file's shapes hold no longer.
        let changed = try shared.with(inputShape: [1, 8, 8, 8, 2])
        #expect(shapes(changed) == ["shared": [1, 8, 8, 8, 2], "shared[1]": [1, 4, 4, 4, 2], "last": nil])
        let stated = try shared.with(inputShape: [1, 8, 8, 8, 2], inputShapes: ["last": [1, 8, 8, 8, 4]])
        #expect(shapes(stated)["last"] == [1, 8, 8, 8, 4])
        #expect(try shared.with(inputShapes: ["shared[1]": [1, 3, 3, 3, 2]]).layers.map(\.inputShape).contains([1, 3, 3, 3, 2]))
        #expect(try shared.with(inputShape: [1, 4, 4, 4, 2]).layers.last?.inputShape?.dropFirst() == [4, 4, 4, 4])
    }

    @Test func callsInTraining() throws {
        let model = try #require(try set("training").model)
        #expect(model.otherLayers.map(\.description) == ["\"mc\" (Dropout, called with training=True)"])
        #expect(try set("deep").model?.otherLayers == [])
    }

    private func layer(_ name: String, _ className: String, _ config: JSONObject = [:], from: [JSONValue] = []) -> JSONValue {
        var all = config
        all["name"] = .string(name)
        if className == "Conv3DTranspose" {
            all["filters"] = 2
            all["kernel_size"] = 3
        }
        let object: JSONObject = [
            "class_name": .string(className), "name": .string(name), "config": .object(all), "inbound_nodes": .array(from),
        ]
        return .object(object)
    }

    private func tensor(_ name: String, _ call: Int = 0) -> JSONValue { [.string(name), .integer(call), 0] }

    /// A call on one tensor.
    private func on(_ name: String, _ call: Int = 0) -> JSONValue { [tensor(name, call)] }

    private func model(_ layers: [JSONValue], inputs: [JSONValue]? = nil, outputs: [JSONValue]) -> JSONObject {
        let config: JSONObject = [
            "name": "m", "layers": .array(layers), "input_layers": .array(inputs ?? [tensor("x")]), "output_layers": .array(outputs),
        ]
        return ["class_name": "Model", "config": .object(config)]
    }

    private let input: JSONValue = [
        "class_name": "InputLayer", "name": "x", "inbound_nodes": [], "config": ["batch_input_shape": [nil, 4, 4, 4, 2], "name": "x"],
    ]

    /// Keras 2: models count their calls from 1, numbers are constants, shapes follow from layers alone.
    @Test func formsOfKeras2() throws {
        var inner = model([input, layer("up", "Conv3DTranspose", from: [on("x")])], outputs: [tensor("up")])
        inner["name"] = "inner"
        inner["inbound_nodes"] = .array([on("x"), on("inner", 1)])
        let times: JSONValue = ["inner", 2, 0, ["y": tensor("x"), "name": nil]]
        let half: JSONValue = ["_CONSTANT_VALUE", -1, .number(0.5), ["y": tensor("times")]]
        let layers: [JSONValue] = [
            input, .object(inner), layer("times", "TFOpLambda", from: [times]), layer("half", "TFOpLambda", from: [half]),
            layer("norm", "BatchNormalization", from: [on("inner", 1)]),
            layer("join", "Concatenate", ["axis": -1], from: [[tensor("norm"), tensor("x")]]),
            layer("next", "Conv3DTranspose", from: [on("join")]), layer("last", "Conv3DTranspose", from: [on("half")]),
        ]
        let outer = try LayerSet(.object(model(layers, outputs: [tensor("last"), tensor("next")])))
        #expect(shapes(outer) == ["inner/up": [nil, 4, 4, 4, 2], "inner[1]/up": [nil, 6, 6, 6, 2], "next": nil, "last": nil])
        // Operations that do not say which they are.
        #expect(outer.model?.otherLayers.map(\.path).sorted() == ["half", "times"])
    }

    /// Every layer once, as Keras's summary has them, with those inside of models and wrappers.
    @Test func everyLayerIsListed() throws {
        var inner = model([input, layer("up", "Conv3DTranspose", from: [on("x")])], outputs: [tensor("up")])
        inner["name"] = "inner"
        inner["inbound_nodes"] = .array([on("x"), on("inner", 1)])
        let dense: JSONValue = ["class_name": "Dense", "config": ["name": "each", "units": 5]]
        let layers: [JSONValue] = [
            input, .object(inner), layer("norm", "BatchNormalization", from: [on("inner", 1)]),
            layer("bend", "Activation", ["activation": "relu"], from: [on("norm")]),
            layer("steps", "TimeDistributed", ["layer": dense], from: [on("bend")]), layer("what", "Mystery", from: [on("steps")]),
            layer("last", "Conv3DTranspose", from: [on("what")]),
        ]
        let listed = try #require(try LayerSet(.object(model(layers, outputs: [tensor("last"), tensor("inner", 2)]))).model).allLayers
        #expect(listed.map(\.path) == ["x", "inner", "inner/x", "inner/up", "norm", "bend", "steps", "steps/each", "what", "last"])
        #expect(
            listed.map(\.className) == [
                "InputLayer", "Model", "InputLayer", "Conv3DTranspose", "BatchNormalization", "Activation", "TimeDistributed", "Dense", "Mystery",
                "Conv3DTranspose",
            ])
        // A layer that is called twice has the shape of its first call.
        let shapes: [[Int?]?] = [
            [nil, 4, 4, 4, 2], [nil, 6, 6, 6, 2], [nil, 4, 4, 4, 2], [nil, 6, 6, 6, 2], [nil, 6, 6, 6, 2], [nil, 6, 6, 6, 2], [nil, 6, 6, 6, 5],
            [nil, 6, 6, 5], nil, nil,
        ]
        #expect(listed.map(\.outputShape) == shapes)
        // 3 x 3 x 3 taps, 2 x 2 channels and a bias; four vectors; 2 x 5 and a bias. Those of what is unknown are.
        #expect(listed.map(\.parameterCount) == [0, 0, 0, 110, 8, 0, 0, 15, nil, nil])
    }

    @Test func graphsThatAreNone() throws {
        let a = layer("a", "Conv3DTranspose", from: [on("x")])
        let circle = [input, layer("a", "Conv3DTranspose", from: [on("b")]), layer("b", "Dropout", from: [on("a")])]
        let table: [(JSONObject, String)] = [
            (model([input, a], outputs: []), "has none of its output_layers"),
            (model([input, a], outputs: [tensor("b")]), "uses a result of layer \"b\", which it does not have"),
            (model([input, a], outputs: [tensor("a", 3)]), "uses call 3 of layer \"a\", which has 1"),
            (model(circle, outputs: [tensor("a")]), "calls layer \"a\" on what depends on it"),
            (model([input, layer("a", "Conv3DTranspose", from: [3])], outputs: [tensor("a")]), "has a call on 3, which is no tensor"),
        ]
        for (document, reason) in table {
            #expect(throws: KerasConfigError.brokenGraph(model: "m", reason: reason), "\(reason)") { try LayerSet(.object(document)) }
        }
        #expect(throws: KerasConfigError.duplicateName("a")) { try LayerSet(.object(model([input, a, a], outputs: [tensor("a")]))) }
        // Nothing to make kernels for, but a model all the same.
        let dense = try LayerSet(.object(model([input, layer("d", "Dense", from: [on("x")])], outputs: [tensor("d")])))
        #expect(dense.layers.isEmpty)
        #expect(throws: KerasConfigError.noKnownLayers(model: "m", [OtherLayer(path: "d", className: "Dense")])) {
            try dense.checkConvolutions()
        }
        // Two calls at each of many levels: a billion calls in a few kilobytes.
        var tower = model([input, a], outputs: [tensor("a")])
        for level in 0..<25 {
            tower["name"] = .string("l\(level)")
            tower["inbound_nodes"] = .array([on("x"), on("x")])
            tower = model([input, .object(tower)], outputs: [tensor("l\(level)"), tensor("l\(level)", 1)])
        }
        #expect(throws: KerasConfigError.brokenGraph(model: "m", reason: "calls layers more than 100000 times")) {
            try LayerSet(.object(tower))
        }
        let twice = try LayerSet(.object(model([input, a], inputs: [tensor("x"), tensor("x")], outputs: [tensor("a")])))
        #expect(throws: KerasConfigError.namelessInputShape(model: "m", inputs: 2, received: [1, 4, 4, 4, 2], names: ["x", "x"])) {
            try twice.with(inputShape: [1, 4, 4, 4, 2])
        }
    }
}
