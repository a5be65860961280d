import Foundation
import Testing
import Voxelsmith
import _TestSupport

/// What a keras.json may say.
struct KerasSettingsTests {
    private func settings(_ text: String) throws -> KerasSettings { try KerasSettings(json: Array(text.utf8)) }

    @Test func files() throws {
        var other = KerasSettings()
        other.floatx = .float64
        other.epsilon = 1e-5
        other.backend = "jax"
        other.imageDataFormat = .channelsFirst
        #expect(
            try settings(#"{"floatx": "float64", "epsilon": 1e-05, "backend": "jax", "image_data_format": "channels_first"}"#) == other)
        let defaults = KerasSettings()
        #expect(defaults.floatx == .float32 && defaults.epsilon == 1e-7 && defaults.imageDataFormat == .channelsLast)
        for text in ["", "{", "nonsense", "{}", #"{"image_dim_ordering": "th", "new": 1}"#] {
            #expect(try settings(text) == defaults, "\(text)")
        }
        #expect(try settings(#"{"epsilon": 1.0}"#).epsilon == 1)
        #expect(try settings(#"{"floatx": "float16"}"#).floatx == .float16)
    }

    @Test func refusals() {
        let table: [(String, KerasSettingsError, KerasErrorKind)] = [
            ("[]", .notAnObject("[]"), .attributeError), ("null", .notAnObject("null"), .attributeError),
            (#"{"floatx": "bfloat16"}"#, .floatx("\"bfloat16\""), .valueError), (#"{"floatx": 32}"#, .floatx("32"), .valueError),
            (#"{"epsilon": 1}"#, .epsilon("1"), .valueError), (#"{"epsilon": "1e-7"}"#, .epsilon("\"1e-7\""), .valueError),
            (#"{"image_data_format": "Channels_Last"}"#, .imageDataFormat("\"Channels_Last\""), .valueError),
            (#"{"backend": 1}"#, .backend("1"), .valueError),
        ]
        for (text, expected, kind) in table {
            #expect(throws: expected, "\(text)") { try settings(text) }
            #expect(expected.kerasKind == kind && expected.description.hasPrefix("Received ") && expected.description.hasSuffix("."))
        }
    }

    @Test func places() throws {
        let folder = try TemporaryFolder()
        #expect(KerasSettings.path(environment: ["KERAS_HOME": "/some/where", "HOME": "/root"]) == "/some/where/keras.json")
        let home = folder.path("home")
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        #expect(KerasSettings.path(environment: ["HOME": home]) == "\(home)/.keras/keras.json")
        #expect(KerasSettings.path(environment: ["HOME": folder.path("missing")]) == "/tmp" + "/.keras/keras.json")
        #expect(KerasSettings.path(environment: [:]) == "/tmp" + "/.keras/keras.json")

        #expect(try KerasSettings(path: folder.path("none.json")) == KerasSettings())
        #expect(!FileManager.default.fileExists(atPath: folder.path("none.json")), "read, never written")
        let file = try folder.write(Array(#"{"epsilon": 0.5}"#.utf8), as: "keras.json")
        #expect(try KerasSettings(path: file).epsilon == 0.5)
    }
}
