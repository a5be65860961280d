import Testing
import VoxKerasConfig
import Voxelsmith

/// Regularizers and constraints against what Keras computed, and what configs say of them.
struct RegularizerAndConstraintTests {
    @Test func regularizersAreKeras() throws {
        for reference in try ReferenceValues.both() {
            let kernel = try reference.tensor("kernel")
            let table: [String: any Regularizer] = try [
                "L1()": L1(), "L2()": L2(), "L1L2()": L1L2(), "L1L2(0.1,0.2)": L1L2(l1: 0.1, l2: 0.2),
            ]
            let entries = try reference.entries("regularizers")
            #expect(Set(entries.map(\.name)) == Set(table.keys))
            for (name, value) in entries {
                let expected = try #require(ReferenceValues.numbers(value).first)
                let object = try #require(table[name])
                let found = try object(kernel)
                #expect(abs(found - expected) <= 1e-6 * abs(expected), "\(name): \(found), \(expected)")
            }
        }
        let infinite = try Tensor(shape: [1], [Float.infinity])
        let nothing = try L1L2()
        #expect(try nothing(infinite) == 0)
    }

    @Test func constraintsAreKeras() throws {
        let table: [String: any Constraint] = [
            "MaxNorm()": MaxNorm(), "MaxNorm(3,axis=[0,1,2,3])": MaxNorm(3, axis: [0, 1, 2, 3]),
            "MaxNorm(3,axis=[0,1,2,4])": MaxNorm(3, axis: [0, 1, 2, 4]), "NonNeg()": NonNeg(), "UnitNorm()": UnitNorm(),
            "UnitNorm(axis=[0,1,2,4])": UnitNorm(axis: [0, 1, 2, 4]), "MinMaxNorm()": MinMaxNorm(),
            "MinMaxNorm(0.5,1.5,0.7,axis=[0,1,2,3])": MinMaxNorm(0.5, 1.5, rate: 0.7, axis: [0, 1, 2, 3]),
        ]
        for reference in try ReferenceValues.both() {
            let kernel = try reference.tensor("kernel")
            let entries = try reference.entries("constraints")
            #expect(Set(entries.map(\.name)) == Set(table.keys))
            for (name, value) in entries {
                let expected = try ReferenceValues.tensor(value)
                let object = try #require(table[name])
                let found = try object(kernel)
                #expect(found.shape == expected.shape)
                for (ours, theirs) in zip(found.doubles, expected.doubles) {
                    #expect(abs(ours - theirs) <= 1e-6 * max(1, abs(theirs)), "\(name): \(ours), \(theirs)")
                }
            }
        }
        let w = try Tensor(shape: [2, 3], [1, -2, 3, -4, 5, -6] as [Double])
        #expect(try UnitNorm(axis: -2)(w).doubles == UnitNorm()(w).doubles)
        #expect(throws: SpecError.axis(2, rank: 2)) { try UnitNorm(axis: 2)(w) }
    }

