import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec

extension Conv3D {
    /// What the config of a layer says.
    /// - Parameters:
    ///   - className: decides what the layer computes.
    ///   - type: gives a layer without a name one.
    static func read(
        _ config: JSONObject, className: String, of type: Layer.Type, _ generation: KerasGeneration?, _ objects: CustomObjects
    ) throws -> (LayerConfig, ConvolutionArguments) {
        let generation = generation ?? KerasGeneration(detectedIn: ["class_name": .string(className), "config": .object(config)])
        let stated = try ConfigReader(config: config, className: className).string("name")
        var plain = config
        // Without one, Keras takes the user's default.
        if config["data_format"]?.string == nil { plain["data_format"] = .string(try KerasSettings.current.imageDataFormat.rawValue) }
        if config["dtype"]?.isNull ?? true { plain["dtype"] = .string(try KerasSettings.current.floatx.rawValue) }
        let layer = try KerasLayer.read(
            plain, className: className, name: stated ?? UniqueNames.shared.next(for: type), generation: generation,
            customActivations: objects.activationNames)
        var arguments = try ConvolutionArguments(plain, className: className, layout: layer.layout, generation: generation, objects: objects)
        if config["data_format"]?.string == nil { arguments.layoutOrigin = .settings(try KerasSettings.current.imageDataFormatOrigin) }
        return (layer, arguments)
    }

    /// The layer a file describes, under the file's name for it: a `Conv3DTranspose` or a `Conv3D`.
    package static func make(
        _ description: LayerDescription, objects: CustomObjects, policy: Policy, kernels: any KernelProvider, kernelMode: KernelMode
    ) throws -> Conv3D {
        let config = description.config
        var arguments = ConvolutionArguments()
        if KerasLayer.classNames.contains(description.kerasClass) {
            let attributes = description.attributes
            arguments = try ConvolutionArguments(
                attributes, className: description.kerasClass, layout: config.layout,
                generation: description.generation, objects: objects)
            if attributes["data_format"]?.string == nil { arguments.layoutOrigin = .settings(.keras) }
        }
        // Of the model around the layer too, and what the user stated instead.
        arguments.batchInputShape = description.inputShape ?? arguments.batchInputShape
        return config.kind == .transposed
            ? Conv3DTranspose(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
            : Conv3D(config: config, arguments: arguments, policy: policy, kernels: kernels, kernelMode: kernelMode)
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
