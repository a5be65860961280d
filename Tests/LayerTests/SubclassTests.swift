import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Layers of the user's own that extend `Conv3DTranspose` and `Layer`. `Examples/api-page` does the same from outside of the package.
struct SubclassTests {
    final class Scaled: Conv3DTranspose, ConfigurableLayer {
        let factor: Double
        init(factor: Double, filters: Int, name: String? = nil, kernelRegularizer: (any Regularizer)? = nil) throws {
            self.factor = factor
            try super.init(filters: filters, kernelSize: 1, kernelInitializer: Constant(2), kernelRegularizer: kernelRegularizer, name: name)
        }
        override init(config: JSONObject) throws {
            var rest = config
            factor = rest.removeValue(forKey: "factor")?.number ?? 1
            try super.init(config: rest)
        }
        override func getConfig() throws -> JSONObject {
            var config = try super.getConfig()
            config["factor"] = .number(factor)
            return config
        }
        override func call(_ x: Tensor, threads: Int) throws -> Tensor {
            let y = try super.call(x, threads: threads)
            return try Tensor(shape: y.shape, y.floats.map { $0 * Float(factor) })
        }
    }

    /// Nothing of its own: it inherits every initializer.
    class UNet3DBlock: Conv3DTranspose {}
    final class Generic<Element>: Layer {}

    private struct Unregistered: Regularizer {
        func callAsFunction(_ x: Tensor) throws -> Double { 7 }
    }

    private let x = [1, 1, 1, 1, 1]

    @Test func namesAreThoseOfTheClass() throws {
        #expect(try Scaled(factor: 1, filters: 1).name.hasPrefix("scaled"))
        #expect(try UNet3DBlock(filters: 1, kernelSize: 1).name.hasPrefix("u_net3d_block"))
        #expect(try UNet3DBlock(config: ["filters": 1, "kernel_size": 1]).name.hasPrefix("u_net3d_block"))
        #expect(Generic<Int>().name.hasPrefix("generic"))
        #expect(try Conv3DTranspose(filters: 1, kernelSize: 1).name.hasPrefix("conv3d_transpose"))
        #expect(try UNet3DBlock(filters: 1, kernelSize: 1, name: "given").name == "given")
    }

