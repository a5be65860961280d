import VoxLayerSpec

/// One walk through a model, inner models included.
struct ModelWalk {
    let reader: ModelReader
    /// Shapes that the user states, by path.
    let stated: [String: [Int?]]
    private(set) var layers: [LayerDescription] = []
    private(set) var others: [OtherLayer] = []
    /// Every layer once.
    private(set) var list = LayerList()
    private(set) var inputs: [ModelDescription.End] = []
    private(set) var used: Set<String> = []
    /// The calls that were met, for what may be computed together.
    private(set) var outline = OutlinedCalls()
    private var names: LayerReader
    /// Layers read already, by the indices that lead to them.
    private var known: [[Int]: LayerDescription] = [:]
    /// The rules of layers that are no operations, likewise; nil for a layer without one.
    private var rules: [[Int]: (any LayerRule)?] = [:]
    /// By the path without the numbers of calls.
    private var byPath: [String: [LayerDescription]] = [:]
    private var paths: Set<String> = []
    private var otherPaths: Set<String> = []

    /// Where in the model a layer stands.
    struct Place {
        var indices: [Int] = []
        /// Names of the models around it, each with a slash behind.
        var prefix = ""
        /// The same, with the numbers of their calls.
        var callPrefix = ""
        var isTraining = false
        var isRoot: Bool { indices.isEmpty }

        func inside(_ index: Int) -> Place {
            var result = self
            result.indices.append(index)
            return result
        }
    }

    init(reader: ModelReader, stated: [String: [Int?]]) {
        (self.reader, self.stated) = (reader, stated)
        names = reader.names
        names.reserveNames(below: reader.root)
    }

    private mutating func statedShape(_ paths: String...) -> [Int?]? {
        for path in paths {
            if let shape = stated[path] {
                used.insert(path)
                return shape
            }
        }
        return nil
    }

    /// One call of a layer.
    /// - Parameters:
    ///   - number: which of its calls.
    ///   - fileShape: of the first input, where the file states it at the call.
    mutating func call(
        _ layer: ModelLayer, number: Int = 0, inputs given: [ShapeFlow], fileShape: JSONValue = .null, in place: Place
    ) throws(KerasConfigError) -> [ShapeFlow] {
        let isKnown = KerasLayer.classNames.contains(layer.className) && !ElementwiseLayer.isCustom(layer.object)
        let name = isKnown ? try description(layer, place).config.name : layer.name ?? layer.className
        let path = place.prefix + name
        let callPath = place.callPrefix + name + (number > 0 ? "[\(number)]" : "")
        var inputs = given
        if !place.isRoot, let shape = statedShape(callPath, path) {
            inputs = [ShapeFlow(shape: shape, isCertain: true, isStated: true, tensor: given.first?.tensor)] + given.dropFirst()
        }
        // The layers inside of it come after it.
        let row = place.isRoot ? nil : list.add(path, layer.className)
        if isKnown {
            let (result, description) = try convolve(layer, path, callPath, inputs.first ?? ShapeFlow(), fileShape, place)
            if let row { list.state(row, shape: result.shape, parameters: description.parameterCount) }
            return [outline.add(description, names.customActivations, callPath, inputs, result)]
        }

        var inside = place
        if !place.isRoot { (inside.prefix, inside.callPrefix) = (path + "/", callPath + "/") }
        if layer.calls.indices.contains(number), layer.calls[number].isTraining { inside.isTraining = true }
        let results: [ShapeFlow]
        if let graph = layer.model {
            if let row { list.state(row, parameters: 0) }
            results = try run(graph, inputs, in: inside, isOutermost: place.isRoot)
        } else {
            if var first = inputs.first, first.shape == nil, !first.isChanged {
                first.shape = try Self.shape(Self.fileShape(of: layer, atCall: fileShape))
                inputs[0] = first
            }
            results = [try compute(layer, number, inputs, path, callPath, in: inside, row)]
        }
        if let row { list.state(row, shape: results.first?.shape) }
        return results
    }

