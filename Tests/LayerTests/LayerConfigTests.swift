import Foundation
import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Configs as each Keras generation wrote them, and ours against Keras 3's.
struct LayerConfigTests {
    private func parse(_ text: String) throws -> JSONObject { try #require(try JSONValue(parsing: Array(text.utf8)).object) }

    /// Our config as data: what a reader of its text would find.
    private func config(of layer: Conv3DTranspose) throws -> JSONObject { try parse(JSONValue.object(layer.getConfig()).text) }

    /// Written by Keras 3.15.1.
    private let keras3 = #"""
        {"name":"up","trainable":true,"dtype":{"module":"keras","class_name":"DTypePolicy","config":{"name":"float32"},"registered_name":null},"activity_regularizer":{"module":"keras.regularizers","class_name":"L1","config":{"l1":0.009999999776482582},"registered_name":null},"filters":2,"kernel_size":[1,2,3],"strides":[2,2,2],"padding":"same","output_padding":[1,1,1],"data_format":"channels_last","dilation_rate":[1,1,1],"activation":"relu","use_bias":true,"kernel_initializer":{"module":"keras.initializers","class_name":"HeNormal","config":{"seed":null,"input_axes":null,"output_axes":null},"registered_name":null},"bias_initializer":{"module":"keras.initializers","class_name":"Constant","config":{"value":0.5},"registered_name":null},"kernel_regularizer":{"module":"keras.regularizers","class_name":"L1L2","config":{"l1":0.1,"l2":0.2},"registered_name":null},"bias_regularizer":null,"kernel_constraint":{"module":"keras.constraints","class_name":"MaxNorm","config":{"max_value":3,"axis":[0,1,2,4]},"registered_name":null},"bias_constraint":{"module":"keras.constraints","class_name":"NonNeg","config":{},"registered_name":null}}
        """#
    /// Written by tf-keras 2.21.
    private let keras2 = #"""
        {"name":"up","trainable":true,"dtype":"float32","filters":2,"kernel_size":[1,2,3],"strides":[2,2,2],"padding":"same","data_format":"channels_last","groups":1,"activation":"relu","use_bias":true,"kernel_initializer":{"module":"keras.initializers","class_name":"HeNormal","config":{"seed":null},"registered_name":null},"bias_initializer":{"module":"keras.initializers","class_name":"Constant","config":{"value":0.5},"registered_name":null},"kernel_regularizer":{"module":"keras.regularizers","class_name":"L1L2","config":{"l1":0.10000000149011612,"l2":0.20000000298023224},"registered_name":null},"bias_regularizer":null,"activity_regularizer":{"module":"keras.regularizers","class_name":"L1","config":{"l1":0.009999999776482582},"registered_name":null},"kernel_constraint":{"module":"keras.constraints","class_name":"MaxNorm","config":{"max_value":3,"axis":[0,1,2,4]},"registered_name":null},"bias_constraint":{"module":"keras.constraints","class_name":"NonNeg","config":{},"registered_name":null},"output_padding":[1,1,1]}
        """#
    /// Written by Keras 2.2.4.
    private let keras224 = #"""
        {"name":"conv3d_transpose_4","trainable":true,"filters":2,"kernel_size":[3,3,3],"strides":[1,1,1],"padding":"valid","data_format":"channels_last","activation":"linear","use_bias":true,"kernel_initializer":{"class_name":"VarianceScaling","config":{"scale":1.0,"mode":"fan_avg","distribution":"uniform","seed":null}},"bias_initializer":{"class_name":"Zeros","config":{}},"kernel_regularizer":null,"bias_regularizer":null,"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null,"output_padding":null}
        """#
    /// Written by TensorFlow 1.4.1.
    private let tensorFlow14 = #"""
        {"name":"conv3d_transpose_1","trainable":true,"dtype":"float32","filters":2,"kernel_size":[3,3,3],"strides":[1,1,1],"padding":"valid","data_format":"channels_last","activation":"linear","use_bias":true,"kernel_initializer":{"class_name":"VarianceScaling","config":{"scale":1.0,"mode":"fan_avg","distribution":"uniform","seed":null,"dtype":"float32"}},"bias_initializer":{"class_name":"Zeros","config":{"dtype":"float32"}},"kernel_regularizer":null,"bias_regularizer":null,"activity_regularizer":null,"kernel_constraint":null,"bias_constraint":null}
        """#

    @Test func configIsKeras3s() throws {
        let theirs = try parse(keras3)
        let made = try Conv3DTranspose(
            filters: 2, kernelSize: [1, 2, 3], strides: 2, padding: .same, dataFormat: .channelsLast, outputPadding: 1,
            activation: .relu, kernelInitializer: HeNormal(), biasInitializer: Constant(0.5), kernelRegularizer: L1L2(l1: 0.1, l2: 0.2),
            activityRegularizer: L1(), kernelConstraint: MaxNorm(3, axis: [0, 1, 2, 4]), biasConstraint: NonNeg(), name: "up",
            dtype: .float32)
        for layer in [made, try Conv3DTranspose(config: theirs)] {
            let ours = try config(of: layer)
            #expect(Set(ours.keys) == Set(theirs.keys))
            for key in theirs.keys { #expect(ours[key] == theirs[key], "\(key)") }
        }
    }

    /// Every layer of the models Keras 3.15.1 saved, key for key.
    @Test func modelsOfKeras3() throws {
        var count = 0
        for file in ["keras3_model.json", "keras3_functional.json", "keras3_get_config.json"] {
            let document = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: Fixture.config(file))))
            let root = document.object ?? [:]
            let layers = try #require((root["config"]?.object ?? root)["layers"]?.array)
            for layer in layers where layer.object?["class_name"] == "Conv3DTranspose" {
                let theirs = try #require(layer.object?["config"]?.object)
                let ours = try config(of: Conv3DTranspose(config: theirs))
                #expect(ours == withoutSharedIDs(theirs), "\(file) \(theirs["name"]?.text ?? "")")
                count += 1
            }
        }
        #expect(count >= 8)
    }

    /// Layers with every initializer, regularizer, constraint, activation and type, as Keras 3.15.1 wrote them.
    @Test func everyObjectIsWrittenAsKeras3() throws {
        let document = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: Fixture.layer("keras3_layers.json"))))
        let layers = try #require(document.array)
        #expect(layers.count == 83)
        for layer in layers {
            let theirs = try #require(layer.object?["config"]?.object)
            let ours = try config(of: Conv3DTranspose(config: theirs))
            #expect(Set(ours.keys).subtracting(["activity_regularizer"]) == Set(theirs.keys).subtracting(["activity_regularizer"]))
            for key in theirs.keys { #expect(ours[key] == theirs[key], "\(theirs["name"]?.text ?? ""): \(key)") }
        }
    }

    /// Keras numbers repeated dtype objects by their address.
    private func withoutSharedIDs(_ config: JSONObject) -> JSONObject {
        var (config, dtype) = (config, config["dtype"]?.object)
        dtype?["shared_object_id"] = nil
        config["dtype"] = dtype.map { .object($0) }
        return config
    }

    @Test func configsOfEarlierGenerations() throws {
        let two = try Conv3DTranspose(config: parse(keras2))
        #expect(two.kernelInitializer is HeNormal && (two.kernelRegularizer as? L1L2)?.l2 == 0.20000000298023224)
        #expect(two.outputPadding == [1, 1, 1] && two.padding == .same(outputPadding: [1, 1, 1]) && two.activityRegularizer is L1)
        let old = try parse(keras224)
        let even = try Conv3DTranspose(config: old)
        #expect((even.kernelInitializer as? VarianceScaling)?.mode == .fanAverage && even.outputPadding == nil)
        for text in [keras2, keras224, tensorFlow14] {
            let theirs = try parse(text)
            let layer = try Conv3DTranspose(config: theirs)
            let ours = try config(of: layer)
            // What both generations have, and say the same way.
            for key in ["name", "trainable", "filters", "kernel_size", "strides", "padding", "data_format", "activation", "use_bias"] {
                #expect(ours[key] == theirs[key], "\(key)")
            }
            let again = try config(of: Conv3DTranspose(config: ours))
            #expect(again == ours)
        }
        // hard_sigmoid of Keras 2, and an input shape, which no Keras 3 config holds.
        var hard = try parse(tensorFlow14)
        hard["activation"] = "hard_sigmoid"
        hard["batch_input_shape"] = [nil, 1, 2, 3, 4]
        let layer = try Conv3DTranspose(config: hard)
        #expect(layer.activation == .hardSigmoid(slope: 0.2) && layer.batchInputShape == [nil, 1, 2, 3, 4])
        #expect(try Conv3DTranspose(config: config(of: layer)).activation == .hardSigmoid(slope: 0.2))
    }

    /// Keras's test_output_padding_serialization.
    @Test func outputPaddingIsInTheConfig() throws {
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 3, strides: 2, outputPadding: 1)
        let config = try config(of: layer)
        #expect(config["output_padding"] == [1, 1, 1])
        let again = try Conv3DTranspose(config: config)
        #expect(try again.computeOutputShape([1, 4, 4, 4, 1]) == layer.computeOutputShape([1, 4, 4, 4, 1]))
    }
}
