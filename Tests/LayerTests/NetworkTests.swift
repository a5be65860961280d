import Testing
import VoxKerasConfig
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// The networks that people have, with few filters, as Keras 3 and tf-keras 2 saved them: a U-Net, nnU-Net's, V-Net, a generator, a decoder, and
/// the 3-D part of GC-Net.
@Suite struct NetworkTests {
    private struct Network {
        let file: String
        let x: Tensor
        /// What the Keras that wrote the file computed in float32.
        let theirs: [Double]
        /// What Keras 3 computed in float64 with the same weights.
        let exact: [Double]
        let shape: [Int]

        func model(policy: Policy = .fast) throws -> Model {
            try loadModel(path: Fixture.layer("networks/\(file)"), policy: policy, kernels: KernelRegistry())
        }

        /// How far float32 may be from the exact result: four times as far as Keras is.
        var bound: Double { 4 * difference(theirs) }

        func difference(_ values: [Double]) -> Double { zip(values, exact).map { abs($0 - $1) }.max() ?? .infinity }
    }

    private static let names = ["unet", "nnunet", "vnet", "gan", "vae", "gcnet"]

    private func networks() throws -> [Network] {
        try Self.names.flatMap { name in
            let arrays = try NPZFile(path: Fixture.layer("networks/\(name)_keras3.npz"))
            let (x, exact) = (try arrays.tensor("x0"), try arrays.tensor("exact0"))
            return try ["\(name)_keras3.keras", "\(name)_tfkeras2.h5"].map { file in
                let own = try NPZFile(path: Fixture.layer("networks/\(file.prefix { $0 != "." }).npz")).tensor("y0")
                #expect(own.shape == exact.shape, "\(file)")
                return Network(file: file, x: x, theirs: own.doubles, exact: exact.doubles, shape: exact.shape)
            }
        }
    }

    /// At most four times as far from float64 as Keras's own float32 run, called and prepared, for either policy.
    @Test func resultsAreAsGoodAsKerass() throws {
        for network in try networks() {
            // Keras is never exact in these, so the bound is no 0.
            #expect(network.bound > 0, "\(network.file)")
            for policy in [Policy.fast, .direct] {
                let model = try network.model(policy: policy)
                #expect(model.isBuilt && model.inputs.count == 1 && model.outputs.count == 1, "\(network.file)")
                let prepared = try model.preparedModel(inputShapes: [network.x.shape])
                for (how, y) in [("called", try model(network.x, threads: 2)), ("prepared", try prepared(network.x, threads: 2))] {
                    #expect(y.shape == network.shape, "\(network.file), \(how)")
                    let difference = network.difference(y.doubles)
                    #expect(difference <= network.bound, "\(network.file), \(how): \(difference), bound \(network.bound)")
                }
                #expect(try prepared(network.x, threads: 3).floats == prepared(network.x, threads: 1).floats, "\(network.file)")
            }
        }
    }

    /// Each layer by itself, on what it is given: its definition in double precision, with no error but its own.
    @Test func stepsAreWithinTheirBounds() throws {
        var met: [String: Int] = [:]
        for network in try networks() {
            let model = try network.model(policy: .direct)
            _ = try model.trace([network.x]) { layer, xs in
                let y = try layer(xs, threads: 2)
                let exact = try Self.definition(layer, xs.map { Bounded(shape: $0.shape, values: $0.doubles, errors: $0.doubles.map { _ in 0 }) })
                let place = "\(network.file), \(layer.name)"
                #expect(y.map(\.shape) == [exact.shape], "\(place)")
                if y.map(\.shape) == [exact.shape] {
                    let found = ErrorBound.firstViolation(received: y[0].doubles, expected: exact.values, bounds: exact.errors)
                    #expect(found == nil, "\(place): \(found ?? "")")
                }
                met[layer.className, default: 0] += 1
                return y
            }
        }
        let expected: Set = [
            "Conv3D", "Conv3DTranspose", "BatchNormalization", "GroupNormalization", "PReLU", "LeakyReLU", "Activation", "MaxPooling3D", "Concatenate",
            "Add", "Dense", "Reshape",
        ]
        #expect(Set(met.keys) == expected, "\(met)")
    }

    /// What a layer of these networks computes, all of them with the channels last.
    private static func definition(_ layer: Layer, _ xs: [Bounded]) throws -> Bounded {
        let (x, weights) = (xs[0], layer.getWeights().map(\.doubles))
        if let layer = layer as? Conv3D { return try convolution(layer, x) }
        let config = try layer.getConfig()
        let epsilon = config["epsilon"].flatMap(number) ?? 0
        switch layer.className {
        case "BatchNormalization":
            return x.affine { place in
                let channel = place[x.rank - 1]
                return (weights[2][channel], weights[0][channel] / (weights[3][channel] + epsilon).squareRoot(), weights[1][channel])
            }
        case "GroupNormalization":
            // A group for each channel, which Keras writes as their number.
            #expect(config["groups"] == -1 || config["groups"] == .integer(x.shape[4]))
            return x.standardized(epsilon: epsilon) { [$0[0], $0[4]] } _: { (weights[0][$0[4]], weights[1][$0[4]]) }
        case "PReLU":
            let slopes = Places.all(x.shape).map { weights[0][$0[4]] }
            let values = zip(x.values, slopes).map { $0 > 0 ? $0 : $0 * $1 }
            return Bounded(x.shape, values, carried: x.errors)
        // Parameters of activations are float32's, as in Keras.
        case "LeakyReLU": return x.activated(.leakyRelu(slope: Double(Float(config["negative_slope"].flatMap(number) ?? 0))))
        case "Activation": return x.activated(try activation(config))
        case "MaxPooling3D": return x.pooled(isMaximum: true, [2, 2, 2], [2, 2, 2], .valid)
        case "Concatenate": return Bounded.concatenated(xs, axis: x.rank - 1)
        case "Add": return xs[0].combined(.add, xs[1])
        case "Dense": return x.dense(weights[0], units: weights[1].count, bias: weights[1]).activated(try activation(config))
        case "Reshape": return x.reshaped([x.shape[0]] + (config["target_shape"]?.array ?? []).compactMap(\.integer))
        default:
            Issue.record("no definition of \(layer.className)")
            return x
        }
    }

    private static func number(_ json: JSONValue) -> Double? {
        switch json {
        case .number(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    private static func activation(_ config: JSONObject) throws -> Activation {
        let names: [String: Activation] = ["linear": .linear, "relu": .relu, "sigmoid": .sigmoid, "softmax": .softmax]
        return try #require(names[config["activation"]?.string ?? ""], "\(config.toJSON())")
    }

    private static func convolution(_ layer: Conv3D, _ x: Bounded) throws -> Bounded {
        let weights = layer.getWeights()
        let (kernel, bias) = (weights[0].doubles, weights[1].doubles)
        let (taps, strides) = (Array(weights[0].shape.prefix(3)), layer.strides)
        let ends = try #require(Bounded.Ends(rawValue: layer.getConfig()["padding"]?.string ?? ""))
        let sums = layer is Conv3DTranspose
            ? x.spread(kernel, taps, filters: bias.count, strides: strides, ends, bias: bias)
            : x.convolved(kernel, taps, filters: bias.count, groups: 1, strides: strides, dilation: [1, 1, 1], ends, bias: bias)
        return sums.activated(layer.config.activation)
    }
}