    /// What a layer makes of its inputs that is neither a model nor a convolution.
    private mutating func compute(
        _ layer: ModelLayer, _ number: Int, _ inputs: [ShapeFlow], _ path: String, _ callPath: String, in inside: Place, _ row: Int?
    ) throws(KerasConfigError) -> ShapeFlow {
        let isTrained = inside.isTraining && LayerTable.differsInTraining(layer.object)
        let made = layer.calls.indices.contains(number) ? layer.calls[number] : nil
        if !isTrained, let activation = LayerTable.activation(of: layer.object, generation: reader.generation, call: made) {
            var flow = inputs.first ?? ShapeFlow()
            if let shape = flow.shape { flow.shape = try? activation.shape(of: shape) }
            if let row { list.state(row, parameters: 0) }
            return outline.add(.activation(activation), layer.object, callPath, inputs, flow)
        }
        let rule = isTrained ? nil : rule(of: layer, call: number, inside)
        if rule == nil, layer.wrapped == nil, otherPaths.insert(path).inserted {
            others.append(OtherLayer(path: path, className: layer.className, isCalledInTraining: isTrained))
        }
        var result = ShapeFlow(isChanged: inputs.contains(where: \.isChanged))
        result.shape = try wrapped(layer, inputs.first, isChanged: result.isChanged, in: inside)
        result.shape = result.shape ?? LayerShapes.output(of: layer.object, rule: rule, inputs: inputs.map(\.shape))
        // Those of a wrapped layer stand in its own row.
        let parameters = layer.wrapped == nil ? rule.flatMap { LayerShapes.parameterCount($0, inputs: inputs.map(\.shape)) } : 0
        if let row { list.state(row, parameters: parameters) }
        return outline.add(NetworkOutline.Kind(rule), layer.object, callPath, inputs, result)
    }

    /// The rule that a layer follows, read once: a config may hold very many numbers, and the layer be called very often. Operations have
    /// theirs in the call.
    private mutating func rule(of layer: ModelLayer, call number: Int, _ place: Place) -> (any LayerRule)? {
        let isOperation = LayerTable.isOperation(layer.object)
        if !isOperation, let rule = rules[place.indices] { return rule }
        let origin = LayerOrigin(
            layer.object, generation: reader.generation, call: layer.calls.indices.contains(number) ? layer.calls[number] : nil,
            customActivations: reader.names.customActivations)
        let rule = try? LayerTable.rule(origin)
        if !isOperation { rules.updateValue(rule, forKey: place.indices) }
        return rule
    }

    /// The shape of the first input of a layer, where the file states it at the call or in the layer.
    private static func fileShape(of layer: ModelLayer, atCall fileShape: JSONValue) -> JSONValue {
        let own = layer.object["build_config"]?.object?["input_shape"] ?? layer.object["config"]?.object?["batch_input_shape"] ?? .null
        return fileShape.isNull && layer.calls.count <= 1 ? own : fileShape
    }

    /// What a known layer is, under its name; read once.
    private mutating func description(_ layer: ModelLayer, _ place: Place) throws(KerasConfigError) -> LayerDescription {
        if let description = known[place.indices] { return description }
        // Names are unique within each model only, which has been checked.
        let scope = place.indices.map { "\($0)/" }.joined()
        let description = try names.read(layer.object, generation: reader.generation, scope: scope)
        known[place.indices] = description
        return description
    }

    private mutating func convolve(
        _ layer: ModelLayer, _ path: String, _ callPath: String, _ flow: ShapeFlow, _ fileShape: JSONValue, _ place: Place
    ) throws(KerasConfigError) -> (result: ShapeFlow, layer: LayerDescription) {
        let description = try description(layer, place)
        let (name, layout) = (description.config.name, description.config.layout)
        do throws(KerasConfigError) {
            var flow = flow
            if let shape = flow.shape, shape.count != 5 {
                if flow.isCertain { throw KerasConfigError.inputShape(JSONValue(shape: shape).text) }
                flow.shape = nil
            }
            // A shape that the layer states itself belongs to one of its calls; where there are several, nothing says to which.
            let file = (try? ConfigReader.shape(fileShape, layout: layout)) ?? (layer.calls.count > 1 ? nil : description.inputShape)
            flow = try flow.received(file: file)
            guard let shape = flow.shape, shape[layout.channelAxis(rank: 5)] != nil else {
                let unknown = description.named(path: path, inputShape: nil)
                add(unknown, callPath)
                return (ShapeFlow(isStated: flow.isStated, isChanged: flow.isChanged), unknown)
            }
            let complete = try description.named(path: path, inputShape: nil).with(inputShape: shape)
            add(complete, callPath)
            let result = ShapeFlow(
                shape: try complete.outputShape(), isCertain: true, isStated: flow.isStated, isChanged: flow.isChanged)
            return (result, complete)
        } catch {
            throw error.placed(inLayer: name)
        }
    }

    /// Adds a layer once for each of its input shapes. Shapes that differ in the batch alone count as one, since they have the same kernel.
    private mutating func add(_ layer: LayerDescription, _ callPath: String) {
        let others = byPath[layer.path, default: []]
        if others.contains(where: { $0.config == layer.config && $0.inputShape?.dropFirst() == layer.inputShape?.dropFirst() }) { return }
        byPath[layer.path, default: []].append(layer)
        var (path, number) = (paths.contains(layer.path) ? callPath : layer.path, 1)
        while !paths.insert(path).inserted {
            number += 1
            path = "\(callPath)#\(number)"
        }
        layers.append(layer.named(path: path, inputShape: layer.inputShape))
    }