    /// Both work on matrices, respectively 2-D kernels, and refuse the kernel of a 3-D convolution, as in Keras.
    @Test func rankErrors() throws {
        let kernel = try Tensor(zeros: [1, 2, 3, 4, 5])
        #expect(throws: ArgumentError.rank(object: "OrthogonalRegularizer", received: kernel.shape, expected: "2 axes")) {
            try OrthogonalRegularizer()(kernel)
        }
        #expect(throws: ArgumentError.self) { try RadialConstraint()(kernel) }
        // Rows (3, 4), (4, 3), (0, 1): cosines 24/25, 4/5, 3/5 of three pairs.
        let matrix = try Tensor(shape: [3, 2], [3, 4, 4, 3, 0, 1] as [Double])
        let expected = 0.5 * Double(Float(0.3)) * 2 * (0.96 + 0.8 + 0.6) / 3
        #expect(abs(try OrthogonalRegularizer(factor: 0.3)(matrix) - expected) < 1e-15)
        // Columns (3, 4, 0), (4, 3, 1).
        let columns = 0.5 * Double(Float(0.01)) * 2 * 24 / (5 * 26.squareRoot())
        #expect(abs(try OrthogonalRegularizer(mode: .columns)(matrix) - columns) < 1e-15)
        // tf-keras: the centre of a 3 x 3 kernel is element (0, 0), the ring element (1, 1).
        let square = try Tensor(shape: [3, 3, 1, 1], (0..<9).map { Double($0) })
        #expect(try RadialConstraint()(square).doubles == [4, 4, 4, 4, 0, 4, 4, 4, 4])
        let even = try Tensor(shape: [4, 4, 1, 1], (0..<16).map { Double($0) })
        #expect(try RadialConstraint()(even).doubles == [15, 15, 15, 15, 15, 5, 5, 15, 15, 5, 5, 15, 15, 15, 15, 15])
    }

    @Test func namesAndConfigs() throws {
        let objects = CustomObjects()
        let regularizers: [(JSONValue, KerasGeneration, String)] = [
            ("l1", .keras3, #"{"l1": 0.009999999776482582}"#), ("L1", .keras3, #"{"l1": 0.009999999776482582}"#),
            ("l2", .keras3, #"{"l2": 0.01}"#), ("L2", .keras2, #"{"l2": 0.01}"#), ("l1l2", .keras3, #"{"l1": 0.0, "l2": 0.0}"#),
            ("L1L2", .keras3, #"{"l1": 0.0, "l2": 0.0}"#), ("l1_l2", .keras2, #"{"l1": 0.01, "l2": 0.01}"#),
            ("orthogonal_regularizer", .keras3, #"{"factor": 0.009999999776482582, "mode": "rows"}"#),
            (["class_name": "L1L2", "config": ["l1": .number(0.5), "l2": 0]], .keras2, #"{"l1": 0.5, "l2": 0.0}"#),
        ]
        for (json, generation, config) in regularizers {
            let regularizer = try #require(try objects.regularizer(json, generation: generation))
            #expect(JSONValue.object(regularizer.getConfig()).text == config, "\(json.text)")
            #expect(try objects.regularizer(regularizer.serialized())?.serialized() == regularizer.serialized())
        }
        #expect(throws: ArgumentError.self) { try objects.regularizer("l1_l2") }
        #expect(throws: ArgumentError.value(argument: "l2", received: "-1.0", expected: "a non-negative float")) { try L2(-1) }
        #expect(throws: ArgumentError.self) { try L1(.nan) }
        #expect(throws: ArgumentError.self) {
            try objects.regularizer(["class_name": "OrthogonalRegularizer", "config": ["mode": "diagonal"]])
        }

        let constraints: [(JSONValue, KerasGeneration, String)] = [
            ("max_norm", .keras3, #"{"max_value": 2.0, "axis": 0}"#), ("MaxNorm", .keras3, #"{"max_value": 2.0, "axis": 0}"#),
            ("maxnorm", .keras2, #"{"max_value": 2.0, "axis": 0}"#), ("unit_norm", .keras3, #"{"axis": 0}"#),
            ("unitnorm", .keras2, #"{"axis": 0}"#), ("non_neg", .keras3, "{}"), ("nonneg", .keras2, "{}"),
            ("min_max_norm", .keras3, #"{"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}"#),
            ("radial_constraint", .keras2, "{}"),
            (
                ["class_name": "MaxNorm", "config": ["max_value": 3, "axis": [0, 1, 2, 4]]], .keras3,
                #"{"max_value": 3.0, "axis": [0, 1, 2, 4]}"#
            ),
        ]
        for (json, generation, config) in constraints {
            let constraint = try #require(try objects.constraint(json, generation: generation))
            #expect(JSONValue.object(constraint.getConfig()).text == config, "\(json.text)")
            #expect(try objects.constraint(constraint.serialized())?.serialized() == constraint.serialized())
        }
        #expect(throws: ArgumentError.self) { try objects.constraint("maxnorm") }
        #expect(throws: ArgumentError.self) { try objects.constraint("foo") }
    }

    private struct Halve: Constraint {
        func callAsFunction(_ w: Tensor) throws -> Tensor { try Tensor(shape: w.shape, w.floats.map { $0 / 2 }) }
    }

    private struct Count: Regularizer {
        let package = "Mine"
        func callAsFunction(_ x: Tensor) throws -> Double { Double(x.elementCount) }
    }

    @Test func usersOwn() throws {
        let objects = CustomObjects()
        objects.register(constraint: "Halve") { _ in Halve() }
        objects.register(regularizer: "Count", package: "Mine") { _ in Count() }
        let layer = try Conv3DTranspose(
            filters: 1, kernelSize: 1, biasRegularizer: Count(), activityRegularizer: Count(), kernelConstraint: Halve(), name: "own")
        let again = try Conv3DTranspose(config: layer.getConfig(), objects: objects)
        #expect(again.kernelConstraint is Halve && again.biasRegularizer is Count && again.activityRegularizer is Count)
        #expect(again.biasConstraint == nil && again.kernelRegularizer == nil)
        #expect(try again.getConfig() == layer.getConfig())
        #expect(try layer.getConfig()["bias_regularizer"]?.object?["registered_name"] == "Mine>Count")
    }
}
