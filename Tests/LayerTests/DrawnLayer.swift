import VoxKerasConfig
import VoxTensors
import Voxelsmith
import _TestSupport

/// A layer with random arguments and weights as tf.keras 2 writes it, and what it computes.
struct DrawnLayer {
    let className: String
    var config: JSONObject = [:]
    /// In Keras's order; float32 holds their numbers.
    var weights: [Tensor] = []
    /// The arguments of a call, from the name, call and result of each input.
    var call: ([[JSONValue]]) -> JSONValue = { inputs in .array(inputs.map { .array($0 + [[:]]) }) }
    /// The classes that are met with it.
    var classes: [String]
    let compute: ([Bounded]) -> [Bounded]

    init(_ className: String, _ config: JSONObject = [:], weights: [Tensor] = [], _ compute: @escaping (Bounded) -> Bounded) {
        (self.className, self.config, self.weights, classes) = (className, config, weights, [className])
        self.compute = { [compute($0[0])] }
    }

    init(_ className: String, _ config: JSONObject = [:], of several: @escaping ([Bounded]) -> Bounded) {
        (self.className, self.config, classes) = (className, config, [className])
        compute = { [several($0)] }
    }

    init(_ className: String, _ config: JSONObject, weights: [Tensor], classes: [String], network: @escaping ([Bounded]) -> [Bounded]) {
        (self.className, self.config, self.weights, self.classes) = (className, config, weights, classes)
        compute = network
    }

    var isOperation: Bool { ["TFOpLambda", "SlicingOpLambda"].contains(className) }

    /// An operation: the first operand, and the others as arguments of the call.
    static func operation(_ function: String, _ argument: JSONValue? = nil, _ compute: @escaping ([Bounded]) -> Bounded) -> DrawnLayer {
        var result = DrawnLayer("TFOpLambda", ["function": .string(function)], of: compute)
        result.call = { inputs in
            var keywords: JSONObject = ["name": nil]
            if let other = argument ?? inputs.dropFirst().first.map({ .array($0) }) { keywords["y"] = other }
            return .array(inputs[0] + [.object(keywords)])
        }
        result.classes = ["TFOpLambda \(function)"]
        return result
    }
}

/// A kind of layer that networks are drawn from.
struct DrawnKind {
    /// What its draws are counted as.
    let name: String
    let inputCount: Int
    /// Of an input that it takes for sure; nil where it takes any.
    let rank: Int?
    /// Layers one after another, for inputs of these shapes; none where the kind takes no such inputs.
    let draw: @Sendable (_ xs: [Bounded], _ random: inout SeededRandom) throws -> [DrawnLayer]

    init(
        _ name: String, inputs: Int = 1, rank: Int? = nil, _ draw: @escaping @Sendable ([Bounded], inout SeededRandom) throws -> [DrawnLayer]
    ) {
        (self.name, inputCount, self.rank, self.draw) = (name, inputs, rank, draw)
    }

    /// A layer of one input.
    static func one(
        _ name: String, rank: Int? = nil, _ draw: @escaping @Sendable (Bounded, inout SeededRandom) throws -> DrawnLayer
    ) -> DrawnKind {
        DrawnKind(name, rank: rank) { xs, random in
            rank.map { $0 == xs[0].rank } ?? true ? [try draw(xs[0], &random)] : []
        }
    }

    /// All kinds.
    static let all = elements + normalizations + volumes + merges + operations + movements + [timeDistributed]

    // MARK: Elements and shapes

    private static let activations: [(String, Activation)] = [
        ("linear", .linear), ("relu", .relu), ("elu", .elu(alpha: 1)), ("selu", .selu), ("softplus", .softplus), ("softsign", .softsign),
        ("tanh", .tanh), ("sigmoid", .sigmoid), ("swish", .silu), ("gelu", .gelu(approximate: false)), ("mish", .mish), ("softmax", .softmax),
        ("hard_sigmoid", .hardSigmoid(slope: 0.2)),
    ]

