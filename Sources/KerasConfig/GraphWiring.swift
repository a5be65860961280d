/// Finds out which calls of a functional model's config connect its layers.
struct GraphWiring {
    let model: String
    let layers: [ModelLayer]
    /// The index of each layer.
    let names: [String: Int]
    /// Per layer, what is subtracted from the numbers of its calls. Keras 2 counts the calls of a model inside of a model from 1, number 0
    /// being the call that made it.
    private var firstCalls: [Int] = []

    init(model: String, layers: [ModelLayer], names: [String: Int]) {
        (self.model, self.layers, self.names) = (model, layers, names)
        firstCalls = Array(repeating: 0, count: layers.count)
    }

    private func broken(_ reason: String) -> KerasConfigError { .brokenGraph(model: model, reason: reason) }

    private func title(_ layer: Int) -> String { "layer \"\(layers[layer].name ?? "")\"" }

    /// The calls of every layer, as the file numbers them.
    func calls() throws(KerasConfigError) -> [[ModelGraph.Call]] {
        var result: [[ModelGraph.Call]] = []
        for layer in layers {
            if layer.name == nil { throw broken("has a layer without a name") }
            var calls: [ModelGraph.Call] = []
            for node in layer.object["inbound_nodes"]?.array ?? [] {
                var arguments = Arguments()
                if let object = node.object, object["args"] != nil || object["kwargs"] != nil {
                    arguments.positional = (object["args"]?.array ?? []).map { collectTensors(of: $0, into: &arguments) }
                    for (key, value) in object["kwargs"]?.object ?? [:] { arguments.named[key] = collectTensors(of: value, into: &arguments) }
                    arguments.isTraining = object["kwargs"]?.object?["training"] == true
                } else {
                    let first = try collectHistories(of: node, into: &arguments)
                    // A list of one stands for what is in it.
                    if case .list(let list) = first, list.count == 1 { arguments.positional = list } else { arguments.positional = [first] }
                }
                var inputs: [ModelGraph.Source] = []
                for history in arguments.histories { inputs.append(try source(history)) }
                calls.append(
                    ModelGraph.Call(
                        inputs: inputs, statedShapes: arguments.shapes, isTraining: arguments.isTraining, arguments: arguments.positional,
                        keywords: arguments.named))
            }
            result.append(calls)
        }
        return result
    }

    private struct Arguments {
        var histories: [[JSONValue]] = []
        var shapes: [JSONValue] = []
        var isTraining = false
        var positional: [CallArgument] = []
        var named: [String: CallArgument] = [:]

        /// - Returns: the tensor's number.
        mutating func add(_ history: [JSONValue], shape: JSONValue = .null) -> CallArgument {
            histories.append(history)
            shapes.append(shape)
            return .tensor(histories.count - 1)
        }
    }

    /// Keras 3: `{"class_name": "__keras_tensor__", "config": {"shape", "keras_history"}}` anywhere among the arguments.
    private func collectTensors(of json: JSONValue, into arguments: inout Arguments) -> CallArgument {
        if let list = json.array { return .list(list.map { collectTensors(of: $0, into: &arguments) }) }
        guard let object = json.object else { return .literal(json) }
        if let config = object["config"]?.object, let history = config["keras_history"]?.array {
            return arguments.add(history, shape: config["shape"] ?? .null)
        }
        let count = arguments.histories.count
        let members = object.map { collectTensors(of: $0.value, into: &arguments) }
        // A dictionary of tensors stands for them in its order; an array's object for itself.
        return arguments.histories.count > count ? .list(members) : .literal(json)
    }

    /// Keras 1 and 2: `["x", 0, 0, {}]`, a list of such, or a dictionary; further tensors may be among the keyword arguments, which stand
    /// beside each tensor of the first argument.
    private func collectHistories(of json: JSONValue, into arguments: inout Arguments) throws(KerasConfigError) -> CallArgument {
        if let list = json.array {
            if !Self.isHistory(list) {
                var elements: [CallArgument] = []
                for element in list { elements.append(try collectHistories(of: element, into: &arguments)) }
                return .list(elements)
            }
            // Numbers among the arguments are called "_CONSTANT_VALUE", number -1.
            let argument = list[1] == -1 ? .literal(list[2]) : arguments.add(list)
            guard list.count > 3, let keywords = list[3].object else { return argument }
            if keywords["training"] == true { arguments.isTraining = true }
            for (key, value) in keywords where arguments.named[key] == nil { arguments.named[key] = collectKnown(of: value, into: &arguments) }
            return argument
        } else if let object = json.object {
            var elements: [CallArgument] = []
            for key in object.keys { elements.append(try collectHistories(of: object[key] ?? .null, into: &arguments)) }
            return .list(elements)
        }
        throw broken("has a call on \(json.excerpt), which is no tensor")
    }

    /// Collects the histories among keyword arguments, which may hold other values too.
    private func collectKnown(of json: JSONValue, into arguments: inout Arguments) -> CallArgument {
        if let list = json.array {
            if Self.isHistory(list), let name = list[0].string, names[name] != nil { return arguments.add(list) }
            let count = arguments.histories.count
            let elements = list.map { collectKnown(of: $0, into: &arguments) }
            return arguments.histories.count > count ? .list(elements) : .literal(json)
        }
        guard let object = json.object else { return .literal(json) }
        let count = arguments.histories.count
        let members = object.map { collectKnown(of: $0.value, into: &arguments) }
        return arguments.histories.count > count ? .list(members) : .literal(json)
    }

