import VoxLayerSpec

/// What a class of Keras's layers is, as far as configs and shapes tell: how a config is read, which weights the layer has, and which shape
/// its result has. What it computes is an extension of the same value in the module that has tensors.
///
/// Shapes have the batch first; extents are nil where they are unknown, and shapes that come from files may have any rank.
package protocol LayerRule: Hashable, Sendable {
    /// - Parameters:
    ///   - reader: of the layer's config.
    ///   - origin: what else decides what the layer is.
    /// - Throws: `KerasConfigError` for members that are missing or of another kind, and for values that the class does not take.
    init(_ reader: ConfigReader, _ origin: LayerOrigin) throws(KerasConfigError)

    /// The members of the config that belong to the class, as Keras 3 writes them.
    var arguments: JSONObject { get }
    /// In the order in which Keras makes them.
    var weights: [WeightRule] { get }
    /// The shapes of the weights, in their order.
    /// - Throws: `KerasConfigError.layerInputs` for inputs that the layer cannot take, and where a shape depends on an unknown extent.
    func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]]
    /// The shape of the result.
    /// - Throws: `KerasConfigError.layerInputs` for inputs that the layer cannot take.
    func outputShape(_ inputs: [[Int?]]) throws(KerasConfigError) -> [Int?]
}

extension LayerRule {
    package var weights: [WeightRule] { [] }
    package func weightShapes(_ inputs: [[Int?]]) throws(KerasConfigError) -> [[Int]] { [] }
}

/// One weight of a class of layers.
package struct WeightRule: Hashable, Sendable {
    /// What Keras fills it with unless the config says otherwise.
    package enum Start: String, Hashable, Sendable {
        case zeros, ones
        case glorotUniform = "glorot_uniform"
    }

    /// The last part of its path; in front of "_initializer" and its like, the name of a member of the config.
    package let name: String
    package let start: Start
    /// Whether an optimizer changes it.
    package let isTrainable: Bool
    /// Whether Keras rounds it to the type in which the layer computes.
    package let isRounded: Bool

    init(_ name: String, _ start: Start, isTrainable: Bool = true, isRounded: Bool = false) {
        (self.name, self.start, self.isTrainable, self.isRounded) = (name, start, isTrainable, isRounded)
    }
}

/// What decides what a layer is besides its config.
package struct LayerOrigin: Sendable {
    /// The whole entry.
    package let object: JSONObject
    package let generation: KerasGeneration
    /// The arguments of its first call, which operations have in place of a config.
    package let call: ModelGraph.Call?
    /// Of a config that states none.
    package let layout: Layout
    /// Names of activations of the user's own, which read as linear.
    package let customActivations: Set<String>

    package init(
        _ object: JSONObject, generation: KerasGeneration, call: ModelGraph.Call? = nil, layout: Layout = .channelsLast,
        customActivations: Set<String> = []
    ) {
        (self.object, self.generation, self.call, self.layout) = (object, generation, call, layout)
        self.customActivations = customActivations
    }
}

extension ConfigReader {
    /// Largest number that sizes of windows, paddings and factors may have: sums and products of two of them stay in 64 bits.
    static let largestSize = Int(Int32.max)

    /// `data_format`, or the layout that counts without one.
    func layout(_ origin: LayerOrigin) throws(KerasConfigError) -> Layout {
        guard let name = try string("data_format") else { return origin.layout }
        return try KerasRules.layout(named: name)
    }

    /// An axis, or a list of axes; negative ones count from the end.
    func axes(_ key: String, default standard: [Int]) throws(KerasConfigError) -> [Int] {
        guard let value = value(key) else { return standard }
        if let axis = value.integer { return [axis] }
        guard let list = value.array else { throw wrongType(key, value, "an axis or a list of axes") }
        var axes: [Int] = []
        for element in list {
            guard let axis = element.integer else { throw wrongType(key, value, "an axis or a list of axes") }
            axes.append(axis)
        }
        return axes
    }

    /// One axis; Keras 2 writes some of them as a list of one.
    func axis(_ key: String, default standard: Int) throws(KerasConfigError) -> Int {
        let axes = try axes(key, default: [standard])
        guard axes.count == 1 else { throw wrongType(key, value(key) ?? .null, "one axis") }
        return axes[0]
    }

    /// Three sizes of at least 1, or one for all axes.
    func sizes(_ key: String, default standard: [Int]) throws(KerasConfigError) -> [Int] {
        let sizes = try triple(key) ?? standard
        guard sizes.allSatisfy({ (1...Self.largestSize).contains($0) }) else {
            throw wrongType(key, value(key) ?? .null, "integers from 1 to \(Self.largestSize)")
        }
        return sizes
    }

    /// Two numbers of at least 0 for each of three axes: three pairs, three numbers, or one number.
    func ends(_ key: String, default standard: Int) throws(KerasConfigError) -> [[Int]] {
        let json = value(key) ?? .integer(standard)
        var entries = [json, json, json]
        if json.integer == nil { entries = json.array ?? [] }
        var result: [[Int]] = []
        for entry in entries {
            let pair = entry.integer.map { [$0, $0] } ?? (entry.array ?? []).compactMap(\.integer)
            guard pair.count == 2, entry.array.map({ $0.count == 2 }) ?? true, pair.allSatisfy({ (0...Self.largestSize).contains($0) }) else { break }
            result.append(pair)
        }
        guard result.count == 3, entries.count == 3 else {
            throw wrongType(key, json, "an integer, 3 integers or 3 pairs of them, from 0 to \(Self.largestSize)")
        }
        return result
    }

    /// An activation; one of the user's own reads as linear.
    func activation(_ key: String, _ origin: LayerOrigin) throws(KerasConfigError) -> Activation {
        if ActivationNames.identifiers(of: config[key]).contains(where: origin.customActivations.contains) { return .linear }
        return try ActivationNames.activation(config[key], generation: origin.generation)
    }

    /// A small positive number that keeps a division defined.
    func epsilon(default standard: Double) throws(KerasConfigError) -> Double {
        let epsilon = try number("epsilon") ?? standard
        if epsilon < 0 { throw wrongType("epsilon", .number(epsilon), "a number of at least 0") }
        return epsilon
    }
}
