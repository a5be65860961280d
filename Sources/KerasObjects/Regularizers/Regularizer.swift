import VoxKerasConfig
import VoxTensors

/// A penalty on the values of a weight or a result.
public protocol Regularizer: KerasObject, RegularizerArgument {
    /// - Returns: the penalty, summed in double precision.
    func callAsFunction(_ x: Tensor) throws -> Double
}

/// What a regularizer may be: an object, or its name.
public protocol RegularizerArgument: Sendable {
    /// - Throws: `ArgumentError.unknownObject` for another name, and what the maker of a registered one throws.
    func resolvedRegularizer() throws -> any Regularizer
}

extension Regularizer {
    /// Itself.
    public func resolvedRegularizer() throws -> any Regularizer { self }
}

/// The names of Keras's regularizers.
package enum Regularizers {
    static let module = "keras.regularizers"

    private static let makers: [String: @Sendable (ConfigReader) throws -> any Regularizer] = [
        "L1": { try L1($0.number("l1") ?? 0.01) },
        "L2": { try L2($0.number("l2") ?? 0.01) },
        "L1L2": { try L1L2(l1: $0.number("l1") ?? 0, l2: $0.number("l2") ?? 0) },
        "OrthogonalRegularizer": { try OrthogonalRegularizer(factor: $0.number("factor") ?? 0.01, mode: $0.string("mode") ?? "rows") },
    ]
    private static let aliases = ["l1": "L1", "l2": "L2", "l1l2": "L1L2", "orthogonal_regularizer": "OrthogonalRegularizer"]
    private static let arguments: [String: Set<String>] = [
        "L1": ["l1"], "L2": ["l2"], "L1L2": ["l1", "l2"], "l1_l2": ["l1", "l2"], "OrthogonalRegularizer": ["factor", "mode"],
    ]

    package static let keras3 = ObjectTable<any Regularizer>(kind: "regularizer", makers: makers, aliases: aliases, arguments: arguments)

    /// With the function that Keras 3 no longer takes by name.
    package static let keras2 = ObjectTable<any Regularizer>(
        kind: "regularizer",
        makers: makers.merging(["l1_l2": { try L1L2(l1: $0.number("l1") ?? 0.01, l2: $0.number("l2") ?? 0.01) }]) { $1 },
        aliases: aliases, arguments: arguments)

    /// - Throws: `ArgumentError.value` unless the factor is finite and not negative.
    static func checked(_ factor: Double, _ name: String) throws(ArgumentError) -> Double {
        if !(factor >= 0 && factor.isFinite) { throw .value(argument: name, received: "\(factor)", expected: "a non-negative float") }
        return factor
    }

    static func sum(_ x: Tensor, _ function: (Double) -> Double) -> Double { x.doubles.reduce(0) { $0 + function($1) } }
}
