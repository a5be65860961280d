/// What is read is what is written: a file of these bytes gives the same weights again.
extension KerasWeights {
    /// The bytes of an HDF5 file. With a `config` it is a whole model, which the form `layerNames` alone can be.
    /// - Parameter path: what errors call the file.
    /// - Throws: as `HDF5File.encode(_:name:)`.
    package func encode(name path: String) throws -> [UInt8] {
        var contents = HDF5Contents()
        switch form {
        case .variables: addVariables(to: &contents)
        case .layerNames: addListed(to: &contents)
        }
        return try HDF5File.encode(contents, name: path)
    }

    /// Keras makes groups for layers without weights too; neither generation asks for them. The one of the model itself tells what the file is.
    /// - Note: `keras/src/saving/saving_lib.py`, `_save_state`.
    private func addVariables(to contents: inout HDF5Contents) {
        contents.addGroup(Name.variables)
        var named: Set<String> = []
        for weight in tensors {
            contents.addDataset(weight.path, weight.tensor)
            let variables = "\(weight.group)/\(Name.variables)"
            if let name = weight.layerName, named.insert(variables).inserted { contents.addText(name, named: Name.name, to: variables) }
        }
    }

    /// - Note: `keras/src/legacy/saving/legacy_h5_format.py`, `save_model_to_hdf5` and `save_weights_to_hdf5_group`.
    private func addListed(to contents: inout HDF5Contents) {
        let root = config == nil ? "" : Name.weights
        if let config {
            contents.addGroup(root)
            contents.addText(String(decoding: config, as: UTF8.self), named: Name.config, to: "")
            if let kerasVersion { contents.addText(kerasVersion, named: Name.version, to: "") }
            if let backend { contents.addText(backend, named: Name.backend, to: "") }
        }
        contents.addList(layerNames, named: Name.layers, to: root)
        if let backend { contents.addText(backend, named: Name.backend, to: root) }
        if let kerasVersion { contents.addText(kerasVersion, named: Name.version, to: root) }
        let ofLayers = Dictionary(grouping: tensors, by: \.group)
        let prefix = root.isEmpty ? "" : "\(root)/"
        for layer in layerNames {
            contents.addGroup("\(prefix)\(layer)")
            let weights = ofLayers[layer] ?? []
            contents.addList(weights.map { Self.name($0, in: layer) }, named: Name.ofLayer, to: "\(prefix)\(layer)")
            for weight in weights { contents.addDataset("\(prefix)\(weight.path)", weight.tensor) }
        }
        // Weights of a model that are no layer's; Keras 2 and 3 look for the group.
        contents.addGroup("\(prefix)\(Name.topLevel)")
        contents.addList([], named: Name.ofLayer, to: "\(prefix)\(Name.topLevel)")
    }

    /// The name of a weight within the group of its layer. By bytes: a slash with an accent behind it is none to Swift.
    private static func name(_ weight: NamedTensor, in layer: String) -> String {
        String(decoding: weight.path.utf8.dropFirst(layer.utf8.count + 1), as: UTF8.self)
    }
}
