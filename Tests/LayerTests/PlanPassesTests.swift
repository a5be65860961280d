import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import Voxelsmith
import _TestSupport

/// Which layers a plan computes together, and that nothing but rounding changes by it.
@Suite struct PlanPassesTests {
    /// Two layers one after the other between input and output.
    private func chain(_ shape: [Int?], _ layers: (String, String, JSONObject)...) -> PlanNetwork {
        var network = PlanNetwork()
        network.input("x", shape)
        var last = "x"
        for (className, name, config) in layers {
            network.add(className, name, config, on: last)
            last = name
        }
        network.end(last)
        return network
    }

    /// Checks the steps, and that results are those of the layers one by one, bit by bit: everything is exact.
    private func check(_ network: PlanNetwork, _ shapes: [[Int]], steps: [String], _ comment: String = "") throws {
        let model = try network.model()
        let xs = try shapes.enumerated().map { try PlanNetwork.random($1, seed: UInt64($0 + 1)) }
        let prepared = try model.preparedModel(inputShapes: shapes)
        #expect(prepared.plan.steps.map(\.name) == steps, "\(comment)")
        let expected = try model(xs)
        for threads in 1...3 {
            let results = try prepared(xs, threads: threads)
            #expect(results.map(\.shape) == expected.map(\.shape), "\(comment), \(steps)")
            #expect(results.map(\.floats) == expected.map(\.floats), "\(comment), \(steps), \(threads) threads")
        }
    }

    /// (kind, config, shape of the input): unequal axes, channels unlike filters.
    private static let convolutions: [(String, JSONObject, [Int])] = [
        ("Conv3D", .convolution(4, [3, 2, 1], ["padding": "same"]), [2, 5, 4, 3, 6]),
        ("Conv3D", .convolution(4, [2, 1, 3], ["strides": [1, 2, 1], "use_bias": false, "groups": 2]), [2, 5, 4, 3, 6]),
        ("Conv3D", .convolution(4, 2, ["data_format": "channels_first", "use_bias": false]), [2, 6, 5, 4, 3]),
        ("Conv3DTranspose", .convolution(4, [3, 2, 2], ["strides": [2, 1, 2], "padding": "same"]), [2, 3, 4, 2, 6]),
        ("Conv3DTranspose", .convolution(4, [1, 3, 2], ["use_bias": false, "data_format": "channels_first"]), [2, 6, 3, 4, 2]),
    ]

    @Test func normalizationsBehindConvolutionsAreFolded() throws {
        for (className, config, shape) in Self.convolutions {
            let axis: JSONValue = config["data_format"] == "channels_first" ? 1 : -1
            for flags: JSONObject in [[:], ["center": false], ["scale": false], ["center": false, "scale": false]] {
                var own = JSONObject.normalization(flags)
                own["axis"] = axis
                let network = chain(shape.map { $0 }, (className, "c", config), ("BatchNormalization", "b", own))
                try check(network, [shape], steps: ["c + b"], "\(className) \(config) \(flags)")
            }
            // Two of them, something that does nothing, and an activation.
            var own = JSONObject.normalization()
            own["axis"] = axis
            let long = chain(
                shape.map { $0 }, (className, "c", config), ("Dropout", "d", ["rate": 0.5, "dtype": "float32"]), ("BatchNormalization", "b", own),
                ("BatchNormalization", "e", own), ("ReLU", "r", ["dtype": "float32"]))
            try check(long, [shape], steps: ["c + d + b + e + r"], "\(className) \(config)")
        }
    }

    @Test func normalizationsThatOthersReadStay() throws {
        let shape = [2, 4, 3, 5, 2]
        let convolution = JSONObject.convolution(3, [1, 3, 2])
        var network = PlanNetwork()
        network.input("x", shape.map { $0 })
        network.add("Conv3D", "c", convolution, on: "x")
        network.add("BatchNormalization", "b", .normalization(), on: "c")
        var asOutput = network
        asOutput.end("b", "c")
        try check(asOutput, [shape], steps: ["c", "b"], "an output")
        network.add("Add", "a", ["dtype": "float32"], on: "c", "b")
        network.end("a")
        try check(network, [shape], steps: ["c", "b", "a"], "another reader")
        var relu = convolution
        relu["activation"] = "relu"
        try check(chain(shape.map { $0 }, ("Conv3D", "c", relu), ("BatchNormalization", "b", .normalization())), [shape], steps: ["c", "b"], "an activation")
        try check(
            chain(shape.map { $0 }, ("Conv3D", "c", convolution), ("BatchNormalization", "b", .normalization(["axis": 2]))), [shape], steps: ["c", "b"],
            "another axis")
        var penalty = convolution
        penalty["activity_regularizer"] = ["class_name": "L2", "config": ["l2": 0.5]]
        try check(
            chain(shape.map { $0 }, ("Conv3D", "c", penalty), ("BatchNormalization", "b", .normalization())), [shape], steps: ["c", "b"],
            "a penalty on results")
    }