    static let elements: [DrawnKind] = noops + [
        .one("Activation") { _, random in
            let (name, activation) = random.choice(activations)
            return DrawnLayer("Activation", ["activation": .string(name)]) { $0.activated(activation) }
        },
        .one("ReLU") { _, random in
            let maximum = random.chance(0.5) ? 2.5 : nil
            let config: JSONObject = ["max_value": maximum.map { .number($0) } ?? .null, "negative_slope": .number(0.25), "threshold": .number(0.5)]
            return DrawnLayer("ReLU", config) { $0.activated(.rectified(negativeSlope: 0.25, maximum: maximum, threshold: 0.5)) }
        },
        .one("LeakyReLU") { _, _ in DrawnLayer("LeakyReLU", ["alpha": .number(0.125)]) { $0.activated(.leakyRelu(slope: 0.125)) } },
        .one("ELU") { _, _ in DrawnLayer("ELU", ["alpha": .number(0.75)]) { $0.activated(.elu(alpha: 0.75)) } },
        .one("ThresholdedReLU") { _, _ in DrawnLayer("ThresholdedReLU", ["theta": .number(0.5)]) { $0.activated(.threshold(0.5, value: 0)) } },
        .one("Softmax") { x, random in
            let axis = random.integer(1...x.rank - 1)
            if random.chance(0.5) { return DrawnLayer("Softmax", ["axis": .integer(axis)]) { $0.softmax(axes: [axis]) } }
            let axes = axis == x.rank - 1 ? [axis] : [axis, x.rank - 1]
            return DrawnLayer("Softmax", ["axis": JSONValue(axes)]) { $0.softmax(axes: axes) }
        },
        .one("PReLU") { x, random in
            let shared = (1..<x.rank).filter { _ in random.chance(0.5) }
            let shape = (1..<x.rank).map { shared.contains($0) ? 1 : x.shape[$0] }
            let alpha = random.weights(shape)
            return DrawnLayer("PReLU", ["shared_axes": JSONValue(shared)], weights: [try random.tensor(shape, alpha)]) { x in
                let slopes = Places.all(x.shape).map { alpha[Places.index(zip($0.dropFirst(), shape).map { $1 == 1 ? 0 : $0 }, shape)] }
                let values = zip(x.values, slopes).map { $0 > 0 ? $0 : $0 * $1 }
                return Bounded(x.shape, values, carried: zip(x.errors, slopes).map { $0 * max(1, abs($1)) })
            }
        },
        .one("Flatten") { _, _ in DrawnLayer("Flatten") { x in x.reshaped([x.shape[0], x.values.count / x.shape[0]]) } },
        .one("Reshape") { x, _ in
            // Halves the first extent that can be halved, and has an axis more in front.
            let sample = Array(x.shape.dropFirst())
            let place = sample.firstIndex { $0 % 2 == 0 } ?? 0
            let isEven = sample[place] % 2 == 0
            var target = sample
            target[place] = isEven ? sample[place] / 2 : sample[place]
            target.insert(isEven ? 2 : 1, at: 0)
            let stated = target.enumerated().map { $0.offset == 1 ? -1 : $0.element }
            return DrawnLayer("Reshape", ["target_shape": JSONValue(stated)]) { x in x.reshaped([x.shape[0]] + target) }
        },
        .one("Permute") { x, random in
            let order = Array(1..<x.rank).shuffled(using: &random)
            return DrawnLayer("Permute", ["dims": JSONValue(order)]) { $0.permuted([0] + order) }
        },
        .one("RepeatVector", rank: 2) { _, random in
            let count = random.integer(2...3)
            return DrawnLayer("RepeatVector", ["n": .integer(count)]) { x in
                Bounded.moved(to: [x.shape[0], count, x.shape[1]]) { (x, [$0[0], $0[2]]) }
            }
        },
        .one("Dense") { x, random in
            let (channels, units, usesBias) = (x.shape[x.rank - 1], random.integer(1...5), random.chance(0.7))
            let (kernel, bias) = (random.weights([channels, units]), usesBias ? random.weights([units]) : nil)
            let weights = [try random.tensor([channels, units], kernel)] + (try bias.map { [try random.tensor([units], $0)] } ?? [])
            let config: JSONObject = ["units": .integer(units), "use_bias": .bool(usesBias)]
            return DrawnLayer("Dense", config, weights: weights) { $0.dense(kernel, units: units, bias: bias) }
        },
    ]

    private static let inactive: [(name: String, config: JSONObject, rank: Int?)] = [
        ("Dropout", ["rate": 0.5], nil), ("AlphaDropout", ["rate": 0.25], nil), ("GaussianNoise", ["stddev": 0.5], nil),
        ("GaussianDropout", ["rate": 0.5], nil), ("ActivityRegularization", ["l1": 0.25], nil), ("SpatialDropout3D", ["rate": 0.5], 5),
    ]

    private static let noops: [DrawnKind] = inactive.map { name, config, rank in
        .one(name, rank: rank) { _, _ in DrawnLayer(name, config) { $0 } }
    }

    // MARK: A layer for each step of axis 1

    static let timeDistributed = DrawnKind("TimeDistributed", rank: 6) { xs, random in
        let x = xs[0]
        if x.rank < 3 { return [] }
        let steps = x.reshaped([x.shape[0] * x.shape[1]] + x.shape.dropFirst(2))
        // Layers with sums first, where the steps are volumes.
        let kinds = (x.rank == 6 ? volumes : elements + normalizations).shuffled(using: &random)
        for kind in kinds where kind.inputCount == 1 {
            guard let inner = try kind.draw([steps], &random).first else { continue }
            var config = inner.config
            config["name"] = "inner"
            let layer: JSONValue = ["class_name": .string(inner.className), "config": .object(config)]
            return [
                DrawnLayer(
                    "TimeDistributed", ["layer": layer], weights: inner.weights, classes: ["TimeDistributed"] + inner.classes
                ) { xs in
                    inner.compute([xs[0].reshaped([xs[0].shape[0] * xs[0].shape[1]] + xs[0].shape.dropFirst(2))]).map { y in
                        y.reshaped([xs[0].shape[0], xs[0].shape[1]] + y.shape.dropFirst())
                    }
                }
            ]
        }
        return []
    }
}

extension SeededRandom {
    /// Numbers that float32 holds, between -1 and 1.
    mutating func weights(_ shape: [Int]) -> [Double] { reals(shape.reduce(1, *)) }

    /// The tensor of such numbers.
    func tensor(_ shape: [Int], _ numbers: [Double]) throws -> Tensor { try Tensor(shape: shape, numbers.map { Float($0) }) }
}
