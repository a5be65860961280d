/// A model's config, read once: its layers, the calls that connect them, and its ends. Knows the forms in which every generation of
/// Keras writes these, and nothing of what layers do.
package struct ModelGraph: Hashable, Sendable {
    /// A result of a call.
    package struct Source: Hashable, Sendable {
        /// Index among the layers.
        package let layer: Int
        /// Which call of the layer. An input layer has one call, which has no inputs and is not listed.
        package let call: Int
        /// Which result of the call.
        package let result: Int
    }

    /// One call of a layer.
    package struct Call: Hashable, Sendable {
        /// The tensors among its arguments, in their order.
        package let inputs: [Source]
        /// Their shapes where the file states them (Keras 3), else null.
        package let statedShapes: [JSONValue]
        /// Whether it was called with `training=True`, which makes Dropout and its like drop at inference too.
        package let isTraining: Bool
        /// What it was given by position, tensors and values.
        package let arguments: [CallArgument]
        /// What it was given by name.
        package let keywords: [String: CallArgument]

        package init(inputs: [Source], statedShapes: [JSONValue], isTraining: Bool, arguments: [CallArgument], keywords: [String: CallArgument]) {
            (self.inputs, self.statedShapes, self.isTraining) = (inputs, statedShapes, isTraining)
            (self.arguments, self.keywords) = (arguments, keywords)
        }

        /// The same call on tensors that are numbered otherwise.
        func on(_ inputs: [Source]) -> Call {
            Call(inputs: inputs, statedShapes: statedShapes, isTraining: isTraining, arguments: arguments, keywords: keywords)
        }
    }

    /// An input or output.
    package struct End: Hashable, Sendable {
        package let source: Source
        /// Its key where the model has a dictionary of them; keys of dictionaries in each other are separated by "/".
        package let key: String?
    }

    package enum Kind: Hashable, Sendable {
        /// Each layer is called on the result of the one before; calls and ends are not listed.
        case chain
        case calls
    }

    /// A call by the indices of its layer and its number.
    package struct Step: Hashable, Sendable {
        package let layer: Int
        package let call: Int
    }

    /// As the file states it.
    package let name: String?
    package let kind: Kind
    /// In the order of the file.
    package let layers: [ModelLayer]
    package let inputs: [End]
    package let outputs: [End]
    /// Every call, each behind those it needs and behind earlier calls of the same layer.
    package let order: [Step]
    /// The input shape a chain states beside its layers; null without one.
    package let statedInputShape: JSONValue
    /// How many calls of layers one call of the model makes, including those inside of models in it.
    package let callCount: Int

    /// Models that call models twice, several levels deep, make exponentially many calls out of a few bytes.
    fileprivate static let mostCalls = 100_000
    package static let classNames: Set<String> = ["Sequential", "Functional", "Model"]

    /// Whether an object is a model: by its class, or, for classes of the user's own, by a config with layers in it; or the bare
    /// `get_config` of a model.
    package static func isModel(_ object: JSONObject) -> Bool {
        guard let className = object["class_name"]?.string else { return object["layers"] != nil }
        if classNames.contains(className) { return true }
        guard let layers = object["config"]?.object?["layers"]?.array, !layers.isEmpty else { return false }
        return layers.allSatisfy { $0.object?["class_name"]?.string != nil }
    }

    /// - Throws: `KerasConfigError` for an object that is no model, `.brokenGraph` for calls that do not follow from each other.
    package init(_ object: JSONObject) throws(KerasConfigError) {
        let className = object["class_name"]?.string
        let config: JSONValue = className == nil ? .object(object) : object["config"] ?? .null
        let reader = ConfigReader(config: config.object ?? [:], className: className ?? "model")
        let entries: [JSONValue]
        if let list = config.array {  // tf.keras of TensorFlow 1, Keras up to 2.2.2
            entries = list
        } else {
            let layers = try reader.required("layers")
            guard let list = layers.array else { throw reader.wrongType("layers", layers, "a list") }
            entries = list
        }
        name = try reader.string("name")
        let title = name ?? "sequential"
        kind = reader.value("input_layers") == nil ? .chain : .calls
        var unconnected: [ModelLayer] = []
        var names: [String: Int] = [:]
        for entry in entries {
            guard let object = entry.object else { throw .wrongType(key: "layers", received: entry.excerpt, expected: "objects") }
            let layer = try ModelLayer(object)
            if let name = layer.name, names.updateValue(unconnected.count, forKey: name) != nil { throw .duplicateName(name) }
            unconnected.append(layer)
        }
        if kind == .chain {
            layers = unconnected
            (inputs, outputs) = ([], [])
            order = layers.indices.map { Step(layer: $0, call: 0) }
            statedInputShape = object["build_config"]?.object?["input_shape"] ?? reader.value("build_input_shape") ?? .null
            if let late = layers.dropFirst().first(where: \.isInput) {
                throw .brokenGraph(model: title, reason: "has the input layer \"\(late.name ?? "")\" behind its first layer")
            }
        } else {
            var wiring = GraphWiring(model: title, layers: unconnected, names: names)
            let calls = try wiring.calls()
            let ends = (try wiring.ends(reader.config, "input_layers"), try wiring.ends(reader.config, "output_layers"))
            wiring.renumber(calls: calls, ends: [ends.0, ends.1])
            layers = zip(unconnected, try wiring.resolved(calls)).map { $0.with(calls: $1) }
            (inputs, outputs) = (try wiring.resolved(ends.0, calls: calls), try wiring.resolved(ends.1, calls: calls))
            order = try GraphWiring.order(layers, model: title)
            statedInputShape = .null
        }
        var count = 0
        for layer in layers {
            count += max(1, layer.calls.count) * (1 + layer.callCount)
            if count > Self.mostCalls { throw .brokenGraph(model: title, reason: "calls layers more than \(Self.mostCalls) times") }
        }
        callCount = count
    }
}

