import Glibc
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// Makes the first values of a weight.
public protocol Initializer: KerasObject, InitializerArgument {
    /// - Parameters:
    ///   - shape: of the weight; (kernel sizes..., filters, channels) for the kernel of a transposed convolution.
    ///   - elementType: of the result.
    /// - Returns: a tensor of that shape and type; the same values at every call.
    func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor
}

/// What an initializer may be: an object, or its name.
public protocol InitializerArgument: Sendable {
    /// - Throws: `ArgumentError.unknownObject` for another name, and what the maker of a registered one throws.
    func resolvedInitializer() throws -> any Initializer
}

extension Initializer {
    /// Itself.
    public func resolvedInitializer() throws -> any Initializer { self }
}

/// The names of Keras's initializers.
package enum Initializers {
    static let module = "keras.initializers"

    package static let table = ObjectTable<any Initializer>(
        kind: "initializer",
        makers: [
            "Zeros": { _ in Zeros() },
            "Ones": { _ in Ones() },
            // By its bare name Keras 3 fails with a KeyError; earlier versions, and this, take 0.
            "Constant": { try Constant($0.number("value", special: .any) ?? 0) },
            "RandomNormal": {
                try RandomNormal(mean: $0.number("mean") ?? 0, stddev: $0.number("stddev") ?? 0.05, seed: $0.seed())
            },
            "RandomUniform": {
                try RandomUniform(minval: $0.number("minval") ?? -0.05, maxval: $0.number("maxval") ?? 0.05, seed: $0.seed())
            },
            "TruncatedNormal": {
                try TruncatedNormal(mean: $0.number("mean") ?? 0, stddev: $0.number("stddev") ?? 0.05, seed: $0.seed())
            },
            "VarianceScaling": {
                try VarianceScaling(
                    scale: $0.number("scale") ?? 1, mode: $0.string("mode") ?? "fan_in",
                    distribution: $0.string("distribution") ?? "truncated_normal", seed: $0.seed(),
                    inputAxes: $0.integers("input_axes"), outputAxes: $0.integers("output_axes"))
            },
            "GlorotUniform": scaling(GlorotUniform.self), "GlorotNormal": scaling(GlorotNormal.self),
            "HeUniform": scaling(HeUniform.self), "HeNormal": scaling(HeNormal.self),
            "LecunUniform": scaling(LecunUniform.self), "LecunNormal": scaling(LecunNormal.self),
            "Orthogonal": { try Orthogonal(gain: $0.number("gain") ?? 1, seed: $0.seed()) },
            "Identity": { try Identity(gain: $0.number("gain") ?? 1) },
        ],
        aliases: [
            "zeros": "Zeros", "zero": "Zeros", "ones": "Ones", "one": "Ones", "constant": "Constant",
            "random_normal": "RandomNormal", "normal": "RandomNormal", "random_uniform": "RandomUniform",
            "uniform": "RandomUniform", "truncated_normal": "TruncatedNormal", "variance_scaling": "VarianceScaling",
            "glorot_uniform": "GlorotUniform", "glorot_normal": "GlorotNormal", "he_uniform": "HeUniform", "he_normal": "HeNormal",
            "lecun_uniform": "LecunUniform", "lecun_normal": "LecunNormal", "orthogonal": "Orthogonal",
            "OrthogonalInitializer": "Orthogonal", "identity": "Identity", "IdentityInitializer": "Identity",
        ],
        arguments: [
            "Constant": ["value"], "RandomNormal": ["mean", "stddev", "seed"], "RandomUniform": ["minval", "maxval", "seed"],
            "TruncatedNormal": ["mean", "stddev", "seed"],
            "VarianceScaling": ["scale", "mode", "distribution", "seed", "input_axes", "output_axes"],
            "GlorotUniform": fans, "GlorotNormal": fans, "HeUniform": fans, "HeNormal": fans, "LecunUniform": fans,
            "LecunNormal": fans, "Orthogonal": ["gain", "seed"], "Identity": ["gain"],
        ])

    private static let fans: Set<String> = ["seed", "input_axes", "output_axes"]

    private static func scaling(_ type: any NamedVarianceScaling.Type) -> @Sendable (ConfigReader) throws -> any Initializer {
        { try type.init(seed: $0.seed(), inputAxes: $0.integers("input_axes"), outputAxes: $0.integers("output_axes")) }
    }
}

extension ConfigReader {
    /// A seed: an integer, null, or a serialised SeedGenerator (whose own seed is taken).
    fileprivate func seed() throws -> Int? {
        if let generator = config["seed"]?.object {
            return try ConfigReader(config: generator["config"]?.object ?? [:], className: "SeedGenerator").integer("seed")
        }
        return try integer("seed")
    }
}

/// Where an initializer's random numbers come from. Without a seed of the user's, one is drawn when the initializer is made, so
/// that every call of the same initializer gives the same values, as in Keras.
public struct Seed: Hashable, Sendable {
    /// What the user gave; nil where it was drawn.
    public let given: Int?
    private let state: UInt64

    /// - Parameter given: equal seeds give equal values; nil draws one.
    public init(_ given: Int?) {
        self.given = given
        state = given.map { UInt64(bitPattern: Int64($0)) } ?? .random(in: 0 ... .max)
    }

    var generator: RandomValues { RandomValues(source: SeededRandom(seed: state)) }
    var json: JSONValue { given.map { .integer($0) } ?? .null }
}

/// One of Keras's initializers that draw random numbers.
public protocol SeededInitializer: Initializer {
    /// Where they come from.
    var source: Seed { get }
}

extension SeededInitializer {
    /// The seed it was made with; nil where it drew one.
    public var seed: Int? { source.given }
    public var kerasModule: String? { Initializers.module }
}

/// A stream of random reals, the same for the same seed on every machine; not the streams of any Keras backend, which differ
/// among themselves too.
struct RandomValues {
    fileprivate var source: SeededRandom
    private var spare: Double?

    fileprivate init(source: SeededRandom) { self.source = source }

    /// Uniform in [0, 1): a multiple of 2^-53.
    mutating func unit() -> Double { Double(source.next() >> 11) * 0x1p-53 }

    /// Standard normal, by the polar method of Marsaglia and Bray 1964.
    mutating func normal() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let (u, v) = (2 * unit() - 1, 2 * unit() - 1)
            let square = u * u + v * v
            if square >= 1 || square == 0 { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spare = v * factor
            return u * factor
        }
    }

    /// Standard normal, drawn again beyond two standard deviations.
    mutating func truncatedNormal() -> Double {
        while true {
            let value = normal()
            if abs(value) <= 2 { return value }
        }
    }
}
