import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// The arguments of a convolution layer's initializer as they were written: names stand for objects, and nil for defaults. Nothing here has
/// a default of its own, so that an initializer that forgets an argument does not compile.
struct WrittenArguments {
    let filters: Int
    let kernelSize: any SpatialArgument
    let strides: any SpatialArgument
    let padding: any PaddingArgument
    let dataFormat: (any LayoutArgument)?
    /// nil in an ordinary convolution, which has none.
    let outputPadding: (any SpatialArgument)?
    let dilationRate: any SpatialArgument
    /// 1 in a transposed convolution.
    let groups: Int
    let activation: (any ActivationArgument)?
    let useBias: Bool
    let kernelInitializer: (any InitializerArgument)?
    let biasInitializer: (any InitializerArgument)?
    let kernelRegularizer: (any RegularizerArgument)?
    let biasRegularizer: (any RegularizerArgument)?
    let activityRegularizer: (any RegularizerArgument)?
    let kernelConstraint: (any ConstraintArgument)?
    let biasConstraint: (any ConstraintArgument)?
    let name: String?
    let trainable: Bool
    let dtype: (any DTypeArgument)?
    let inputShape: [Int?]?
    let batchInputShape: [Int?]?
    let batchSize: Int?
    let weights: [Tensor]?
    let tensorActivation: (any TensorActivation)?

    /// What the arguments mean, with names resolved and Keras's rules checked.
    /// - Parameters:
    ///   - kind: what the layer computes.
    ///   - type: gives a layer without a name one.
    /// - Throws: `KerasConfigError` for what Keras forbids, `ArgumentError` for names of unknown objects, `KerasSettingsError` for an
    ///   illegal keras.json when it is needed.
    func resolved(_ kind: LayerKind, of type: Layer.Type) throws -> (LayerConfig, ConvolutionArguments) {
        let layout = try ConvolutionArguments.layout(dataFormat)
        let (plain, own) = try ConvolutionArguments.activations(activation, tensorActivation)
        let arguments = try ConvolutionArguments(self, layout: layout, tensorActivation: own)
        let rule = try padding.resolvedPadding()
        let config = try KerasRules.validate(
            kind: kind, name: name ?? UniqueNames.shared.next(for: type), filters: filters, kernelSize: kernelSize.intOrTriple.values,
            strides: strides.intOrTriple.values, padding: rule.padding,
            outputPadding: kind == .transposed ? outputPadding?.intOrTriple.values ?? rule.outputPadding : nil, layout: layout,
            dilationRate: dilationRate.intOrTriple.values, groups: groups, activation: plain, useBias: useBias,
            elementType: arguments.dtypePolicy.elementType)
        return (config, arguments)
    }
}
