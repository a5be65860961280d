import Foundation
import VoxKerasConfig
import VoxLayerSpec
import _TestSupport

/// The bytes of a fixture.
func fixture(_ name: String) throws -> Data {
    try Fixture.data(Fixture.config(name))
}

/// A layer object around a config.
func layerJSON(_ config: String, className: String = "Conv3DTranspose", rest: String = "") -> [UInt8] {
    Array("{\"class_name\": \"\(className)\", \"config\": \(config)\(rest)}".utf8)
}

/// The error a layer set is refused with, without the names of layers around it.
func refusal(_ json: some Sequence<UInt8>) -> KerasConfigError? {
    do {
        _ = try LayerSet(json: json)
        return nil
    } catch {
        var result = error
        while case .inLayer(_, let inner) = result { result = inner }
        return result
    }
}
