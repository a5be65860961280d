import VoxLayerSpec

/// Keras's `padding` argument of a transposed convolution.
public enum KerasPadding: String, CaseIterable, Hashable, Sendable {
    case valid
    case same
}

/// The rules Keras adds to what a geometry allows, each in this one place: the JSON reader and the layer's initializer both
/// come through here (`keras/src/layers/convolutional/base_conv_transpose.py`).
public enum KerasRules {
    /// Checks the arguments of a `Conv3DTranspose`, or with `kind` `ordinary` of a `Conv3D`, and makes its `LayerConfig`.
    /// - Parameters:
    ///   - kind: of the layer.
    ///   - name: of the layer.
    ///   - filters: channels of the output.
    ///   - kernelSize: one value for each of (depth, height, width).
    ///   - strides: as `kernelSize`.
    ///   - padding: `valid` or `same`.
    ///   - outputPadding: nil for a `Conv3D`, which has no such argument.
    ///   - layout: where the channel axis stands.
    ///   - dilationRate: as `kernelSize`.
    ///   - groups: only 1 is legal for a `Conv3DTranspose`; Keras has the argument in some versions and never implements it.
    ///   - activation: applied to the sum, after the bias.
    ///   - useBias: whether a bias is added to the sum.
    ///   - elementType: of the kernel's arithmetic.
    ///   - generation: whose rules count. Earlier lines than Keras 3 allow a slash in a name.
    /// - Throws: `KerasConfigError`.
    public static func validate(
        kind: LayerKind = .transposed, name: String, filters: Int, kernelSize: [Int], strides: [Int] = [1, 1, 1], padding: KerasPadding = .valid,
        outputPadding: [Int]? = nil, layout: Layout = .channelsLast, dilationRate: [Int] = [1, 1, 1], groups: Int = 1,
        activation: Activation = .linear, useBias: Bool = true, elementType: ElementType = .float32, generation: KerasGeneration = .keras3
    ) throws(KerasConfigError) -> LayerConfig {
        if generation == .keras3, name.utf8.contains(UInt8(ascii: "/")) { throw .layerName(name) }
        if filters < 1 { throw .filters(filters) }
        for (argument, values) in [("kernel_size", kernelSize), ("strides", strides), ("dilation_rate", dilationRate)] {
            if values.count != 3 { throw .threeIntegers(argument: argument, received: "\(values)") }
            if values.contains(where: { $0 < 1 }) { throw .notPositive(argument: argument, values) }
        }
        if let outputPadding {
            if outputPadding.count != 3 { throw .threeIntegers(argument: "output_padding", received: "\(outputPadding)") }
            if zip(outputPadding, strides).contains(where: { $0 < 0 || $0 >= $1 }) {
                throw .outputPadding(outputPadding, strides: strides)
            }
        }
        if strides.contains(where: { $0 > 1 }) && dilationRate.contains(where: { $0 > 1 }) {
            throw .stridesWithDilation(strides: strides, dilationRate: dilationRate)
        }
        if kind == .transposed, groups != 1 { throw .groups(groups) }
        return try wrappingSpecError { () throws(SpecError) in
            if groups < 1 { throw .tooSmall("groups", groups, minimum: 1) }
            if filters % groups != 0 { throw .groupsDoNotDivide(groups: groups, what: "filters", filters) }
            return try LayerConfig(
                kind: kind, name: name, filters: filters, kernelSize: kernelSize, strides: strides, dilationRate: dilationRate,
                padding: padding == .same ? .same(outputPadding: outputPadding) : .valid(outputPadding: outputPadding),
                groups: groups, layout: layout, activation: activation, useBias: useBias, elementType: elementType)
        }
    }

    /// `padding` by its name, in any case.
    /// - Throws: `KerasConfigError.padding`.
    public static func padding(named name: String) throws(KerasConfigError) -> KerasPadding {
        guard let padding = KerasPadding(rawValue: name.lowercased()) else { throw .padding(name) }
        return padding
    }

    /// `data_format` by its name, in any case.
    /// - Throws: `KerasConfigError.dataFormat`.
    public static func layout(named name: String) throws(KerasConfigError) -> Layout {
        guard let layout = Layout(rawValue: name.lowercased()) else { throw .dataFormat(name) }
        return layout
    }
}
