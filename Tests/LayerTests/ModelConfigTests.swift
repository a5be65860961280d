import Foundation
import Testing
import VoxKerasConfig
import Voxelsmith
import _TestSupport

/// Configs and JSON of whole models, against those Keras wrote.
struct ModelConfigTests {
    private func text(_ name: String) throws -> String { try String(contentsOfFile: Fixture.config(name), encoding: .utf8) }

    /// Without the addresses Keras 3 writes as shared object ids.
    private func plain(_ json: JSONValue) -> JSONValue {
        switch json {
        case .array(let values): return .array(values.map(plain))
        case .object(let object):
            var result: JSONObject = [:]
            for key in object.keys where key != "shared_object_id" { result[key] = object[key].map(plain) }
            return .object(result)
        default: return json
        }
    }

    @Test func jsonIsKeras3s() throws {
        for (name, kind) in [("keras3_model.json", "Sequential"), ("keras3_functional.json", "Model")] {
            let keras = try text(name)
            let model = try modelFromJSON(keras, kernels: KernelRegistry())
            #expect("\(type(of: model))" == kind)
            let written = try JSONValue(parsing: model.toJSON().utf8)
            #expect(try written == plain(JSONValue(parsing: keras.utf8)), "\(name)")
            let again = try modelFromJSON(model.toJSON(), kernels: KernelRegistry())
            #expect(try again.toJSON() == model.toJSON(), "\(name)")
        }
    }

    @Test func modelsOfEveryGenerationAreConnected() throws {
        for name in [
            "keras3_model.json", "keras3_functional.json", "tfkeras2_model.json", "tfkeras2_functional.json", "keras224_model.json",
            "tf16_model.json",
        ] {
            let model = try modelFromJSON(text(name), kernels: KernelRegistry())
            #expect(model.inputs.map { Array($0.shape.dropFirst()) } == [[3, 2, 4, 2]], "\(name)")
            let x = try Tensor(zeros: [2, 3, 2, 4, 2])
            let y = try model(x)
            #expect(model.outputs.map { Array($0.shape.dropFirst()) } == [y.shape.dropFirst().map { Int?.some($0) }], "\(name)")
            #expect(model.weights.allSatisfy { !$0.shape.isEmpty } && model.isBuilt, "\(name)")
        }
    }

    @Test func sharedLayersAndListsSurvive() throws {
        let model = try withGraph {
            let a = try Input(shape: [2, 2, 2, 1], name: "a"), b = try Input(shape: [2, 2, 2, 1], name: "b")
            let shared = try Conv3DTranspose(filters: 1, kernelSize: 2, kernelInitializer: Ones(), name: "shared", kernels: KernelRegistry())
            let ya = try shared(a)
            return try Model(inputs: [a, b], outputs: [shared(ya), shared(b)], name: "net")
        }
        let inner = try Sequential([Conv3DTranspose(filters: 2, kernelSize: 1, kernelInitializer: Ones(), name: "in")], name: "inner")
        let nested = try withGraph(inner.graph) {
            let x = try Input(shape: [2, 2, 2, 1], name: "x")
            return try Model(inputs: [x], outputs: [inner(x)], name: "outer")
        }
        nested.trainable = false
        for original in [model, nested] {
            let read = try Model(config: original.getConfig(), kernels: KernelRegistry())
            #expect(try read.getConfig() == original.getConfig(), "\(original.name)")
            let x = try Tensor(shape: [1, 2, 2, 2, 1], (0..<8).map { Float($0) })
            let inputs = original.inputs.map { _ in x }
            #expect(try read(inputs).map(\.floats) == original(inputs).map(\.floats), "\(original.name)")
            #expect(read.trainable == original.trainable)
        }
        let unbuilt = try Sequential([Conv3DTranspose(filters: 2, kernelSize: 1, name: "in")], name: "unbuilt")
        let again = try Sequential(config: unbuilt.getConfig())
        #expect(try !again.isBuilt && again.getConfig() == unbuilt.getConfig())
    }

    @Test func whatIsNoModelIsRefused() throws {
        for (json, what) in [
            ("[]", "a list"), (#"{"class_name":"Dense","config":{}}"#, "another class"), (#"{"config":{}}"#, "no class"),
            (#"{"class_name":"Sequential","config":{"name":"m"}}"#, "no layers"),
            (#"{"class_name":"Conv3DTranspose","config":{"filters":1,"kernel_size":1}}"#, "a layer"),
            (#"{"class_name":"Functional","config":{"layers":[],"input_layers":[["x",0,0]],"output_layers":[["x",0,0]]}}"#, "no such input"),
        ] {
            #expect("\(what)", performing: { _ = try modelFromJSON(json) }, throws: { $0 is KerasConfigError })
        }
    }
}