    @Test func configsMakeThem() throws {
        let layer = try Scaled(factor: 1.5, filters: 2, name: "s")
        let again = try Scaled(config: layer.getConfig())
        #expect(again.factor == 1.5 && again.filters == 2 && again.name == "s")
        #expect(try again.getConfig() == layer.getConfig())
        // Other programs may write 3.0 as 3.
        var config = try layer.getConfig()
        config["factor"] = 3
        #expect(try Scaled(config: config).factor == 3)
        #expect(try JSONObject(parsing: layer.getConfig().toJSON()) == layer.getConfig())
        #expect("what a subclass leaves in the config", performing: { try Conv3DTranspose(config: config) },
            throws: { ($0 as? any KerasError) != nil && "\($0)".contains("factor") })
    }

    @Test func copiesHaveTheirClass() throws {
        let layer = try Scaled(factor: 3, filters: 1, name: "s", kernelRegularizer: Unregistered())
        let ones = try Ones()(x, .float32)
        #expect(try layer(ones).floats == [6])
        let copy: Scaled = try layer.copy()
        #expect(try copy.factor == 3 && copy.name == "s" && copy(ones).floats == [6] && copy.kernel !== layer.kernel)
        #expect(copy.kernelRegularizer is Unregistered && copy.batchInputShape == nil)
        #expect(try copy.losses.map(\.value) == [7])
        let plain = try UNet3DBlock(filters: 1, kernelSize: 1, name: "u")
        #expect(throws: LayerError.cannotCopy(layer: "u", className: "UNet3DBlock")) { try plain.copy() }
        CustomObjects.shared.register(layer: "UNet3DBlock") { try UNet3DBlock(config: $0) }
        #expect(try plain.copy().name == "u")
    }

    /// What a subclass keeps of its variables in properties of its own refers to the copy's variables in the copy.
    @Test func copiesHaveWeightsOfTheirOwn() throws {
        final class Gained: Conv3DTranspose, ConfigurableLayer {
            var gain: Variable?
            override func build(inputShape: [Int]) throws {
                gain = try addWeight(name: "gain", shape: [1], initializer: "ones")
                try gain?.assign(Tensor([2]))
                try super.build(inputShape: inputShape)
            }
            override func call(_ x: Tensor, threads: Int) throws -> Tensor {
                let (y, gain) = (try super.call(x, threads: threads), gain?.value.floats[0] ?? .nan)
                return try Tensor(shape: y.shape, y.floats.map { gain * $0 })
            }
        }
        final class Sum: Layer, ConfigurableLayer {
            var factors: [Variable] = []
            override func build(inputShapes: [[Int]]) throws {
                factors = try inputShapes.indices.map { try addWeight(name: "factor_\($0)", shape: [], initializer: "ones") }
                try super.build(inputShapes: inputShapes)
            }
            override func call(_ xs: [Tensor], threads: Int) throws -> [Tensor] {
                [try Tensor(zip(factors, xs).map { $0.value.floats[0] * $1.floats[0] })]
            }
        }
        let ones = try Ones()(x, .float32)
        let layer = try Gained(
            filters: 1, kernelSize: 1, kernelInitializer: Constant(3), kernelRegularizer: Unregistered(), name: "g")
        #expect(try layer(ones).floats == [6])
        try layer.gain?.assign(Tensor([5]))
        let copy = try layer.copy()
        #expect(try copy(ones).floats == [15] && copy.gain !== layer.gain && copy.gain === copy.weights.first { $0.name == "gain" })
        #expect(copy.weights.map(\.path) == layer.weights.map(\.path) && copy.kernel?.regularizer is Unregistered)
        try copy.gain?.assign(Tensor([1]))
        #expect(try copy(ones).floats == [3] && layer(ones).floats == [15])
        // The weights a layer was made with do not come back.
        let given = try Conv3DTranspose(filters: 1, kernelSize: 1, name: "up", weights: [Tensor(shape: [1, 1, 1, 1, 1], [7]), Tensor([0])])
        #expect(try given(ones).floats == [7])
        try given.kernel?.assign(Tensor(shape: [1, 1, 1, 1, 1], [8]))
        #expect(try given.copy()(ones).floats == [8])
        let model = try Sequential([layer], name: "m")
        #expect(try model(ones).floats == [15] && model.copy()(ones).floats == [15])
        let sum = Sum(name: "sum")
        #expect(try sum([ones, ones])[0].floats == [1, 1])
        try sum.factors[1].assign(Tensor(shape: [], [4]))
        #expect(try sum.copy()([ones, ones])[0].floats == [1, 4])
    }

    /// What a subclass does besides its convolution is never left out silently.
    @Test func preparedCallsDoWhatTheClassDoes() throws {
        final class Prepared: Conv3DTranspose {
            override func call(_ x: Tensor, threads: Int) throws -> Tensor { try Self.negative(super.call(x, threads: threads)) }
            override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall {
                let convolution = try convolutionCall(inputShapes: inputShapes)
                return { xs, threads in try convolution(xs, threads).map(Self.negative) }
            }
            private static func negative(_ y: Tensor) throws -> Tensor { try Tensor(shape: y.shape, y.floats.map { -$0 }) }
        }
        final class Plain: Conv3DTranspose {
            override var isPlainConvolution: Bool { true }
        }
        let ones = try Ones()(x, .float32)
        let scaled = try Scaled(factor: 3, filters: 1, name: "s")
        #expect(throws: LayerError.cannotPrepareCall(layer: "s", className: "Scaled")) { try Sequential([scaled]).preparedModel(inputShape: x) }
        #expect("a kernel alone", performing: { try scaled.preparedLayer(inputShape: x) },
            throws: { "\($0)".contains("Scaled") && ($0 as? ArgumentError)?.kerasKind == .valueError })
        #expect(!scaled.isOnlyItsKernel)
        let prepared = try Prepared(filters: 1, kernelSize: 1, kernelInitializer: Constant(2), name: "p")
        #expect(try Sequential([prepared]).preparedModel(inputShape: x)(ones).floats == [-2])
        let plain = try Plain(filters: 1, kernelSize: 1, kernelInitializer: Constant(2), name: "q")
        #expect(try Sequential([plain]).preparedModel(inputShape: x)(ones).floats == [2] && plain.preparedLayer(inputShape: x).call(ones).floats == [2])
    }

    @Test func modelsFindThemByTheirType() throws {
        let objects = CustomObjects()
        objects.register(layer: Scaled.self)
        objects.register(regularizer: "Unregistered") { _ in Unregistered() }
        let kernels = KernelRegistry()
        let model = try Sequential([Scaled(factor: 2, filters: 1, name: "s", kernelRegularizer: Unregistered())], name: "m")
        _ = try model(Ones()(x, .float32))
        let read = try modelFromJSON(model.toJSON(), objects: objects, policy: .direct, kernels: kernels)
        let layer = try #require(read.layers[0] as? Scaled)
        // What is given to the model reaches its layers.
        #expect(layer.factor == 2 && layer.kernelRegularizer is Unregistered && layer.policy == .direct)
        #expect(layer.kernels as? KernelRegistry === kernels)
        #expect(throws: KerasConfigError.missingLayers(model: "m", [OtherLayer(path: "s", className: "Scaled")])) {
            try modelFromJSON(model.toJSON(), objects: CustomObjects())
        }
    }

    @Test func snakeCaseIsKeras() {
        for (name, expected) in [
            ("Conv3DTranspose", "conv3d_transpose"), ("UNet3DBlock", "u_net3d_block"), ("ABc", "a_bc"), ("AaBb", "aa_bb"), ("HTTPServer", "http_server"),
            ("B2C2D2", "b2c2d2"), ("layer", "layer"), ("Up", "up"), ("X", "x"), ("", ""), ("MyLayer2X", "my_layer2x"), ("A1Bc", "a1_bc"),
            ("ConvLSTM2D", "conv_lstm2d"), ("Up3DBlock2Net", "up3d_block2_net"), ("A1B2", "a1b2"), ("MyRNNCell", "my_rnn_cell"), ("AB2Cd", "ab2_cd"),
        ] {
            #expect(UniqueNames.snakeCase(name) == expected, "\(name)")
        }
        // The names tf-keras gives in its files.
        for (name, expected) in [("ConvLSTM2D", "conv_lst_m2d"), ("Up3DBlock2Net", "up3d_block2net"), ("Conv3DTranspose", "conv3d_transpose")] {
            #expect(UniqueNames.snakeCase(name, digitsAreSmall: true) == expected, "\(name)")
        }
    }
}
