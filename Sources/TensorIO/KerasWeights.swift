import VoxTensors

/// One weight as a Keras file stores it.
public struct NamedTensor: Sendable {
    /// The path of the dataset from the root of the weights, without a leading slash: `layers/conv3d_transpose/vars/0`, or
    /// `up1/up1/kernel:0` in the layer_names form.
    public let path: String
    /// The group that owns it: `layers/conv3d_transpose`, or the layer's name in the layer_names form.
    public let group: String
    /// The name of the layer where the file states it.
    public let layerName: String?
    /// The values, in the shape of the file.
    public let tensor: Tensor

    /// A weight as a reader of the format found it.
    public init(path: String, group: String, layerName: String?, tensor: Tensor) {
        self.path = path
        self.group = group
        self.layerName = layerName
        self.tensor = tensor
    }
}

/// The weights in an HDF5 file of any Keras generation, whole models included. Knows the layout of the file, not the layers.
public struct KerasWeights: Sendable {
    /// How the file names and orders its weights.
    public enum Form: String, Hashable, Sendable {
        /// `.weights.h5`: groups `layers/<class name>_<n>/vars/<index>`; `tensors` is ordered by path, numbers by value.
        case variables
        /// Older `.h5`: layers and weights listed by the attributes layer_names and weight_names; `tensors` has that order.
        case layerNames
    }

    /// Names of the format.
    enum Name {
        static let weights = "model_weights", topLevel = "top_level_model_weights", variables = "vars"
        static let layers = "layer_names", ofLayer = "weight_names"
        static let config = "model_config", version = "keras_version", backend = "backend", name = "name"
    }

    /// The form this file has.
    public let form: Form
    /// Every weight; the order is that of `form`.
    public let tensors: [NamedTensor]
    /// The names of all layers in file order, those without weights included (form `layerNames` only, else empty).
    public let layerNames: [String]
    /// The JSON of a whole-model file's `model_config`.
    public let config: [UInt8]?
    /// The `keras_version` of the file where it states one.
    public let kerasVersion: String?
    /// What Keras computed with when it wrote the file, where it states that ("tensorflow", "theano"). Some turned their kernels round.
    public let backend: String?

    /// Weights that are to be written.
    package init(form: Form, tensors: [NamedTensor], layerNames: [String] = [], config: [UInt8]? = nil, kerasVersion: String?, backend: String?) {
        (self.form, self.tensors, self.layerNames) = (form, tensors, layerNames)
        (self.config, self.kerasVersion, self.backend) = (config, kerasVersion, backend)
    }

    /// Optimizer slots are left out.
    /// - Throws: `TensorIOError.missingLibrary`, `.cannotOpen`, `.notHDF5`, `.notKerasWeights`, and what reading a dataset throws.
    public init(path: String) throws { try self.init(HDF5File(path: path)) }

    /// - Parameters:
    ///   - image: the bytes of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: as `init(path:)`.
    public init(image: [UInt8], name: String) throws { try self.init(HDF5File(image: image, name: name)) }

    /// - Throws: `TensorIOError.notKerasWeights`, and what reading a dataset throws.
    public init(_ file: HDF5File) throws {
        config = try file.string(Name.config).map { Array($0.utf8) }
        let root = file.kind(of: Name.weights) == .group ? Name.weights : ""
        kerasVersion = try file.string(Name.version) ?? file.string(Name.version, of: root)
        backend = try file.string(Name.backend, of: root) ?? file.string(Name.backend)
        if let layers = try Self.list(Name.layers, of: root, in: file) {
            form = .layerNames
            layerNames = layers
            // A name costs some bytes of the file and a tensor any number of them, so each weight is read once.
            var seen = Set<[ArraySlice<UInt8>]>()
            var tensors: [NamedTensor] = []
            for layer in layers {
                let group = root.isEmpty ? layer : "\(root)/\(layer)"
                for weight in try Self.list(Name.ofLayer, of: group, in: file) ?? [] {
                    let object = "\(group)/\(weight)"
                    if !seen.insert(Array(object.utf8).split(separator: UInt8(ascii: "/"))).inserted {
                        throw TensorIOError.hdf5Structure(path: file.path, object: object, reason: "it is listed twice")
                    }
                    tensors.append(
                        NamedTensor(
                            path: "\(layer)/\(weight)", group: layer, layerName: layer, tensor: try file.tensor(object, bareOpaque: .bfloat16)))
                }
            }
            self.tensors = tensors
        } else if file.kind(of: "layers") == .group || file.kind(of: Name.variables) == .group || file.kind(of: "_layer_checkpoint_dependencies") == .group {
            form = .variables
            layerNames = []
            tensors = try file.datasets().filter { !$0.hasPrefix("optimizer/") }.map { path in
                let parts = path.split(separator: "/")
                let owner = parts.dropLast().last.map(String.init) == Name.variables ? parts.dropLast(2) : parts.dropLast()
                let variables = parts.dropLast().joined(separator: "/")
                return NamedTensor(
                    path: path, group: owner.joined(separator: "/"), layerName: try file.string(Name.name, of: variables),
                    tensor: try file.tensor(path, bareOpaque: .bfloat16))
            }
        } else {
            throw TensorIOError.notKerasWeights(path: file.path)
        }
    }

    /// A list attribute; Keras splits one that is too long for an HDF5 header into name0, name1, ...
    private static func list(_ name: String, of group: String, in file: HDF5File) throws -> [String]? {
        if let whole = try file.strings(name, of: group) { return whole }
        var all: [String]?
        var index = 0
        while let chunk = try file.strings("\(name)\(index)", of: group) {
            all = (all ?? []) + chunk
            index += 1
        }
        return all
    }
}
