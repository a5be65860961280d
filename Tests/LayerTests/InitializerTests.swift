import Foundation
import Testing
import VoxKerasConfig
import Voxelsmith

/// Initializers by bounds, moments and algebra, and by what configs say of them.
struct InitializerTests {
    /// A kernel of unequal fans: 27 * 8 = 216 in, 27 * 12 = 324 out, by Keras's reading of the last two axes.
    private let shape = [3, 3, 3, 8, 12]
    private let fanIn = 216.0
    private let fanOut = 324.0

    private func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot())
    }

    @Test func constants() throws {
        for type in ElementType.allCases {
            #expect(try Zeros()([2, 3], type).doubles == [0, 0, 0, 0, 0, 0])
            #expect(try Ones()([3], type).doubles == [1, 1, 1])
            #expect(try Constant(-2.5)([2], type).doubles == [-2.5, -2.5])
            #expect(try Identity(gain: 3)([2, 3], type).doubles == [3, 0, 0, 0, 3, 0])
            #expect(try Constant()([0], type).shape == [0] && Constant()([2], type).elementType == type)
        }
        // Python's JSON has NaN and the infinities, and such constants are Keras's.
        for value in [Double.nan, .infinity, -.infinity] {
            let read = try CustomObjects().initializer(["class_name": "Constant", "config": ["value": .number(value)]])
            #expect(try read?([1], .float64).doubles.map(\.description) == [value.description])
        }
        #expect(throws: ArgumentError.rank(object: "Identity", received: shape, expected: "2 axes")) { try Identity()(shape, .float32) }
    }

    /// The kernel has 2,592 values: a mean is uncertain by 2 % of the deviation, a deviation by 1.4 %; four times that is allowed.
    @Test func momentsAndBounds() throws {
        let truncation = 0.87962566103423978
        let table: [(String, any Initializer, mean: Double, deviation: Double, bounds: ClosedRange<Double>)] = try [
            ("normal", RandomNormal(seed: 1), 0, 0.05, -1...1),
            ("normal with arguments", RandomNormal(mean: 3, stddev: 2, seed: 1), 3, 2, -20...20),
            ("truncated", TruncatedNormal(seed: 1), 0, 0.05 * truncation, -0.1...0.1),
            ("truncated with arguments", TruncatedNormal(mean: -1, stddev: 2, seed: 1), -1, 2 * truncation, -5...3),
            ("uniform", RandomUniform(seed: 1), 0, 0.1 / 12.squareRoot(), -0.05...0.05),
            ("uniform with arguments", RandomUniform(minval: 1, maxval: 4, seed: 1), 2.5, 3 / 12.squareRoot(), 1...4),
            ("glorot uniform", GlorotUniform(seed: 1), 0, (2 / (fanIn + fanOut)).squareRoot(), bounds(6 / (fanIn + fanOut))),
            ("glorot normal", GlorotNormal(seed: 1), 0, (2 / (fanIn + fanOut)).squareRoot(), truncated(2 / (fanIn + fanOut))),
            ("he uniform", HeUniform(seed: 1), 0, (2 / fanIn).squareRoot(), bounds(6 / fanIn)),
            ("he normal", HeNormal(seed: 1), 0, (2 / fanIn).squareRoot(), truncated(2 / fanIn)),
            ("lecun uniform", LecunUniform(seed: 1), 0, (1 / fanIn).squareRoot(), bounds(3 / fanIn)),
            ("lecun normal", LecunNormal(seed: 1), 0, (1 / fanIn).squareRoot(), truncated(1 / fanIn)),
            (
                "untruncated, fan out", VarianceScaling(scale: 3, mode: .fanOut, distribution: .untruncatedNormal, seed: 1), 0,
                (3 / fanOut).squareRoot(), -1...1
            ),
            (
                "other axes", VarianceScaling(distribution: .uniform, seed: 1, inputAxes: [0, -1], outputAxes: [1]), 0,
                (1.0 / 36).squareRoot(), bounds(3.0 / 36)
            ),
        ]
        for (name, initializer, mean, deviation, bounds) in table {
            let values = try initializer(shape, .float64).doubles
            let found = moments(values)
            #expect(abs(found.mean - mean) < 0.08 * deviation, "\(name): mean \(found.mean)")
            #expect(abs(found.deviation / deviation - 1) < 0.057, "\(name): deviation \(found.deviation), expected \(deviation)")
            #expect(values.allSatisfy { bounds.contains($0) }, "\(name)")
            #expect(Set(values).count > 2500, "\(name)")
            // float32 is the same draw, rounded.
            #expect(try initializer(shape, .float32).floats == values.map { Float($0) }, "\(name)")
        }
    }

    private func bounds(_ square: Double) -> ClosedRange<Double> { -square.squareRoot()...square.squareRoot() }
    private func truncated(_ variance: Double) -> ClosedRange<Double> {
        let limit = 2 * variance.squareRoot() / 0.87962566103423978
        return -limit...limit
    }

    /// A normal distribution has 4.55 % beyond two standard deviations; the truncated one has none.
    @Test func tailsOfTheNormal() throws {
        let values = try RandomNormal(stddev: 1, seed: 9)([100_000], .float64).doubles
        let beyond = Double(values.count { abs($0) > 2 }) / 1000
        #expect(abs(beyond - 4.55) < 0.3, "\(beyond) %")
    }

    /// The fans of a bias are both its length; those of a kernel come from its last two axes, (filters, channels).
    @Test func fansOfTheTransposedKernel() throws {
        let bias = try HeUniform(seed: 3)([24], .float64).doubles
        #expect(bias.allSatisfy { abs($0) <= 0.5 } && bias.contains { abs($0) > 0.4 })
        let many = try HeUniform(seed: 3)([1, 1, 1, 600, 6], .float64).doubles
        let few = try HeUniform(seed: 3)([1, 1, 1, 6, 600], .float64).doubles
        #expect(many.allSatisfy { abs($0) <= 0.1 } && many.contains { abs($0) > 0.09 }, "600 filters count as inputs")
        #expect(few.contains { abs($0) > 0.9 }, "6 filters count as inputs")
        // Through a layer: 27 taps of 2 filters, 8 channels.
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 3, kernelInitializer: HeUniform(seed: 1))
        try layer.build(inputShape: [1, 4, 4, 4, 8])
        let limit = (6.0 / 54).squareRoot()
        let kernel = layer.getWeights()[0].doubles
        #expect(kernel.allSatisfy { abs($0) <= limit } && kernel.contains { abs($0) > 0.9 * limit })
    }

    @Test func orthogonalColumnsOrRows() throws {
        for shape in [[3, 2, 2, 3, 5], [1, 1, 1, 3, 7], [4, 4]] {
            let (rows, columns) = (shape.dropLast().reduce(1, *), shape.last ?? 1)
            let values = try Orthogonal(gain: 2, seed: 5)(shape, .float64).doubles
            let (count, length) = rows >= columns ? (columns, rows) : (rows, columns)
            func element(_ vector: Int, _ index: Int) -> Double {
                rows >= columns ? values[index * columns + vector] : values[vector * columns + index]
            }
            for first in 0..<count {
                for second in 0..<count {
                    let product = (0..<length).reduce(0) { $0 + element(first, $1) * element(second, $1) }
                    #expect(abs(product - (first == second ? 4 : 0)) < 1e-13, "\(shape) \(first) \(second)")
                }
            }
        }
        #expect(throws: ArgumentError.rank(object: "Orthogonal", received: [4], expected: "at least 2 axes")) {
            try Orthogonal()([4], .float32)
        }
    }

    @Test func seedsDecide() throws {
        let makers: [(Int?) -> any Initializer] = [
            { RandomNormal(seed: $0) }, { TruncatedNormal(seed: $0) }, { RandomUniform(seed: $0) }, { GlorotUniform(seed: $0) },
            { GlorotNormal(seed: $0) }, { HeUniform(seed: $0) }, { HeNormal(seed: $0) }, { LecunUniform(seed: $0) },
            { LecunNormal(seed: $0) }, { Orthogonal(seed: $0) },
        ]
        for make in makers {
            let name = make(1).className
            func values(_ initializer: any Initializer) throws -> [Double] { try initializer([3, 4], .float64).doubles }
            #expect(try values(make(1)) == values(make(1)), "\(name)")
            #expect(try values(make(1)) != values(make(2)), "\(name)")
            #expect(try values(make(nil)) != values(make(nil)), "\(name): two initializers without a seed")
            let one = make(nil)
            #expect(try values(one) == values(one), "\(name): one initializer without a seed, called twice")
            #expect(one.getConfig()["seed"] == .null && make(7).getConfig()["seed"] == 7, "\(name)")
        }
    }

    @Test func namesAndConfigs() throws {
        let names: [(String, String)] = [
            ("zeros", "Zeros"), ("zero", "Zeros"), ("Zeros", "Zeros"), ("ones", "Ones"), ("one", "Ones"), ("Ones", "Ones"),
            ("constant", "Constant"), ("Constant", "Constant"), ("normal", "RandomNormal"), ("random_normal", "RandomNormal"),
            ("uniform", "RandomUniform"), ("random_uniform", "RandomUniform"), ("truncated_normal", "TruncatedNormal"),
            ("variance_scaling", "VarianceScaling"), ("glorot_uniform", "GlorotUniform"), ("glorot_normal", "GlorotNormal"),
            ("he_normal", "HeNormal"), ("he_uniform", "HeUniform"), ("lecun_normal", "LecunNormal"),
            ("lecun_uniform", "LecunUniform"), ("orthogonal", "Orthogonal"), ("OrthogonalInitializer", "Orthogonal"),
            ("identity", "Identity"), ("IdentityInitializer", "Identity"),
        ]
        let objects = CustomObjects()
        for (name, className) in names {
            let initializer = try #require(try objects.initializer(.string(name)))
            #expect(initializer.className == className, "\(name)")
            let again = try #require(try objects.initializer(initializer.serialized()))
            #expect(again.serialized() == initializer.serialized(), "\(name)")
            #expect(initializer.serialized().object?["module"] == "keras.initializers")
        }
        let odd: [any Initializer] = try [
            Constant(0.5), RandomNormal(mean: 1, stddev: 2, seed: 3), RandomUniform(minval: -1, maxval: 2, seed: 3),
            TruncatedNormal(mean: 1, stddev: 2, seed: 3), Orthogonal(gain: 2, seed: 3), Identity(gain: 2),
            VarianceScaling(scale: 3, mode: .fanOut, distribution: .uniform, seed: 4, inputAxes: [0], outputAxes: [1, 2]),
            HeNormal(seed: 5, inputAxes: [1], outputAxes: [2]),
        ]
        for initializer in odd {
            let again = try #require(try objects.initializer(initializer.serialized()))
            #expect(again.serialized() == initializer.serialized())
        }
        #expect(HeNormal().serialized().text == #"{"module": "keras.initializers", "class_name": "HeNormal", "config": {"seed": null, "input_axes": null, "output_axes": null}, "registered_name": null}"#)
        #expect(try objects.initializer(nil) == nil && objects.initializer(.null) == nil)
        // TensorFlow 1.4 wrote functions as VarianceScaling, with a dtype; Keras 2 called the truncated normal "normal".
        let old: JSONValue = [
            "class_name": "VarianceScaling",
            "config": ["scale": .number(1), "mode": "fan_avg", "distribution": "normal", "seed": nil, "dtype": "float32"],
        ]
        #expect((try objects.initializer(old) as? VarianceScaling)?.distribution == .truncatedNormal)
    }

    @Test func refusals() {
        let objects = CustomObjects()
        for json: JSONValue in ["foo", "Glorot", 1, [:], ["class_name": "Foo", "config": [:]]] {
            do {
                _ = try objects.initializer(json)
                Issue.record("accepted \(json.text)")
            } catch let error as ArgumentError {
                #expect(error.kerasKind == .valueError)
                #expect(error.description.hasPrefix("Could not interpret initializer identifier: \(json.text); expected"), "\(error)")
            } catch {
                Issue.record("\(error)")
            }
        }
        #expect(throws: ArgumentError.value(argument: "scale", received: "0.0", expected: "a positive number")) { try VarianceScaling(scale: 0) }
        for (key, value) in [("mode", "fan"), ("distribution", "gauss")] {
            #expect(throws: ArgumentError.self) { try objects.initializer(["class_name": "VarianceScaling", "config": [key: .string(value)]]) }
        }
        #expect(throws: KerasConfigError.unknownKeys(["valu"], className: "Constant")) {
            try objects.initializer(["class_name": "Constant", "config": ["valu": 1]])
        }
    }

    private struct Ramp: Initializer {
        let step: Double
        func getConfig() -> JSONObject { ["step": .number(step)] }
        func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
            try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float(Double($0) * step) })
        }
    }

    @Test func usersOwnInitializers() throws {
        let objects = CustomObjects()
        objects.register(initializer: "Ramp") { config in
            guard case .number(let step)? = config["step"] else { return Ramp(step: 1) }
            return Ramp(step: step)
        }
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 1, kernelInitializer: Ramp(step: 0.5), name: "own")
        let config = try layer.getConfig()
        #expect(config["kernel_initializer"]?.object?["registered_name"] == "Custom>Ramp")
        #expect(throws: ArgumentError.self) { try Conv3DTranspose(config: config, objects: CustomObjects()) }
        let again = try Conv3DTranspose(config: config, objects: objects)
        for layer in [layer, again] {
            try layer.build(inputShape: [1, 1, 1, 1, 3])
            #expect(layer.getWeights()[0].floats == [0, 0.5, 1, 1.5, 2, 2.5])
        }
        #expect((try objects.initializer("Ramp") as? Ramp)?.step == 1)
    }
}
