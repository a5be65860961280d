import VoxKerasConfig
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// A functional model drawn layer by layer: branches, layers that are called twice, models inside, several inputs and outputs. It knows what
/// it computes, which it learns from nothing but the definitions of its layers.
struct RandomNetwork {
    private struct Step {
        let layer: Int
        let from: [Int]
        let results: Range<Int>
    }

    private struct Entry {
        let name: String
        let layer: DrawnLayer
        var calls: [JSONValue] = []
    }

    private var inputs: [(name: String, shape: [Int])] = []
    private var entries: [Entry] = []
    private var steps: [Step] = []
    /// Name, call and result of each tensor, and the tensor for the inputs that the network was drawn with.
    private var sources: [[JSONValue]] = []
    private var values: [Bounded] = []
    private var used: Set<Int> = []
    private let names: String
    /// Whether it may have models inside.
    private let isOuter: Bool
    private(set) var classes: [String: Int] = [:]

    private static let batch = 2
    private static let mostElements = 1200
    private static let kinds = DrawnKind.all

    /// The numbers of the inputs that it was drawn with.
    var drawnInputs: [Bounded] { Array(values.prefix(inputs.count)) }
    /// Results that nothing else is computed from.
    private var ends: [Int] { values.indices.filter { !used.contains($0) } }
    /// What it computes from the numbers that it was drawn with.
    var expected: [Bounded] { ends.map { values[$0] } }

