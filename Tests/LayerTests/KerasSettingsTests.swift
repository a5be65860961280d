import Foundation
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
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
        let read = try settings(#"{"floatx": "float64", "epsilon": 1e-05, "backend": "jax", "image_data_format": "channels_first"}"#)
        #expect(read.floatx == other.floatx && read.epsilon == other.epsilon && read.backend == other.backend)
        #expect(read.imageDataFormat == other.imageDataFormat && read.imageDataFormatOrigin == .file(path: nil))
        let defaults = KerasSettings()
        #expect(defaults.floatx == .float32 && defaults.epsilon == 1e-7 && defaults.imageDataFormat == .channelsLast)
        for text in ["", "{", "nonsense", "{}", #"{"image_dim_ordering": "th", "new": 1}"#] {
            #expect(try settings(text) == defaults, "\(text)")
        }
        #expect(other.imageDataFormatOrigin == .application && defaults.imageDataFormatOrigin == .keras)
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
        #expect(try KerasSettings(path: file).imageDataFormatOrigin == .keras)
        let layout = try folder.write(Array(#"{"image_data_format": "channels_last"}"#.utf8), as: "layout.json")
        #expect(try KerasSettings(path: layout).imageDataFormatOrigin.description == "by the default in \(layout)")
    }

    /// The reason for a kernel ends with where the layout came from.
    @Test func aLayerSaysWhereItsLayoutCameFrom() throws {
        let kernels = KernelRegistry()
        func reason(_ layer: Conv3D) throws -> String { try layer.kernelInUse(inputShape: [1, 2, 2, 2, 2]) }
        #expect(try reason(Conv3D(filters: 1, kernelSize: 1, dataFormat: .channelsFirst, kernels: kernels)).hasSuffix("; channels_first by its argument"))
        let config: JSONObject = ["filters": 1, "kernel_size": [1, 1, 1], "data_format": "channels_first"]
        #expect(try reason(Conv3DTranspose(config: config, kernels: kernels)).hasSuffix("; channels_first by its config"))
        let settings = try KerasSettings.current
        let rest: JSONObject = ["filters": 1, "kernel_size": [1, 1, 1]]
        let expected = "; \(settings.imageDataFormat.rawValue) \(settings.imageDataFormatOrigin)"
        for layer in try [Conv3D(filters: 1, kernelSize: 1, kernels: kernels), Conv3DTranspose(filters: 1, kernelSize: 1, kernels: kernels),
            Conv3D(config: rest, kernels: kernels), Conv3DTranspose(config: rest, kernels: kernels)] {
            #expect(try reason(layer).hasSuffix(expected))
            try layer.prepare(inputShape: [1, 2, 2, 2, 2])
            #expect(try reason(layer).hasSuffix(expected))
        }
    }
}
