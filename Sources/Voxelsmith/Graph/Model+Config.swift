import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec

extension Model {
    /// The entry of a layer in a model's config.
    func entry(_ layer: Layer) throws -> JSONObject {
        var result = try Self.entry(layer)
        let isOperation = (layer as? DefinedLayer)?.isOperation ?? false
        if !(layer is InputLayer || layer is Model || isOperation), let node = ownNodes(of: layer).first, layer.nodes[node].inputs.count == 1 {
            result["build_config"] = ["input_shape": JSONValue(shape: layer.nodes[node].inputs[0].shape)]
        }
        return result
    }

    /// The entry of a layer, without the shape it was built for.
    static func entry(_ layer: Layer) throws -> JSONObject {
        if let model = layer as? Model { return try model.serialized() }
        let className = layer.className
        var (module, registered): (JSONValue, JSONValue) = ("keras.layers", .null)
        if let layer = layer as? DefinedLayer {
            (module, registered) = (.string(layer.kerasModule), layer.registeredName)
        } else if !(layer is InputLayer || layer is ActivationLayer || layer is TimeDistributedLayer || type(of: layer) == Conv3D.self
            || type(of: layer) == Conv3DTranspose.self)
        {
            (module, registered) = (.null, .string("\(layer.registeredPackage)>\(className)"))
        }
        return ["module": module, "class_name": .string(className), "config": .object(try layer.getConfig()), "registered_name": registered]
    }

    /// Where Keras 3 has the class, and the name that it is registered under.
    package var kerasPlace: (module: JSONValue, registeredName: JSONValue) {
        self is Sequential ? ("keras", .null) : ("keras.src.models.functional", "Functional")
    }

    /// The model as an object of Keras 3.
    package func serialized() throws -> JSONObject {
        let isChain = self is Sequential
        let shape = isChain ? inputs.first?.shape : nil
        let place = kerasPlace
        return [
            "module": place.module, "class_name": isChain ? "Sequential" : "Functional", "config": .object(try getConfig()),
            "registered_name": place.registeredName, "build_config": ["input_shape": shape.map { JSONValue(shape: $0) } ?? .null],
        ]
    }

    /// The model without its weights, as Keras 3's `to_json` writes it.
    /// - Throws: what the layers' `getConfig()` throws.
    public func toJSON() throws -> String {
        var object = try serialized()
        object["compile_config"] = [:]
        return object.toJSON()
    }

    /// Layer, call and result, as configs name a tensor. Calls count within the model.
    private func history(_ tensor: SymbolicTensor) -> JSONValue {
        let call = ownNodes(of: tensor.layer).firstIndex(of: tensor.nodeIndex) ?? 0
        return [.string(tensor.layer.name), .integer(call), .integer(tensor.tensorIndex)]
    }

    func functionalConfig() throws -> JSONObject {
        func argument(_ tensor: SymbolicTensor) -> JSONValue {
            [
                "class_name": "__keras_tensor__",
                "config": [
                    "shape": JSONValue(shape: tensor.shape), "dtype": .string(tensor.dtype.rawValue), "keras_history": history(tensor),
                ],
            ]
        }
        let entries = try layers.map { layer in
            var object = try entry(layer)
            object["name"] = .string(layer.name)
            let calls = ownNodes(of: layer).filter { layer.nodes[$0].hasInbound }.map { node -> JSONValue in
                let tensors = layer.nodes[node].inputs.map(argument)
                return ["args": .array(layer.callArguments(tensors)), "kwargs": .object(layer.callKeywords(tensors))]
            }
            object["inbound_nodes"] = .array(calls)
            return JSONValue.object(object)
        }
        func ends(_ tensors: [SymbolicTensor], _ keys: [String?]) -> JSONValue {
            var byKey: JSONObject = [:]
            for (key, tensor) in zip(keys, tensors) { if let key { byKey[key] = history(tensor) } }
            if !tensors.isEmpty, byKey.keys.count == tensors.count { return .object(byKey) }
            return tensors.count == 1 ? history(tensors[0]) : .array(tensors.map(history))
        }
        return [
            "name": .string(name), "trainable": .bool(trainable), "layers": .array(entries), "input_layers": ends(inputs, inputKeys),
            "output_layers": ends(outputs, outputKeys),
        ]
    }
}

extension Sequential {
    func sequentialConfig() throws -> JSONObject {
        var entries: [JSONValue] = []
        if let input = inputs.first?.layer { entries.append(.object(try entry(input))) }
        for layer in layers { entries.append(.object(try entry(layer))) }
        var result: JSONObject = [
            "name": .string(name), "trainable": .bool(trainable),
            "dtype": DTypePolicy(dtype.arithmetic).json, "layers": .array(entries),
        ]
        if let shape = inputs.first?.shape { result["build_input_shape"] = JSONValue(shape: shape) }
        return result
    }
}