    /// What is added to a channel is a bias only where every result has the same taps.
    @Test func normalizationsBeforeConvolutionsAreFoldedWhereNoTapLeavesTheVolume() throws {
        let shape = [2, 5, 4, 3, 6]
        let cases: [(String, JSONObject, Bool)] = [
            ("Conv3D", .convolution(4, [3, 2, 1]), true),
            ("Conv3D", .convolution(4, [3, 2, 1], ["activation": "relu", "use_bias": false, "strides": [2, 1, 1], "groups": 2]), true),
            ("Conv3D", .convolution(4, [1, 1, 3], ["padding": "same"]), false),
            ("Conv3D", .convolution(4, 1, ["padding": "same"]), true),
            // The last tap of a stride may lie outside.
            ("Conv3D", .convolution(4, [2, 1, 1], ["padding": "same", "strides": [2, 1, 1]]), false),
            ("Conv3DTranspose", .convolution(4, 1), true), ("Conv3DTranspose", .convolution(4, [1, 2, 1]), false),
            ("Conv3DTranspose", .convolution(4, [2, 1, 1], ["strides": [2, 1, 1]]), false),
            ("Conv3DTranspose", .convolution(4, [1, 1, 1], ["strides": [2, 1, 1]]), false),
        ]
        for (className, config, isFolded) in cases {
            let network = chain(shape.map { $0 }, ("BatchNormalization", "b", .normalization()), (className, "c", config))
            try check(network, [shape], steps: isFolded ? ["b + c"] : ["b", "c"], "\(className) \(config)")
            // Factors alone are weights everywhere.
            let model = try network.model()
            for variable in model.weights where ["beta", "moving_mean"].contains(variable.name) {
                try variable.assign(Tensor(zeros: variable.shape, variable.dtype))
            }
            let x = try PlanNetwork.random(shape, seed: 5)
            let prepared = try model.preparedModel(inputShape: shape)
            #expect(prepared.plan.steps.map(\.name) == ["b + c"], "\(className) \(config)")
            #expect(try prepared(x).floats == model(x).floats, "\(className) \(config)")
        }
        var network = PlanNetwork()
        network.input("x", shape.map { $0 })
        network.add("BatchNormalization", "b", .normalization(), on: "x")
        network.add("Conv3D", "c", .convolution(2, 1), on: "b")
        network.add("Conv3D", "d", .convolution(2, 1), on: "b")
        network.end("c", "d")
        try check(network, [shape], steps: ["b", "c", "d"], "two readers")
    }

    @Test func activationsAreFused() throws {
        let shape = [2, 3, 4, 2, 3]
        let convolution = JSONObject.convolution(4, [2, 1, 2])
        let cases: [(String, JSONObject, Bool)] = [
            ("Activation", ["activation": "tanh"], true), ("ReLU", ["max_value": 6], true), ("LeakyReLU", [:], true), ("ELU", [:], true),
            ("Softmax", ["axis": -1], true), ("Softmax", ["axis": 1], false), ("PReLU", ["shared_axes": [1, 2, 3]], false),
        ]
        for (className, config, isFused) in cases {
            var own = config
            own["dtype"] = "float32"
            let network = chain(shape.map { $0 }, ("Conv3D", "c", convolution), (className, "a", own))
            try check(network, [shape], steps: isFused ? ["c + a"] : ["c", "a"], "\(className) \(config)")
        }
        var relu = convolution
        relu["activation"] = "relu"
        try check(chain(shape.map { $0 }, ("Conv3D", "c", relu), ("ELU", "a", ["dtype": "float32"])), [shape], steps: ["c", "a"], "two activations")
        // Another type is a cast.
        try check(chain(shape.map { $0 }, ("Conv3D", "c", convolution), ("ReLU", "a", ["dtype": "float64"])), [shape], steps: ["c", "a"], "float64")
    }

