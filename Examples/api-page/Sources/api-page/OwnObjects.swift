import Foundation
import Voxelsmith
import VoxelsmithModelIO

/// A layer of one's own in ten lines: what it adds is read from the config, and written to it.
final class Scaled: Conv3DTranspose, ConfigurableLayer {
    var factor = 1.0
    override func call(_ x: Tensor, threads: Int) throws -> Tensor {
        let y = try super.call(x, threads: threads)
        return try Tensor(shape: y.shape, y.floats.map { Float(factor) * $0 })
    }
    override init(config: JSONObject) throws {
        var rest = config
        factor = rest.removeValue(forKey: "factor")?.number ?? 1
        try super.init(config: rest)
    }
    override func getConfig() throws -> JSONObject {
        var config = try super.getConfig()
        config["factor"] = .number(factor)
        return config
    }
}

/// A penalty of one's own: the weighted number of elements above a limit.
struct Above: Regularizer {
    let limit: Double
    func getConfig() -> JSONObject { ["limit": .number(limit)] }
    func callAsFunction(_ x: Tensor) throws -> Double { Double(x.doubles.filter { $0 > limit }.count) }
}

/// An initializer of one's own: 0, 1, 2, ...
struct Ramp: Initializer {
    func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0) }).cast(to: elementType)
    }
}

private func made() throws -> Scaled {
    try Scaled(config: [
        "name": "own", "filters": 1, "kernel_size": [1, 1, 2], "factor": 3.0, "kernel_initializer": Ramp().serialized(),
        "kernel_regularizer": Above(limit: 0.5).serialized(),
    ])
}

let ownObjects: [Check] = [
    Check("registering") {
        CustomObjects.shared.register(layer: Scaled.self)
        CustomObjects.shared.register(regularizer: "Above") { Above(limit: $0["limit"]?.number ?? 0) }
        CustomObjects.shared.register(initializer: "Ramp") { _ in Ramp() }
        let layer = try made()
        return layer.factor == 3 && layer.kernelInitializer is Ramp && (layer.kernelRegularizer as? Above)?.limit == 0.5
    },
    Check("a copy of the subclass") {
        let layer = try made()
        let x = try Ones()([1, 1, 1, 1, 1], .float32)
        let copy: Scaled = try layer.copy()
        // A row of taps 0 and 1, times the factor.
        return try layer(x).floats == [0, 3] && copy(x).floats == [0, 3] && copy.factor == 3 && copy.losses.map(\.value) == [1]
    },
    Check("through a file") {
        let model = try Sequential([made()], name: "model")
        let x = try Ones()([1, 1, 1, 1, 1], .float32)
        _ = try model(x)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("api-page-\(ProcessInfo.processInfo.processIdentifier).json")
        defer { try? FileManager.default.removeItem(at: path) }
        try Data(model.toJSON().utf8).write(to: path)
        let read = try modelFromJSON(String(contentsOf: path, encoding: .utf8))
        guard let layer = read.layers[0] as? Scaled else { return false }
        return try read(x).floats == [0, 3] && layer.factor == 3 && layer.kernelInitializer is Ramp && read.losses.map(\.value) == [1]
    },
    Check("a prepared layer in another task") {
        let layer = try Conv3DTranspose(filters: 1, kernelSize: 1, kernelInitializer: "ones")
        let prepared = try Sequential([layer]).preparedModel(inputShape: [1, 1, 1, 1, 1])
        func anywhere<Value: Sendable>(_ value: Value) -> Value { value }
        return try anywhere(prepared)(Ones()([2, 1, 1, 1, 1], .float32)).floats == [1, 1]
    },
]
