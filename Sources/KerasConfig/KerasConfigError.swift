import VoxLayerSpec

/// What can be wrong with a layer or model description. Each case carries the value received; `description` is the one
/// sentence.
public enum KerasConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformedJSON(String)
    /// A key whose value has another JSON type than it must have; `received` is the beginning of its text.
    case wrongType(key: String, received: String, expected: String)
    case missingKey(String, className: String)
    case unknownKeys([String], className: String)
    /// The document is none of the known kinds of layer file.
    case unknownDocument(received: String)
    case noLayers
    case duplicateName(String)

    // Keras's own rules.
    case filters(Int)
    case threeIntegers(argument: String, received: String)
    case notPositive(argument: String, [Int])
    case padding(String)
    case dataFormat(String)
    case outputPadding([Int], strides: [Int])
    case stridesWithDilation(strides: [Int], dilationRate: [Int])
    case groups(Int)
    case activation(String)
    /// An activation whose name alone does not define it, and the arguments that are missing.
    case activationArguments(String, [String])
    case elementType(String)
    case layerName(String)
    case inputShape(String)

    // Models.
    case unsupportedClass(String)
    /// A model whose calls name what does not exist, or need each other's results.
    case brokenGraph(model: String, reason: String)
    /// A model that is to be computed and has layers that cannot be.
    case missingLayers(model: String, [OtherLayer])
    /// A model without a single convolution, where kernels are asked for.
    case noKnownLayers(model: String, [OtherLayer])
    /// A shape for a layer the file does not have.
    case unknownLayerName(String, names: [String])
    /// A shape for the input of a model that has not exactly one; `names` are those of its inputs.
    case namelessInputShape(model: String, inputs: Int, received: [Int?], names: [String])
    case inconsistentShape(received: [Int?], expected: [Int?])
    /// Shapes of inputs that a layer cannot take.
    case layerInputs([[Int?]], expected: String)

    // ONNX attributes.
    case autoPad(String)
    case padsWithAutoPad(String)
    case attributeCount(attribute: String, [Int], expected: Int)
    case attributeTooSmall(attribute: String, [Int], minimum: Int)
    case onnxOutputPadding([Int], strides: [Int], dilations: [Int])
    case channels(Int, inputShape: [Int?])

    /// A layer that the requested JSON dialect cannot express.
    case notRepresentable(what: String, dialect: String)
    /// The numbers are well formed, but no legal geometry.
    case spec(SpecError)
    /// Any of the above, in the layer of this name.
    indirect case inLayer(String, KerasConfigError)

    // Longer than 60 lines: one sentence per case, in the order of the cases.
    public var description: String {
        let sentence: Sentence = switch self {
        case .malformedJSON(let cause):
            "The text is not JSON: \(cause.hasSuffix(".") ? String(cause.dropLast()) : cause)."
        case .wrongType(let key, let received, let expected):
            "Received \(key) \(received); expected \(expected)."
        case .missingKey(let key, let className):
            "The \(className) has no \"\(key)\"; expected one."
        case .unknownKeys(let keys, let className):
            "Received unknown \(className) argument\(keys.count == 1 ? "" : "s") \(quoted: keys); expected only documented ones."
        case .unknownDocument(let received):
            "Received \(received); expected a serialised layer, a list of layers, a suite, or a model."
        case .noLayers:
            "The file holds no layers; expected at least one."
        case .duplicateName(let name):
            "The layer name \"\(name)\" occurs twice; expected unique names."

        case .filters(let value):
            "Received filters \(value); expected a strictly positive integer."
        case .threeIntegers(let argument, let received):
            "Received \(argument) \(received); expected 3 integers, or one for all three axes."
        case .notPositive(let argument, let values):
            "Received \(argument) \(values); expected values of at least 1."
        case .padding(let value):
            "Received padding \"\(value)\"; expected \"valid\" or \"same\"."
        case .dataFormat(let value):
            "Received data_format \"\(value)\"; expected \"channels_last\" or \"channels_first\"."
        case .outputPadding(let values, let strides):
            "Received output_padding \(values) with strides \(strides); expected 0 or more and less than the stride on each axis."
        case .stridesWithDilation(let strides, let dilationRate):
            "Received strides \(strides) with dilation_rate \(dilationRate); expected at most one of them to exceed 1, as Keras does."
        case .groups(let value):
            "Received groups \(value); expected 1, because Keras has no grouped transposed convolution (use class ConvTranspose)."
        case .activation(let value):
            "Received activation \(value); expected one of \(ActivationNames.all.joined(separator: ", "))."
        case .activationArguments(let name, let arguments):
            "Received activation \"\(name)\" by name; expected its arguments \(arguments.joined(separator: " and ")) too, which have no defaults."
        case .elementType(let value):
            "Received dtype \(value); expected \(DTypePolicy.allCases.map(\.rawValue).joined(separator: ", "))."
        case .layerName(let value):
            "Received layer name \"\(value)\"; expected one without \"/\"."
        case .inputShape(let received):
            "Received input shape \(received); expected 5 extents: positive integers, or null where unknown (never for the channels)."

        case .unsupportedClass(let name):
            "Received a layer of class \"\(name)\"; expected Conv3DTranspose, Conv3D, InputLayer, ConvTranspose, a model, or a registered class."
        case .brokenGraph(let model, let reason):
            "The model \"\(model)\" \(reason); expected layers that are connected by calls from its inputs to its outputs."
        case .missingLayers(let model, let layers):
            """
            The model "\(model)" has layers that cannot be computed here: \(Self.some(layers.map(\.description))); \
            expected those that Documentation/keras-compatibility.md lists, models of these, and registered classes.
            """
        case .noKnownLayers(let model, let layers):
            """
            The model "\(model)" has no convolution to make kernels for, but \(Self.some(layers.map(\.description))); \
            expected at least one Conv3DTranspose or Conv3D.
            """
        case .unknownLayerName(let name, let names):
            "Received an input shape for \"\(name)\"; expected the name of an input or of a layer, such as \(Self.some(names.map { "\"\($0)\"" }))."
        case .namelessInputShape(let model, let inputs, let received, let names):
            """
            Received input shape \(Self.text(received)) for the model "\(model)", which has \(inputs) inputs; \
            expected it with a name, that of an input (\(Self.some(names.map { "\"\($0)\"" }))) or of a layer.
            """
        case .inconsistentShape(let received, let expected):
            "Received input shape \(Self.text(received)); expected \(Self.text(expected)) from the layer before."
        case .layerInputs(let received, let expected):
            "Received \(received.count == 1 ? "an input" : "inputs") of shape \(Self.some(received.lazy.map(Self.text))); expected \(expected)."

        case .autoPad(let value):
            "Received auto_pad \"\(value)\"; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID."
        case .padsWithAutoPad(let value):
            "Received pads together with auto_pad \(value); expected only one of them."
        case .attributeCount(let attribute, let values, let expected):
            "Received \(attribute) \(values); expected \(expected) integers."
        case .attributeTooSmall(let attribute, let values, let minimum):
            "Received \(attribute) \(values); expected values of at least \(minimum)."
        case .onnxOutputPadding(let values, let strides, let dilations):
            """
            Received output_padding \(values) with strides \(strides) and dilations \(dilations); \
            expected 0 or more and less than the larger of the two on each axis.
            """
        case .channels(let channels, let inputShape):
            "Received channels \(channels) with input shape \(Self.text(inputShape)); expected equal numbers."

        case .notRepresentable(let what, let dialect):
            "\(dialect) cannot express \(what)."
        case .spec(let error): "\(error)"
        case .inLayer(let name, let error): "Layer \"\(name)\": \(error)"
        }
        return sentence.text
    }

    /// The error as that of a layer; one that names a layer already, which is then inside this one, stays as it is.
    func placed(inLayer name: String) -> KerasConfigError {
        if case .inLayer = self { return self }
        return .inLayer(name, self)
    }

    private static func text(_ shape: [Int?]) -> String { JSONValue(shape: shape).text }

    /// The beginning of a list.
    private static func some(_ texts: some Collection<String>) -> String {
        let most = 12
        return texts.prefix(most).joined(separator: ", ") + (texts.count > most ? " and \(texts.count - most) more" : "")
    }
}

/// Runs LayerSpec code, its errors becoming `KerasConfigError.spec`.
func wrappingSpecError<T>(_ body: () throws(SpecError) -> T) throws(KerasConfigError) -> T {
    do { return try body() } catch { throw .spec(error) }
}
