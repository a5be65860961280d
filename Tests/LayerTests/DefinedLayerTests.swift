import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// The layers that are no convolutions, against what Keras computed for them in float64.
@Suite struct DefinedLayerTests {
    /// A model with its weights and inputs, which float32 holds exactly, and what Keras makes of them.
    private struct Case {
        let name: String
        /// Without its ending.
        let file: String
        /// The JSON of the model in float32.
        let text: String
        let weights: [Tensor]
        let inputs: [Tensor]
        let outputs: [Tensor]

        func model(_ type: String = "float32") throws -> Model {
            let model = try modelFromJSON(text.replacing("float32", with: type), objects: CustomObjects(), policy: .direct, kernels: KernelRegistry())
            try model.setWeights(weights)
            return model
        }
    }

    /// Layers with weights and without, then operations and masks as Keras 3 and tf.keras 2 write them.
    private static let files = [layers, "operations", tensorFlow]
    private static let layers = "cases"
    private static let tensorFlow = "operations_tfkeras2"

    private static let cases: [Case] = {
        do {
            return try files.flatMap(cases)
        } catch {
            Issue.record("\(error)")
            return []
        }
    }()

    private static func cases(_ file: String) throws -> [Case] {
        let entries = try JSONValue(parsing: Fixture.data(Fixture.layer("layers/\(file).json"))).array ?? []
        let arrays = try NPZFile(path: Fixture.layer("layers/\(file).npz"))
        return try entries.compactMap(\.object).map { entry in
            let name = entry["name"]?.string ?? ""
            func tensors(_ kind: String, _ count: String) throws -> [Tensor] {
                try (0..<(entry[count]?.integer ?? 0)).map { try arrays.tensor("\(name)/\(kind)\($0)") }
            }
            return Case(
                name: name, file: file, text: entry["model"]?.text ?? "", weights: try tensors("w", "weights"), inputs: try tensors("x", "inputs"),
                outputs: try tensors("y", "outputs"))
        }
    }

