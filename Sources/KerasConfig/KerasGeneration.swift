/// The line of Keras that wrote a description. It decides what `hard_sigmoid` means.
public enum KerasGeneration: Hashable, Sendable {
    /// Keras 1 and 2, tf.keras of TensorFlow 1, tf-keras: `hard_sigmoid` is clip(0.2 x + 0.5, 0, 1).
    case keras2
    /// Keras 3: `hard_sigmoid` is relu6(x + 3) / 6.
    case keras3

    /// From a version such as "2.1.3-tf" or "3.15.1"; a text without leading number counts as Keras 3.
    public init(kerasVersion: String) {
        let major = Int(kerasVersion.prefix { $0 != "." }) ?? 3
        self = major < 3 ? .keras2 : .keras3
    }

    /// Detects the generation of a serialised layer or model.
    ///
    /// 1. A `keras_version` at the top decides.
    /// 2. Otherwise, anything only Keras 3 writes decides for it: a `DTypePolicy`, `dilation_rate` in a layer's config,
    ///    `batch_shape` of an input layer.
    /// 3. Otherwise, anything only earlier lines write decides for them: `groups` or `batch_input_shape` in a config, a Sequential
    ///    whose config is a list, a `module` of tf_keras or tensorflow, an initializer object without `module`.
    /// 4. Otherwise Keras 3: a bare `{"class_name", "config"}` means what the current Keras would make of it.
    public init(detectedIn document: JSONValue) {
        if let version = document.object?["keras_version"]?.string {
            self.init(kerasVersion: version)
            return
        }
        var (isModern, isLegacy) = (false, false)
        func scan(_ value: JSONValue) {
            switch value {
            case .array(let values): for value in values { scan(value) }
            case .object(let object):
                let className = object["class_name"]?.string
                let module = object["module"]?.string ?? ""
                if className == "DTypePolicy" || object["dilation_rate"] != nil || object["batch_shape"] != nil {
                    isModern = true
                }
                if object["batch_input_shape"] != nil || (object["groups"] != nil && object["filters"] != nil)
                    || (className == "Sequential" && object["config"]?.array != nil)
                    || module.hasPrefix("tf_keras") || module.hasPrefix("tensorflow")
                {
                    isLegacy = true
                }
                if let initializer = object["kernel_initializer"]?.object, initializer["module"] == nil { isLegacy = true }
                for key in object.keys { scan(object[key] ?? .null) }
            default: break
            }
        }
        scan(document)
        self = isLegacy && !isModern ? .keras2 : .keras3
    }
}