    /// A layer that is called several times has weights of its own in each call, and the same ones where the same is folded into it.
    @Test func sharedLayersAreFoldedPerCall() throws {
        let shape = [2, 3, 4, 2, 3]
        var network = PlanNetwork()
        network.input("x", shape.map { $0 })
        network.input("y", shape.map { $0 })
        network.add("Conv3D", "c", .convolution(3, [2, 1, 2], ["padding": "same"]), on: "x")
        for _ in 0..<3 { network.call("c", on: "y") }
        network.add("BatchNormalization", "b", .normalization(), on: "c")
        network.call("b", on: "c:1")
        network.add("BatchNormalization", "e", .normalization(), on: "c:2")
        network.add("Add", "s", ["dtype": "float32"], on: "b", "b:1", "e", "c:3")
        network.end("s")
        try check(network, [shape, shape], steps: ["c + b", "c + b", "c + e", "c", "s"])
        let plan = try network.model().plan(inputShapes: [shape, shape])
        // Three different kernel tensors: those with b, that with e, and the layer's own.
        let one = try #require(plan.steps[0].choice).kernel.packedByteCount
        #expect(plan.packedByteCount == 3 * one)
    }

    /// Weights that a call packed before they were assigned to are no longer the layer's.
    @Test func stalePackedWeightsAreNotUsed() throws {
        let shape = [2, 3, 4, 2, 3]
        let network = chain(shape.map { $0 }, ("Conv3D", "c", .convolution(4, [2, 1, 2])), ("ReLU", "a", ["dtype": "float32"]))
        let model = try network.model()
        let x = try PlanNetwork.random(shape, seed: 8)
        let before = try model(x).floats
        let kernel = try #require(model.weights.first { $0.name == "kernel" })
        try kernel.assign(Tensor(shape: kernel.shape, kernel.value.doubles.map { 1 - $0 }))
        let y = try model.preparedModel(inputShape: shape)(x).floats
        let expected = try model(x).floats
        #expect(y == expected && y != before)
    }

    /// Weights of a file may be there before a shape is: a normalization for other channels than those it gets is an error, and is not folded.
    @Test func normalizationsOfOtherChannelsAreErrors() throws {
        for (count, order) in [(2, ["c", "b"]), (6, ["c", "b"]), (2, ["b", "c"]), (6, ["b", "c"])] {
            let configs: [String: (String, JSONObject)] = [
                "c": ("Conv3D", .convolution(4, 1)), "b": ("BatchNormalization", .normalization()),
            ]
            let layers = order.map { name -> JSONValue in
                let (className, config) = configs[name] ?? ("", [:])
                var own = config
                own["name"] = .string(name)
                return ["class_name": .string(className), "config": .object(own)]
            }
            let document: JSONValue = ["class_name": "Sequential", "keras_version": "2.15.0", "config": ["name": "m", "layers": .array(layers)]]
            let model = try modelFromJSON(document.text, kernels: KernelRegistry())
            for layer in model.layers {
                let numbers = try Tensor(shape: [count], Array(repeating: Float(1), count: count))
                try layer.takeWeights(
                    layer.name == "b"
                        ? [numbers, numbers, numbers, numbers]
                        : [Tensor(shape: [1, 1, 1, 4, 4], Array(repeating: Float(1), count: 16)), Tensor([1, 2, 3, 4])])
            }
            let expected = KerasConfigError.inLayer(
                "b", .layerInputs([[1, 2, 3, 2, 4]], expected: "one that its weight gamma of shape [\(count)] is for"))
            #expect(throws: expected) { try model.preparedModel(inputShape: [1, 2, 3, 2, 4]) }
        }
    }

    @Test func modelsInModelsAreWalkedThrough() throws {
        let shape = [2, 3, 4, 2, 3]
        var inner = PlanNetwork()
        inner.input("i", [nil, nil, nil, nil, 3])
        inner.add("Conv3D", "c", .convolution(3, 1), on: "i")
        inner.end("c")
        var network = PlanNetwork()
        network.input("x", shape.map { $0 })
        network.add(inner, "block", on: "x")
        network.add("BatchNormalization", "b", .normalization(), on: "block")
        network.add("ReLU", "r", ["dtype": "float32"], on: "b")
        network.end("r")
        try check(network, [shape], steps: ["c + b + r"])
    }