    private func `case`(_ name: String) throws -> Case { try #require(Self.cases.first { $0.name == name }, "\(name)") }

    /// How far a computation in double precision may be from Keras's, whose sums have another order: inputs and weights are numbers up to 2 and
    /// results have fewer than 2^9 of them, so each is off by at most 2^-53 * 2^9 times their magnitudes, of which none exceeds 2^4 times the
    /// largest result.
    private func doubleBound(_ expected: [Double]) -> Double { 0x1p-40 * max(1, expected.map(abs).max() ?? 0) }

    private func check(_ received: Tensor, _ expected: Tensor, _ name: String, extra: Double = 0, rounding: Double = 0) {
        #expect(received.shape == expected.shape, "\(name)")
        let values = expected.doubles
        let bounds = values.map { rounding * abs($0) + extra + doubleBound(values) }
        let violation = received.elementCount == values.count ? ErrorBound.firstViolation(received: received.doubles, expected: values, bounds: bounds) : ""
        #expect(violation == nil, "\(name): \(violation ?? "")")
    }

    @Test func everyLayerIsKeras() throws {
        #expect(Self.cases.count > 140)
        for one in Self.cases {
            let model = try one.model("float64")
            let ys = try model(one.inputs)
            #expect(ys.count == one.outputs.count && ys.allSatisfy { $0.elementType == .float64 }, "\(one.name)")
            for (y, expected) in zip(ys, one.outputs) { check(y, expected, one.name) }
            // Shapes known in advance are those of the results.
            for (symbolic, y) in zip(model.outputs, ys) { #expect(symbolic.shape.dropFirst() == y.shape.map { $0 }.dropFirst(), "\(one.name)") }
        }
    }

    /// What float32 adds besides one rounding of the result, in units of the last place of 1: sums up to 26 are rounded before gelu, whose slope
    /// is below 1.2; halves up to 26 before a gated unit, whose gate has a slope of 1/4; sums up to 10 before tanh; and lengths of 1 in both
    /// factors of a product.
    private static let furtherRoundings: [String: Double] = [
        "Dense of rows": 32, "Dense glu": 26 + 26 * 26 / 4, "TimeDistributed Dense": 10, "Dot of lengths": 2,
    ]
    /// Whole networks, for which the double precision of the other test is the measure.
    private static let networks: Set<String> = ["operations", "network", "TimeDistributed chain", "operations in a row", "in a row"]

    /// float32 layers compute in double precision and round once; sums and products of these inputs are exact.
    @Test func float32IsRoundedOnce() throws {
        let unit = ElementType.float32.unitRoundoff
        for one in Self.cases where !Self.networks.contains(one.name) {
            let extra = Self.furtherRoundings[one.name, default: 0] * unit
            for (y, expected) in zip(try one.model()(one.inputs), one.outputs) { check(y, expected, one.name, extra: extra, rounding: unit) }
        }
    }

    @Test func anyNumberOfThreadsAndAnyFormOfTheModelGiveTheSameBits() throws {
        for one in Self.cases {
            let model = try one.model()
            let bits = try model(one.inputs, threads: 1).map(\.floats)
            #expect(try model(one.inputs, threads: 3).map(\.floats) == bits, "\(one.name)")
            try checkPrepared(one, bits)
            #expect(try model.copy()(one.inputs, threads: 2).map(\.floats) == bits, "\(one.name)")
            let again = try modelFromJSON(model.toJSON(), policy: .direct, kernels: KernelRegistry())
            try again.setWeights(model.getWeights())
            #expect(try again(one.inputs).map(\.floats) == bits && again.getConfig() == model.getConfig(), "\(one.name)")
        }
    }

    /// A prepared model gives the bits of the layers one by one, unless its plan folds normalizations into convolutions: then it computes what
    /// Keras does in float64, whose bound has room for a rounding of each weight and bias.
    private func checkPrepared(_ one: Case, _ bits: [[Float]]) throws {
        let shapes = one.inputs.map(\.shape)
        let prepared = try one.model().preparedModel(inputShapes: shapes)
        if prepared.plan.steps.allSatisfy({ !$0.name.contains(" + ") || !$0.name.contains("batch_normalization") }) {
            #expect(try prepared(one.inputs).map(\.floats) == bits, "\(one.name)")
        }
        let results = try one.model("float64").preparedModel(inputShapes: shapes)(one.inputs, threads: 2)
        for (y, expected) in zip(results, one.outputs) { check(y, expected, one.name) }
    }

    /// Each operation is computed in the memory of the plan, the last one in that of the result: none is called on tensors of its own.
    @Test func operationsAreStepsOfThePlan() throws {
        for name in ["operations in a row", "in a row"] {
            let one = try `case`(name)
            let steps = try one.model().preparedModel(inputShapes: one.inputs.map(\.shape)).plan.steps
            #expect(steps.count >= 14 && steps.allSatisfy { $0.kernel == "loop" } && steps.dropLast().allSatisfy { $0.offset != nil }, "\(name)")
        }
    }

    /// Entry by entry, what was read is written as Keras wrote it.
    @Test func configsAreKeras3s() throws {
        var classes: Set<String> = []
        for one in Self.cases where one.file != Self.tensorFlow {
            let written = try one.model().getConfig()["layers"]?.array ?? []
            let read = try JSONValue(parsing: one.text).object?["config"]?.object?["layers"]?.array ?? []
            #expect(written.count == read.count, "\(one.name)")
            for (own, entry) in zip(written.compactMap(\.object), read.compactMap(\.object)) {
                let className = entry["class_name"]?.string ?? ""
                guard LayerTable.hasRule(entry) || className == "Softmax" else { continue }
                classes.insert(className)
                for key in ["class_name", "module", "config", "registered_name", "name"] { #expect(own[key] == entry[key], "\(one.name): \(key)") }
                // Keras also writes which masks there were: none.
                func arguments(_ entry: JSONObject, _ key: String) -> [JSONValue?] { (entry["inbound_nodes"]?.array ?? []).map { $0.object?[key] } }
                #expect(arguments(own, "args") == arguments(entry, "args"), "\(one.name)")
                if one.name.contains("masked") { #expect(arguments(own, "kwargs") == arguments(entry, "kwargs"), "\(one.name)") }
            }
        }
        // Other names of classes that are here.
        #expect(
            classes.contains("Softmax") && LayerTable.classNames.subtracting(classes) == [
                "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization", "MaxPool3D", "AvgPool3D", "GlobalMaxPool3D", "GlobalAvgPool3D",
            ])
    }

    /// Stored in 16 bits, inputs and weights are rounded first and the result last; what is between has float32's precision at least.
    @Test func sixteenBitsAreForStorage() throws {
        for type in [ElementType.float16, .bfloat16] {
            let cases = Self.cases.filter { $0.file == Self.layers && $0.inputs.count == 1 && !Self.networks.contains($0.name) }
            for one in cases where !one.name.hasPrefix("TimeDistributed") {
                let mixed = try one.model("mixed_\(type.rawValue)")
                let inputs = try one.inputs.map { try $0.cast(to: type) }
                let y = try mixed(inputs)[0]
                #expect(y.elementType == type, "\(one.name)")
                // Every number of these cases is an eighth that 16 bits hold, but for those of normalizations, which Keras does not round.
                let plain = try one.model()(inputs)[0]
                #expect(try y.doubles == plain.cast(to: type).doubles, "\(one.name), \(type)")
            }
        }
    }
}
