import VoxKerasConfig
import VoxKernelRuntime

/// What decides about layers besides their configs. It is set while the layers of a model are made, and read by `init(config:)`.
struct ConfigContext: Sendable {
    @TaskLocal static var current = ConfigContext()

    /// Which Keras wrote the config, where that is known.
    var generation: KerasGeneration?
    var objects = CustomObjects.shared
    var policy = Policy.fast
    var kernels: any KernelProvider = KernelRegistry.shared
    var kernelMode = KernelMode.auto
}

/// A layer class that can be made from its config, and so be copied, registered by its type and read from files.
///
///     final class Scaled: Conv3DTranspose, ConfigurableLayer {
///         let factor: Float
///         init(factor: Float, filters: Int, kernelSize: Int) throws {
///             self.factor = factor
///             try super.init(filters: filters, kernelSize: kernelSize)
///         }
///         override init(config: JSONObject) throws {
///             var rest = config
///             factor = Float(rest.removeValue(forKey: "factor")?.number ?? 1)
///             try super.init(config: rest)
///         }
///         override func getConfig() throws -> JSONObject {
///             var config = try super.getConfig()
///             config["factor"] = .number(Double(factor))
///             return config
///         }
///     }
///     CustomObjects.shared.register(layer: Scaled.self)
public protocol ConfigurableLayer: Layer {
    /// Keras's `from_config`.
    /// - Parameter config: what `getConfig()` gave. What the class adds to it must be removed before the rest goes to `super`.
    init(config: JSONObject) throws
}