    /// The layers inside of one of another class.
    /// - Returns: the shape of the result of the wrappers that are understood.
    private mutating func wrapped(
        _ layer: ModelLayer, _ input: ShapeFlow?, isChanged: Bool, in place: Place
    ) throws(KerasConfigError) -> [Int?]? {
        var result: [Int?]?
        for (index, part) in layer.parts.enumerated() {
            var flow = ShapeFlow(isChanged: isChanged)
            switch layer.className {
            case TimeAxis.wrapperClass: flow.shape = input?.shape.flatMap(TimeAxis.removed)
            case "SpectralNormalization": flow.shape = input?.shape
            default: break
            }
            let output = try call(part, inputs: [flow], in: place.inside(index)).first?.shape
            switch layer.className {
            case TimeAxis.wrapperClass:
                result = output.flatMap { step in input?.shape.flatMap { TimeAxis.restored(to: step, like: $0) } }
            case "SpectralNormalization": result = output
            default: break
            }
        }
        return result
    }

    private mutating func run(
        _ graph: ModelGraph, _ given: [ShapeFlow], in place: Place, isOutermost: Bool
    ) throws(KerasConfigError) -> [ShapeFlow] {
        if graph.kind == .chain {
            var flow = (given.first ?? ShapeFlow()).joined(with: try Self.shape(graph.statedInputShape))
            for (index, layer) in graph.layers.enumerated() {
                if layer.isInput {
                    flow = try receive(layer, flow, in: place)
                    if isOutermost { inputs.append(ModelDescription.End(name: layer.name ?? "", shape: flow.shape)) }
                } else {
                    flow = try call(layer, inputs: [flow], in: place.inside(index)).first ?? ShapeFlow()
                }
            }
            return [flow]
        }
        var flows: [ModelGraph.Source: ShapeFlow] = [:]
        for (index, end) in graph.inputs.enumerated() {
            let layer = graph.layers[end.source.layer]
            let flow = given.indices.contains(index) ? given[index] : ShapeFlow()
            flows[end.source] = layer.isInput ? try receive(layer, flow, in: place) : flow
            if isOutermost { inputs.append(ModelDescription.End(name: end.key ?? layer.name ?? "", shape: flows[end.source]?.shape)) }
        }
        for (index, layer) in graph.layers.enumerated() where layer.calls.isEmpty {
            let source = ModelGraph.Source(layer: index, call: 0, result: 0)
            if flows[source] != nil { continue }
            flows[source] = layer.isInput ? try receive(layer, ShapeFlow(), in: place) : try call(layer, inputs: [], in: place.inside(index)).first
        }
        func flow(_ source: ModelGraph.Source) -> ShapeFlow {
            if let flow = flows[source] { return flow }
            // Another result of a layer that is not understood: unknown, and at odds with the file where the first result is.
            let first = flows[ModelGraph.Source(layer: source.layer, call: source.call, result: 0)]
            return ShapeFlow(isChanged: first?.isChanged ?? false)
        }
        for step in graph.order {
            let layer = graph.layers[step.layer]
            let made = layer.calls[step.call]
            let results = try call(
                layer, number: step.call, inputs: made.inputs.map(flow), fileShape: made.statedShapes.first ?? .null, in: place.inside(step.layer))
            for (index, result) in results.enumerated() {
                let source = ModelGraph.Source(layer: step.layer, call: step.call, result: index)
                if flows[source] == nil { flows[source] = result }
            }
        }
        return graph.outputs.map { flow($0.source) }
    }

    /// What an input layer passes on of the shape that arrives.
    private mutating func receive(_ layer: ModelLayer, _ given: ShapeFlow, in place: Place) throws(KerasConfigError) -> ShapeFlow {
        let config = layer.object["config"]?.object ?? [:]
        let name = layer.name ?? ""
        var flow = statedShape(place.callPrefix + name, place.prefix + name).map(ShapeFlow.stated) ?? given
        flow.tensor = given.tensor
        let result = flow.joined(with: try Self.shape(config["batch_shape"] ?? config["batch_input_shape"] ?? .null))
        if let row = list.add(place.prefix + name, layer.className) { list.state(row, shape: result.shape, parameters: 0) }
        return result
    }

    /// A shape of any rank; nil for null and for what is no shape of one tensor.
    /// - Throws: `KerasConfigError.inputShape` for extents that are none.
    private static func shape(_ json: JSONValue) throws(KerasConfigError) -> [Int?]? {
        guard let list = json.array, !list.contains(where: { $0.array != nil || $0.object != nil }) else { return nil }
        var result: [Int?] = []
        for (axis, extent) in list.enumerated() {
            switch extent {
            case .null: result.append(nil)
            case .integer(let value) where value >= (axis == 0 ? 0 : 1): result.append(value)
            default: throw .inputShape(json.excerpt)
            }
        }
        return result
    }
}
