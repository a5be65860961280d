import Testing
import VoxKerasConfig
import VoxLayerSpec

@Suite struct KerasConfigErrorTests {
    @Test func sentences() {
        let table: [(KerasConfigError, String)] = [
            (.malformedJSON("Unexpected end of file"), "The text is not JSON: Unexpected end of file."),
            (
                .wrongType(key: "filters", received: "\"4\"", expected: "an integer"),
                "Received filters \"4\"; expected an integer."
            ),
            (.missingKey("filters", className: "Conv3DTranspose"), "The Conv3DTranspose has no \"filters\"; expected one."),
            (
                .unknownKeys(["stride"], className: "Conv3DTranspose"),
                "Received unknown Conv3DTranspose argument \"stride\"; expected only documented ones."
            ),
            (
                .unknownKeys(["a", "b"], className: "ConvTranspose"),
                "Received unknown ConvTranspose arguments \"a\", \"b\"; expected only documented ones."
            ),
            (.unknownDocument(received: "3"), "Received 3; expected a serialised layer, a list of layers, a suite, or a model."),
            (.noLayers, "The file holds no layers; expected at least one."),
            (.duplicateName("up"), "The layer name \"up\" occurs twice; expected unique names."),
            (.filters(0), "Received filters 0; expected a strictly positive integer."),
            (
                .threeIntegers(argument: "kernel_size", received: "[3, 3]"),
                "Received kernel_size [3, 3]; expected 3 integers, or one for all three axes."
            ),
            (.notPositive(argument: "strides", [1, 0, 1]), "Received strides [1, 0, 1]; expected values of at least 1."),
            (.padding("full"), "Received padding \"full\"; expected \"valid\" or \"same\"."),
            (
                .dataFormat("NDHWC"), "Received data_format \"NDHWC\"; expected \"channels_last\" or \"channels_first\"."
            ),
            (
                .outputPadding([1, 1, 1], strides: [1, 2, 2]),
                "Received output_padding [1, 1, 1] with strides [1, 2, 2]; expected 0 or more and less than the stride on each axis."
            ),
            (
                .stridesWithDilation(strides: [2, 1, 1], dilationRate: [1, 2, 1]),
                "Received strides [2, 1, 1] with dilation_rate [1, 2, 1]; expected at most one of them to exceed 1, as Keras does."
            ),
            (
                .groups(2),
                "Received groups 2; expected 1, because Keras has no grouped transposed convolution (use class ConvTranspose)."
            ),
            (
                .activationArguments("threshold", ["threshold", "default_value"]),
                "Received activation \"threshold\" by name; expected its arguments threshold and default_value too, which have no defaults."
            ),
            (
                .activation("\"foo\""),
                "Received activation \"foo\"; expected one of linear, relu, elu, celu, selu, softplus, softsign, tanh, sigmoid, log_sigmoid, hard_sigmoid, hard_silu, hard_tanh, hard_shrink, soft_shrink, tanh_shrink, exponential, leaky_relu, gelu, silu, mish, sparse_plus, squareplus, softmax, log_softmax, sparsemax, swish, hard_swish, relu6, sparse_sigmoid, glu."
            ),
            (.elementType("\"int8\""), "Received dtype \"int8\"; expected float32, float64, float16, bfloat16, mixed_float16, mixed_bfloat16."),
            (.layerName("a/b"), "Received layer name \"a/b\"; expected one without \"/\"."),
            (
                .inputShape("[1, 2]"),
                "Received input shape [1, 2]; expected 5 extents: positive integers, or null where unknown (never for the channels)."
            ),
            (
                .unsupportedClass("Dense"),
                "Received a layer of class \"Dense\"; expected Conv3DTranspose, Conv3D, InputLayer, ConvTranspose, a model, or a registered class."
            ),
            (
                .brokenGraph(model: "m", reason: "has none of its output_layers"),
                "The model \"m\" has none of its output_layers; expected layers that are connected by calls from its inputs to its outputs."
            ),
            (
                .missingLayers(
                    model: "m", [
                        OtherLayer(path: "a/bn", className: "BatchNormalization"), OtherLayer(path: "d", className: "Dropout", isCalledInTraining: true),
                    ]),
                "The model \"m\" has layers that cannot be computed here: \"a/bn\" (BatchNormalization), \"d\" (Dropout, called with training=True); expected those that Documentation/keras-compatibility.md lists, models of these, and registered classes."
            ),
            (
                .noKnownLayers(model: "m", [OtherLayer(path: "d", className: "Dense")]),
                "The model \"m\" has no convolution to make kernels for, but \"d\" (Dense); expected at least one Conv3DTranspose or Conv3D."
            ),
            (
                .unknownLayerName("z", names: ["up", "last"]),
                "Received an input shape for \"z\"; expected the name of an input or of a layer, such as \"up\", \"last\"."
            ),
            (
                .namelessInputShape(model: "m", inputs: 2, received: [1, 2, 3, 4, 5], names: ["up"]),
                "Received input shape [1, 2, 3, 4, 5] for the model \"m\", which has 2 inputs; expected it with a name, that of an input (\"up\") or of a layer."
            ),
            (
                .inconsistentShape(received: [nil, 1, 2, 3, 4], expected: [2, 1, 2, 3, 5]),
                "Received input shape [null, 1, 2, 3, 4]; expected [2, 1, 2, 3, 5] from the layer before."
            ),
            (
                .layerInputs([[nil, 4], [2, 5]], expected: "equal extents of all axes but 0"),
                "Received inputs of shape [null, 4], [2, 5]; expected equal extents of all axes but 0."
            ),
            (.layerInputs([[nil, 4]], expected: "5 axes"), "Received an input of shape [null, 4]; expected 5 axes."),
            (.autoPad("SAME"), "Received auto_pad \"SAME\"; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID."),
            (.padsWithAutoPad("VALID"), "Received pads together with auto_pad VALID; expected only one of them."),
            (
                .attributeCount(attribute: "pads", [0, 0], expected: 6), "Received pads [0, 0]; expected 6 integers."
            ),
            (
                .attributeTooSmall(attribute: "strides", [0, 1, 1], minimum: 1),
                "Received strides [0, 1, 1]; expected values of at least 1."
            ),
            (
                .onnxOutputPadding([2, 0, 0], strides: [2, 1, 1], dilations: [1, 1, 1]),
                "Received output_padding [2, 0, 0] with strides [2, 1, 1] and dilations [1, 1, 1]; expected 0 or more and less than the larger of the two on each axis."
            ),
            (
                .channels(4, inputShape: [nil, 5, nil, nil, nil]),
                "Received channels 4 with input shape [null, 5, null, null, null]; expected equal numbers."
            ),
            (
                .notRepresentable(what: "gelu in its tanh form", dialect: "Keras 3"),
                "Keras 3 cannot express gelu in its tanh form."
            ),
            (.spec(.wrongChannels(received: 3, expected: 4)), "Received an input with 3 channels; expected 4."),
            (.inLayer("up", .filters(0)), "Layer \"up\": Received filters 0; expected a strictly positive integer."),
        ]
        for (error, sentence) in table { #expect(error.description == sentence) }
    }
}
