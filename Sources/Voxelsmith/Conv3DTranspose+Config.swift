import KerasConfig
import KernelRuntime
import LayerSpec

extension Conv3DTranspose {
    /// Keras's `from_config`: a layer from the config that a `Conv3DTranspose` of any Keras generation wrote.
    /// - Parameters:
    ///   - generation: which Keras wrote it, where that is known; detected otherwise. It decides what `hard_sigmoid` means.
    ///   - objects: the user's own initializers, regularizers, constraints and activations.
    /// - Throws: `KerasConfigError`, `ArgumentError`, and what makers of registered objects throw.
    public convenience init(
        config: JSONObject, generation: KerasGeneration? = nil, objects: CustomObjects = .shared, policy: Policy = .fast,
        kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto
    ) throws {
        let generation = generation ?? KerasGeneration(detectedIn: .object(config))
        let stated = try ConfigReader(config: config, className: "Conv3DTranspose").string("name")
        var plain = config
        // The layer applies an activation of the user's own itself.
        if try objects.activation(config["activation"]) != nil { plain["activation"] = "linear" }
        // Without one, Keras takes the user's default.
        if config["data_format"]?.string == nil { plain["data_format"] = .string(try KerasSettings.current.imageDataFormat.rawValue) }
        if config["dtype"]?.isNull ?? true { plain["dtype"] = .string(try KerasSettings.current.floatx.rawValue) }
        let layer = try KerasLayer.read(
            plain, className: "Conv3DTranspose", name: stated ?? UniqueNames.shared.next(forClass: "Conv3DTranspose"),
            generation: generation)
        plain["activation"] = config["activation"]
        let arguments = try ConvolutionArguments(plain, layout: layer.layout, generation: generation, objects: objects)
        self.init(config: layer, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// A layer as a file describes it, under the file's name for it.
    package convenience init(
        _ description: LayerDescription, policy: Policy, kernels: any KernelProvider, kernelMode: KernelMode
    ) throws {
        var arguments = ConvolutionArguments()
        if KerasLayer.classNames.contains(description.kerasClass) {
            let attributes = description.attributes
            arguments = try ConvolutionArguments(
                attributes, layout: description.config.layout, generation: KerasGeneration(detectedIn: .object(attributes)))
        }
        self.init(config: description.config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
    }

    /// The members of Keras 3's `get_config`, in its order but for what Keras leaves out when it is None.
    func kerasConfig() throws -> JSONObject {
        let plain = try config.kerasConfig()
        let rest = arguments.config
        var result: JSONObject = ["name": .string(name), "trainable": .bool(trainable), "dtype": rest["dtype"] ?? .null]
        for key in plain.keys where result[key] == nil { result[key] = plain[key] }
        for key in rest.keys where result[key] == nil { result[key] = rest[key] }
        if let tensorActivation { result["activation"] = tensorActivation.serialized() }
        result["activity_regularizer"] = activityRegularizer?.serialized() ?? .null
        return result
    }
}