/// One layer of a model's config.
package struct ModelLayer: Hashable, Sendable {
    /// As the file states it.
    package let name: String?
    package let className: String
    /// The whole entry.
    package let object: JSONObject
    /// In the order in which other calls number them. None in a chain, and for an input layer.
    package private(set) var calls: [ModelGraph.Call] = []
    /// The layers of a model.
    package let model: ModelGraph?
    /// The layers in the config of a layer that is not itself known: those that a wrapper wraps, or that a class of the user's own is made
    /// of.
    package let parts: [ModelLayer]
    /// How many calls of the layers inside one call makes.
    package let callCount: Int

    package var isInput: Bool { className == "InputLayer" }

    package init(_ object: JSONObject) throws(KerasConfigError) {
        self.object = object
        guard let className = object["class_name"]?.string ?? (ModelGraph.isModel(object) ? "Functional" : nil) else {
            throw .missingKey("class_name", className: "layer")
        }
        self.className = className
        name = object["name"]?.string ?? object["config"]?.object?["name"]?.string
        if ModelGraph.isModel(object) {
            let model = try ModelGraph(object)
            self.model = model
            parts = []
            callCount = model.callCount
        } else {
            model = nil
            if let wrapped = TimeAxis.wrapped(object) {
                parts = [try ModelLayer(wrapped)]
            } else {
                parts = KerasLayer.classNames.contains(className) ? [] : try Self.parts(object["config"] ?? .null)
            }
            callCount = parts.reduce(parts.count) { $0 + $1.callCount }
            if callCount > ModelGraph.mostCalls {
                throw .brokenGraph(model: name ?? className, reason: "calls layers more than \(ModelGraph.mostCalls) times")
            }
        }
    }

    /// The layer, of whatever class, that this one applies to every step of axis 1; nil where it is no wrapper of Keras's.
    package var wrapped: ModelLayer? { TimeAxis.wrapped(object) == nil ? nil : parts.first }

    func with(calls: [ModelGraph.Call]) -> ModelLayer {
        var result = self
        result.calls = calls
        return result
    }

    /// The models and known layers anywhere in a value, outermost only.
    private static func parts(_ json: JSONValue) throws(KerasConfigError) -> [ModelLayer] {
        var result: [ModelLayer] = []
        if let list = json.array {
            for element in list { result += try parts(element) }
        } else if let object = json.object {
            if let className = object["class_name"]?.string,
                KerasLayer.classNames.contains(className) || ModelGraph.isModel(object) || className == TimeAxis.wrapperClass
            {
                return [try ModelLayer(object)]
            }
            for key in object.keys { result += try parts(object[key] ?? .null) }
        }
        return result
    }
}

/// What stands in one place of a call.
package indirect enum CallArgument: Hashable, Sendable {
    /// The number of one of the tensors of the call.
    case tensor(Int)
    case list([CallArgument])
    case literal(JSONValue)
}
