import VoxKerasConfig
import Voxelsmith

/// What a saved file says of a model besides its weights.
struct SavedDocument {
    /// The serialised model.
    let model: JSONObject
    /// The Keras whose form that is.
    let kerasVersion: String
    let generation: KerasGeneration

    /// The versions whose forms are written, for models that state none.
    private static let keras3Version = "3.15.1"
    private static let keras2Version = "2.15.0"

    /// - Throws: what `getConfig()` of the layers throws.
    init(of model: Model, _ config: SavedConfig) throws {
        guard config == .asRead, let (document, version, generation) = model.presentSource, let object = document.object else {
            var object = try model.serialized()
            object["compile_config"] = [:]
            (self.model, self.kerasVersion, self.generation) = (object, Self.keras3Version, .keras3)
            return
        }
        // The bare config of a model has no class around it.
        let isBare = object["class_name"] == nil && object["config"] == nil
        self.model = isBare ? ["class_name": .string(model.className), "config": .object(object)] : object
        kerasVersion = version ?? (generation == .keras3 ? Self.keras3Version : Self.keras2Version)
        self.generation = generation
    }

    /// The `config.json` of a `.keras`. There the outermost object says where its class is found, which whole-model `.h5` files leave out; and in
    /// which shape it was built.
    func archiveConfig(of built: Model) -> [UInt8] {
        var object = model
        if object["module"]?.string == nil {
            let place = built.kerasPlace
            // tf-keras has no public name for the class.
            let isOld = generation == .keras2 && !(built is Sequential)
            object["module"] = isOld ? "tf_keras.src.engine.functional" : place.module
            object["registered_name"] = place.registeredName
        }
        // A chain without an input layer is built by this, before it is given weights.
        if built is Sequential, object["build_config"]?.object?["input_shape"]?.array == nil, let shape = built.inputs.first?.shape {
            object["build_config"] = ["input_shape": JSONValue(shape: shape)]
        }
        return Array((object.keys.count == model.keys.count ? object : Self.sorted(object)).toJSON().utf8)
    }

    /// With its members in the order in which a file that is read has them, so that reading and writing again changes nothing.
    private static func sorted(_ object: JSONObject) -> JSONObject {
        var sorted = JSONObject()
        for key in object.keys.sorted() { sorted[key] = object[key] }
        return sorted
    }

    /// The `metadata.json` of a `.keras`. All have one date, that of the members of the archive.
    var metadata: [UInt8] {
        let object: JSONObject = ["keras_version": .string(kerasVersion), "date_saved": "1980-01-01@00:00:00"]
        return Array(object.toJSON().utf8)
    }
}
