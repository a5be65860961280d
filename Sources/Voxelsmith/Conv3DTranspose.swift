import KerasConfig
import KernelRuntime
import LayerSpec
import Tensors

/// 3-D transposed convolution, as Keras defines it:
///
///     y[b, o, f] = activation(bias[f] + sum over (i, t, c) with i * stride + t * dilation - crop = o of x[b, i, c] * kernel[t, f, c])
///
///     let up = try Conv3DTranspose(filters: 8, kernelSize: 4, strides: 2, padding: .same, activation: .relu)
///     let y = try up(x)
open class Conv3DTranspose: Conv3D {
    /// - Parameters:
    ///   - filters: channels of the output.
    ///   - kernelSize, strides, dilationRate: a number, or one for each of (depth, height, width).
    ///   - outputPadding: extra outputs at the end of each axis, less than the stride; nil for the length Keras infers.
    ///   - name: nil for an automatic one.
    ///   - dtype: element type of the weights and of the input.
    ///   - policy, kernels, kernelMode: which kernels may compute the layer.
    ///   - seed: of the initial kernel values; nil for other values each time.
    /// - Throws: `KerasConfigError` for what Keras forbids.
    public convenience init(
        filters: Int, kernelSize: IntOrTriple, strides: IntOrTriple = 1, padding: KerasPadding = .valid,
        dataFormat: Layout = .channelsLast, outputPadding: IntOrTriple? = nil, dilationRate: IntOrTriple = 1,
        activation: Activation = .linear, useBias: Bool = true, name: String? = nil, dtype: ElementType = .float32,
        policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared, kernelMode: KernelMode = .auto,
        seed: UInt64? = nil
    ) throws {
        let config = try KerasRules.validate(
            name: name ?? UniqueNames.shared.next(forClass: "Conv3DTranspose"), filters: filters, kernelSize: kernelSize.values,
            strides: strides.values, padding: padding, outputPadding: outputPadding?.values, layout: dataFormat,
            dilationRate: dilationRate.values, activation: activation, useBias: useBias, elementType: dtype)
        self.init(config: config, policy: policy, kernels: kernels, kernelMode: kernelMode, seed: seed)
    }

    /// A layer from a description, with its name. Takes what the geometry allows, ONNX's padding rules and groups included;
    /// Keras's own rules are checked where the description was read.
    public init(
        config: LayerConfig, policy: Policy = .fast, kernels: any KernelProvider = KernelRegistry.shared,
        kernelMode: KernelMode = .auto, seed: UInt64? = nil
    ) {
        super.init(config: config, name: config.name, policy: policy, kernels: kernels, kernelMode: kernelMode, seed: seed)
    }

    /// Extra outputs at the end of each axis; nil where the length is inferred.
    public var outputPadding: [Int]? {
        switch config.padding {
        case .valid(let padding), .same(let padding): padding
        case .explicit(_, _, let padding), .sameUpper(let padding), .sameLower(let padding), .outputShape(_, let padding, _): padding
        }
    }

    package override func spec(inputShape: [Int]) throws -> KernelSpec { try config.spec(inputShape: inputShape, policy: policy) }

    package override func kernelShape(channels: Int) throws -> [Int] {
        if channels < 1 { throw SpecError.tooSmall("number of channels", channels, minimum: 1) }
        for (what, value) in [("channels", channels), ("filters", filters)] where value % groups != 0 {
            throw SpecError.groupsDoNotDivide(groups: groups, what: what, value)
        }
        return kernelSize + [filters / groups, channels]
    }
}
