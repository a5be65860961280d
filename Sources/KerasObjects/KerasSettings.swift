#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import Synchronization
import VoxKerasConfig
import VoxLayerSpec

/// The user's `keras.json`: defaults of `dtype` and `data_format`, and the epsilon of constraints. It is read once, when the first
/// default is needed, and never written. An application whose layers are not to depend on who runs it says
/// `KerasSettings.use(KerasSettings())`.
public struct KerasSettings: Hashable, Sendable {
    /// Default `dtype`: float16, float32 or float64.
    public var floatx = DTypePolicy(.float32)
    /// Small number that constraints add to divisors.
    public var epsilon = 1e-7
    /// Kept for completeness; this library is its own backend.
    public var backend = "tensorflow"
    /// Default `data_format`.
    public var imageDataFormat = Layout.channelsLast {
        didSet { imageDataFormatOrigin = .application }
    }

    /// Where a default came from.
    public enum Origin: Hashable, Sendable, CustomStringConvertible {
        /// Keras's own.
        case keras
        /// A keras.json says so; its path, where it was read from one.
        case file(path: String?)
        /// The program said so.
        case application

        public var description: String {
            switch self {
            case .keras: "by Keras's default"
            case .file(let path): ("by the default in \(path ?? "keras.json")" as Sentence).text
            case .application: "by the application's default"
            }
        }
    }

    /// Where `imageDataFormat` came from.
    public private(set) var imageDataFormatOrigin = Origin.keras

    /// What Keras uses without a file.
    public init() {}

    /// Reads the text of a keras.json. What is no JSON at all is ignored, as are unknown keys; missing keys keep their defaults.
    /// - Throws: `KerasSettingsError` for values Keras 3 refuses.
    public init(json bytes: some Sequence<UInt8>) throws(KerasSettingsError) {
        self.init()
        let bytes = Array(bytes)
        let document: JSONValue
        do { document = try JSONValue(parsing: bytes) } catch { return }
        guard let object = document.object else { throw .notAnObject(document.text) }
        if let value = object["floatx"] {
            guard let name = value.string, ["float16", "float32", "float64"].contains(name), let type = DTypePolicy(rawValue: name) else {
                throw .floatx(value.text)
            }
            floatx = type
        }
        if let value = object["epsilon"] {
            // Keras refuses 1 and takes 1.0.
            guard case .number(let number) = value, number.isFinite else { throw .epsilon(value.text) }
            epsilon = number
        }
        if let value = object["backend"] {
            guard let name = value.string else { throw .backend(value.text) }
            backend = name
        }
        if let value = object["image_data_format"] {
            guard let name = value.string, let layout = Layout(rawValue: name) else { throw .imageDataFormat(value.text) }
            imageDataFormat = layout
            imageDataFormatOrigin = .file(path: nil)
        }
    }

    /// Where Keras looks: `$KERAS_HOME/keras.json`, else `~/.keras/keras.json`, else, when the home cannot be written to,
    /// the same in `/tmp`.
    public static func path(environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let folder = environment["KERAS_HOME"] { return "\(folder)/keras.json" }
        var home = environment["HOME"] ?? ""
        if home.isEmpty || !FileManager.default.isWritableFile(atPath: home) { home = "/tmp" }
        return "\(home)/.keras/keras.json"
    }

    /// Reads a file; without one, the defaults.
    /// - Throws: `KerasSettingsError`.
    public init(path: String) throws(KerasSettingsError) {
        if let data = FileManager.default.contents(atPath: path) {
            try self.init(json: data)
            if imageDataFormatOrigin == .file(path: nil) { imageDataFormatOrigin = .file(path: path) }
        } else {
            self.init()
        }
    }

    private static let loaded = Result { () throws(KerasSettingsError) in try KerasSettings(path: path()) }
    private static let chosen = Mutex<KerasSettings?>(nil)

    /// The settings of this process: the application's, else the user's.
    /// - Throws: `KerasSettingsError` when the user's file has values Keras 3 refuses.
    public static var current: KerasSettings {
        get throws(KerasSettingsError) {
            if let chosen = chosen.withLock({ $0 }) { return chosen }
            return try loaded.get()
        }
    }

    /// Fixes the defaults of layers made from now on; no keras.json has a say any more.
    public static func use(_ settings: KerasSettings) {
        var settings = settings
        settings.imageDataFormatOrigin = .application
        chosen.withLock { $0 = settings }
    }
}

/// What Keras 3 refuses in a keras.json.
public enum KerasSettingsError: KerasError, Hashable {
    case notAnObject(String)
    case floatx(String)
    case epsilon(String)
    case backend(String)
    case imageDataFormat(String)

    public var kerasKind: KerasErrorKind {
        if case .notAnObject = self { return .attributeError }
        return .valueError
    }

    public var description: String {
        let sentence: Sentence = switch self {
        case .notAnObject(let text): "Received \(text) as keras.json; expected a JSON object."
        case .floatx(let text): "Received floatx \(text) in keras.json; expected \"float16\", \"float32\" or \"float64\"."
        case .epsilon(let text): "Received epsilon \(text) in keras.json; expected a finite number with a fraction or exponent."
        case .backend(let text): "Received backend \(text) in keras.json; expected a string."
        case .imageDataFormat(let text):
            "Received image_data_format \(text) in keras.json; expected \"channels_last\" or \"channels_first\"."
        }
        return sentence.text
    }
}