    /// - Parameter seed: says all of it; its kind of layer `seed % count` stands in front, so that all kinds are met.
    init(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(truncatingIfNeeded: seed) &+ 0x5eed)
        let first = Self.kinds[seed % Self.kinds.count]
        (names, isOuter) = ("", true)
        var shapes = [Self.shape(ofRank: first.rank, &random)]
        if random.chance(0.4) { shapes.append(random.chance(0.5) ? shapes[0] : Self.shape(ofRank: nil, &random)) }
        try grow(try shapes.map { try Self.numbers($0, &random) }, first: first, count: random.integer(3...8), &random)
    }

    /// A model inside of another, for numbers that there are.
    private init(inside name: String, _ xs: [Bounded], _ random: inout SeededRandom) throws {
        (names, isOuter) = (name + "_", false)
        try grow(xs, first: nil, count: random.integer(2...3), &random)
    }

    private static func shape(ofRank rank: Int?, _ random: inout SeededRandom) -> [Int] {
        let rank = rank ?? (random.chance(0.7) ? 5 : random.choice([2, 3, 6]))
        return [batch] + (1..<rank).map { _ in random.integer(rank == 6 ? 1...3 : 2...4) }
    }

    private static func numbers(_ shape: [Int], _ random: inout SeededRandom) throws -> Bounded {
        let values = random.weights(shape).map { $0 * 2 }
        return Bounded(shape: shape, values: values, errors: values.map { _ in 0 })
    }

    // MARK: Drawing

    private mutating func grow(_ xs: [Bounded], first: DrawnKind?, count: Int, _ random: inout SeededRandom) throws {
        for (number, x) in xs.enumerated() {
            inputs.append((name: "\(names)x\(number)", shape: x.shape))
            sources.append([.string("\(names)x\(number)"), 0, 0])
            values.append(x)
        }
        if let first { try add(first, on: 0, &random) }
        for _ in 0..<count {
            let place = random.chance(0.7) ? values.count - 1 : random.integer(0...values.count - 1)
            if isOuter, random.chance(0.08) {
                try addModel(on: place, &random)
            } else if random.chance(0.1) {
                callAgain(&random)
            } else {
                try add(random.choice(Self.kinds), on: place, &random)
            }
        }
        // Inputs that nothing reads are no inputs of a model's.
        for place in inputs.indices where !used.contains(place) {
            _ = append(DrawnLayer("Activation", ["activation": "tanh"]) { $0.activated(.tanh) }, on: [place])
        }
    }

    /// Layers of a kind on a tensor, and on another one of the same shape where it takes two.
    private mutating func add(_ kind: DrawnKind, on place: Int, _ random: inout SeededRandom) throws {
        var from = [place]
        while from.count < kind.inputCount {
            let alike = values.indices.filter { values[$0].shape == values[place].shape && $0 != place }
            from.append(alike.isEmpty || random.chance(0.1) ? place : random.choice(alike))
        }
        for layer in try kind.draw(from.map { values[$0] }, &random) {
            guard append(layer, on: from) else { return }
            from = [values.count - 1]
        }
    }

    /// - Returns: whether the results are no larger than what is computed here, which they are mostly.
    private mutating func append(_ layer: DrawnLayer, on from: [Int]) -> Bool {
        let results = layer.compute(from.map { values[$0] })
        guard results.allSatisfy(isUsable) else { return false }
        entries.append(Entry(name: "\(names)\(layer.className.lowercased())_\(entries.count)", layer: layer))
        note(results, of: entries.count - 1, from)
        return true
    }

    private func isUsable(_ x: Bounded) -> Bool {
        x.isUsable && x.most < 1e6 && (1...Self.mostElements).contains(x.values.count) && (2...6).contains(x.rank)
    }

    private mutating func note(_ results: [Bounded], of layer: Int, _ from: [Int]) {
        let (call, start) = (entries[layer].calls.count, values.count)
        entries[layer].calls.append(entries[layer].layer.call(from.map { sources[$0] }))
        for (number, result) in results.enumerated() {
            sources.append([.string(entries[layer].name), .integer(call), .integer(number)])
            values.append(result)
        }
        steps.append(Step(layer: layer, from: from, results: start..<values.count))
        used.formUnion(from)
        for name in entries[layer].layer.classes { classes[name, default: 0] += 1 }
    }

    /// Calls a layer that there is a second time, on other tensors of the same shapes where there are some.
    private mutating func callAgain(_ random: inout SeededRandom) {
        let shared = steps.filter { !entries[$0.layer].layer.isOperation }
        guard !shared.isEmpty else { return }
        let step = random.choice(shared)
        let from = step.from.map { place in random.choice(values.indices.filter { values[$0].shape == values[place].shape }) }
        let results = entries[step.layer].layer.compute(from.map { values[$0] })
        guard results.allSatisfy(isUsable) else { return }
        note(results, of: step.layer, from)
        classes["a layer called again", default: 0] += 1
    }

    private mutating func addModel(on place: Int, _ random: inout SeededRandom) throws {
        let from = random.chance(0.5) ? [place] : [place, random.integer(0...values.count - 1)]
        if Set(from).count != from.count { return }
        let inner = try RandomNetwork(inside: "\(names)model_\(entries.count)", from.map { values[$0] }, &random)
        var met = ["a model inside"]
        for (name, count) in inner.classes { met += Array(repeating: name, count: count) }
        let layer = DrawnLayer("Functional", inner.config("inner"), weights: inner.weights, classes: met) { inner.results($0) }
        _ = append(layer, on: from)
    }

    // MARK: What it is

    /// What it computes from other numbers.
    func results(_ xs: [Bounded]) -> [Bounded] {
        var values: [Bounded?] = xs + Array(repeating: nil, count: values.count - xs.count)
        for step in steps {
            let results = entries[step.layer].layer.compute(step.from.compactMap { values[$0] })
            for (place, result) in zip(step.results, results) { values[place] = result }
        }
        return ends.compactMap { values[$0] }
    }

    /// In the order of the layers.
    var weights: [Tensor] { entries.flatMap(\.layer.weights) }

    private func config(_ name: String) -> JSONObject {
        var layers: [JSONValue] = inputs.map { input in
            let shape: [Int?] = [nil] + input.shape.dropFirst().map { $0 }
            return [
                "class_name": "InputLayer", "name": .string(input.name), "inbound_nodes": [],
                "config": ["batch_input_shape": JSONValue(shape: shape), "name": .string(input.name), "dtype": "float32"],
            ]
        }
        for entry in entries {
            var config = entry.layer.config
            config["name"] = .string(entry.name)
            layers.append([
                "class_name": .string(entry.layer.className), "name": .string(entry.name), "config": .object(config),
                "inbound_nodes": .array(entry.calls),
            ])
        }
        return [
            "name": .string(name), "layers": .array(layers), "input_layers": .array(inputs.indices.map { .array(sources[$0]) }),
            "output_layers": .array(ends.map { .array(sources[$0]) }),
        ]
    }

    /// The model as tf.keras 2 writes it.
    var document: JSONValue {
        ["class_name": "Functional", "keras_version": "2.15.0", "config": .object(config("network"))]
    }

    /// The model with its weights.
    func model() throws -> Model {
        let model = try modelFromJSON(document.text, objects: CustomObjects(), kernels: KernelRegistry())
        try model.setWeights(weights)
        return model
    }
}