    /// Weights that are no numbers afterwards, or have lost their precision, are left as they are.
    @Test func weightsThatCannotBeFoldedStay() throws {
        let shape = [1, 2, 3, 2, 3]
        let network = chain(shape.map { $0 }, ("Conv3D", "c", .convolution(2, 1)), ("BatchNormalization", "b", .normalization()))
        for (name, value) in [("gamma", Double.infinity), ("moving_variance", 0), ("gamma", 0x1p-140), ("beta", .nan)] {
            let model = try network.model()
            let variable = try #require(model.weights.first { $0.name == name })
            try variable.assign(Tensor(shape: [2], [value, value]))
            #expect(try model.stepNames(shape) == ["c", "b"], "\(name) \(value)")
            let x = try PlanNetwork.random(shape, seed: 3)
            let (y, expected) = (try model.preparedModel(inputShape: shape)(x), try model(x))
            #expect(y.floats.map(\.bitPattern) == expected.floats.map(\.bitPattern), "\(name) \(value)")
        }
        // A factor of 0 takes a filter out.
        let model = try network.model()
        let gamma = try #require(model.weights.first { $0.name == "gamma" })
        try gamma.assign(Tensor(shape: [2], [0, 1]))
        #expect(try model.stepNames(shape) == ["c + b"])
    }

    /// With weights that are no integers, the folded float32 result is within the bound of its own roundings of the float64 one.
    @Test func foldedResultsAreWithinTheirBound() throws {
        let shape = [2, 4, 3, 5, 6]
        let network = chain(shape.map { $0 }, ("Conv3D", "c", .convolution(5, [3, 2, 1])), ("BatchNormalization", "b", .normalization(["epsilon": 0.001])))
        let (single, double) = (try network.model(), try network.model(type: "float64"))
        var random = SeededRandom(seed: 11)
        let weights = try single.weights.map { variable in
            let values = random.reals(variable.shape.reduce(1, *))
            return try Tensor(shape: variable.shape, variable.name == "moving_variance" ? values.map { abs($0) + 0.125 } : values)
        }
        for model in [single, double] { try model.setWeights(weights.map { try $0.cast(to: .float32) }) }
        let x = try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
        let (y, expected) = (try single.preparedModel(inputShape: shape)(x), try double.preparedModel(inputShape: shape)(x.cast(to: .float64)))
        // 36 products, each of a rounded weight, and a rounded bias: gamma_38 of the magnitudes. Inputs and weights are below 1, factors below
        // 1 / sqrt(0.126) < 3, so a sum is below 37 * 3 in magnitude, and a shift below 1 + 3.
        let bound = ErrorBound.gamma(38, .float32) * (37 * 3 + 4)
        let violation = ErrorBound.firstViolation(received: y.doubles, expected: expected.doubles, bounds: expected.doubles.map { _ in bound })
        #expect(violation == nil, "\(violation ?? "")")
    }

    /// The kernels that a build makes from the config are those that the plan asks for.
    @Test func buildsMakeTheKernelsOfPlans() throws {
        var networks: [(PlanNetwork, [Int])] = []
        for (className, config, shape) in Self.convolutions {
            let axis: JSONValue = config["data_format"] == "channels_first" ? 1 : -1
            let own = JSONObject.normalization(["axis": axis])
            let input: [Int?] = [nil] + shape.dropFirst().map { $0 }
            networks.append((chain(input, (className, "c", config), ("BatchNormalization", "b", own), ("ELU", "e", ["dtype": "float32"])), shape))
            networks.append((chain(input, ("BatchNormalization", "b", own), (className, "c", config), ("ReLU", "e", ["dtype": "float32"])), shape))
        }
        for (network, shape) in networks {
            let set = try LayerSet(network.document)
            let described = set.layers + (set.model?.fusedLayers ?? [])
            let keys = try described.map { layer in
                try layer.config.spec(inputShape: #require(layer.completeInputShape(batch: 1)), policy: .direct).key
            }
            for step in try network.model().plan(inputShape: shape).steps {
                if let choice = step.choice { #expect(keys.contains(choice.kernel.spec.key), "\(step.name): \(choice.kernel.spec.key)") }
            }
        }
    }
}