    private static func isHistory(_ list: [JSONValue]) -> Bool {
        guard list.count >= 3, list[0].string != nil, list[1].integer != nil else { return false }
        // A constant has its value in the third place.
        if list[1] == -1 { return true }
        if list[2].integer != nil { return true }
        return false
    }

    /// The result that `[layer, call, result]` names.
    private func source(_ history: [JSONValue]) throws(KerasConfigError) -> ModelGraph.Source {
        guard history.count >= 3, let name = history[0].string, let call = history[1].integer, let result = history[2].integer,
            (0..<Int(Int32.max)).contains(call), (0..<Int(Int32.max)).contains(result)
        else { throw broken("names a tensor \(JSONValue.array(history).excerpt)") }
        guard let layer = names[name] else { throw broken("uses a result of layer \"\(name)\", which it does not have") }
        return ModelGraph.Source(layer: layer, call: call, result: result)
    }

    /// The inputs or outputs of a model: one, a list, a dictionary, or nested lists and dictionaries.
    func ends(_ config: JSONObject, _ key: String) throws(KerasConfigError) -> [ModelGraph.End] {
        var result: [ModelGraph.End] = []
        func collect(_ json: JSONValue, _ path: [String]) throws(KerasConfigError) {
            if let list = json.array {
                if Self.isHistory(list) {
                    result.append(ModelGraph.End(source: try source(list), key: path.isEmpty ? nil : path.joined(separator: "/")))
                } else {
                    for element in list { try collect(element, path) }
                }
            } else if let object = json.object {
                for key in object.keys { try collect(object[key] ?? .null, path + [key]) }
            } else if !json.isNull {
                throw broken("has among its \(key) \(json.excerpt)")
            }
        }
        try collect(config[key] ?? .null, [])
        if result.isEmpty { throw broken("has none of its \(key)") }
        return result
    }

    /// Finds the layers that count their calls from 1: nobody uses their call 0, and their last number is one too high.
    mutating func renumber(calls: [[ModelGraph.Call]], ends: [[ModelGraph.End]]) {
        var (least, most) = ([Int](repeating: .max, count: layers.count), [Int](repeating: -1, count: layers.count))
        for source in calls.joined().flatMap(\.inputs) + ends.joined().map(\.source) {
            least[source.layer] = min(least[source.layer], source.call)
            most[source.layer] = max(most[source.layer], source.call)
        }
        for layer in layers.indices where !calls[layer].isEmpty && least[layer] > 0 && most[layer] == calls[layer].count {
            firstCalls[layer] = 1
        }
    }

    private func resolved(_ source: ModelGraph.Source, count: Int) throws(KerasConfigError) -> ModelGraph.Source {
        let call = source.call - firstCalls[source.layer]
        if call < 0 || call >= count {
            throw broken("uses call \(source.call) of \(title(source.layer)), which has \(count)")
        }
        return ModelGraph.Source(layer: source.layer, call: call, result: source.result)
    }

    /// The same calls, numbered from 0.
    func resolved(_ calls: [[ModelGraph.Call]]) throws(KerasConfigError) -> [[ModelGraph.Call]] {
        var result: [[ModelGraph.Call]] = []
        for list in calls {
            var resolvedList: [ModelGraph.Call] = []
            for call in list {
                var inputs: [ModelGraph.Source] = []
                for input in call.inputs { inputs.append(try resolved(input, count: max(1, calls[input.layer].count))) }
                resolvedList.append(call.on(inputs))
            }
            result.append(resolvedList)
        }
        return result
    }

    func resolved(_ ends: [ModelGraph.End], calls: [[ModelGraph.Call]]) throws(KerasConfigError) -> [ModelGraph.End] {
        var result: [ModelGraph.End] = []
        for end in ends {
            result.append(ModelGraph.End(source: try resolved(end.source, count: max(1, calls[end.source.layer].count)), key: end.key))
        }
        return result
    }

    /// All calls, each after the calls it needs; among calls that are ready, in the order of the file.
    static func order(_ layers: [ModelLayer], model: String) throws(KerasConfigError) -> [ModelGraph.Step] {
        var missing: [[Int]] = layers.map { $0.calls.map { _ in 0 } }
        var dependents: [ModelGraph.Step: [ModelGraph.Step]] = [:]
        for (index, layer) in layers.enumerated() {
            for (number, call) in layer.calls.enumerated() {
                let step = ModelGraph.Step(layer: index, call: number)
                var needed = Set(call.inputs.map { ModelGraph.Step(layer: $0.layer, call: $0.call) })
                if number > 0 { needed.insert(ModelGraph.Step(layer: index, call: number - 1)) }
                for other in needed where !layers[other.layer].calls.isEmpty {
                    missing[index][number] += 1
                    dependents[other, default: []].append(step)
                }
            }
        }
        var order: [ModelGraph.Step] = []
        for (index, layer) in layers.enumerated() {
            for number in layer.calls.indices where missing[index][number] == 0 { order.append(ModelGraph.Step(layer: index, call: number)) }
        }
        var next = 0
        while next < order.count {
            for step in dependents[order[next]] ?? [] {
                missing[step.layer][step.call] -= 1
                if missing[step.layer][step.call] == 0 { order.append(step) }
            }
            next += 1
        }
        if order.count < missing.joined().count {
            let stuck = layers.indices.first { layer in missing[layer].contains { $0 > 0 } } ?? 0
            throw .brokenGraph(model: model, reason: "calls layer \"\(layers[stuck].name ?? "")\" on what depends on it")
        }
        return order
    }
}
