import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import _TestSupport

@Suite struct ModelFileTests {
    /// The same three layers as every generation of Keras writes them.
    @Test func decoderOfEveryGeneration() throws {
        let files: [(String, names: [String], batch: Int?, KerasGeneration, version: String?, name: String)] = [
            ("keras3_model.json", ["up1", "up2", "up3"], nil, .keras3, nil, "decoder"),
            ("keras3_config.json", ["up1", "up2", "up3"], nil, .keras3, nil, "decoder"),
            ("keras3_get_config.json", ["up1", "up2", "up3"], nil, .keras3, nil, "decoder"),
            ("tfkeras2_model.json", ["up1", "up2", "up3"], nil, .keras2, "2.21.0", "decoder"),
            ("tfkeras2_get_config.json", ["up1", "up2", "up3"], nil, .keras2, nil, "decoder"),
            (
                "keras224_model.json", ["conv3d_transpose_1", "conv3d_transpose_2", "conv3d_transpose_3"], 2, .keras2, "2.2.4",
                "sequential_1"
            ),
            (
                "tf16_model.json", ["conv3d_transpose_1", "conv3d_transpose_2", "conv3d_transpose_3"], 2, .keras2, "2.1.3-tf",
                "sequential"
            ),
        ]
        for (file, names, batch, generation, version, name) in files {
            let set = try LayerSet(json: try fixture(file))
            let model = try #require(set.model, "\(file)")
            #expect(model.layers == set.layers)
            #expect(model.generation == generation, "\(file)")
            #expect(model.kerasVersion == version, "\(file)")
            #expect(model.name == name, "\(file)")
            var shape: [Int?] = [batch, 3, 2, 4, 2]
            #expect(set.layers.count == 3, "\(file)")
            for (index, layer) in set.layers.enumerated() {
                let expected = try LayerConfig(
                    name: names[index], filters: [3, 2, 1][index], kernelSize: [3, 3, 3], strides: [2, 2, 2],
                    padding: .same(outputPadding: nil), activation: [.relu, .relu, .sigmoid][index])
                #expect(layer.config == expected, "\(file)")
                #expect(layer.inputShape == shape, "\(file)")
                #expect(layer.kerasClass == "Conv3DTranspose")
                shape = try #require(try layer.outputShape())
            }
            #expect(shape == [batch, 24, 16, 32, 1], "\(file)")
            #expect(set.layers[1].completeInputShape(batch: 5) == [5, 6, 4, 8, 3])
        }
    }

    @Test func brainSuperResolution() throws {
        let set = try LayerSet(json: try fixture("brain_superresolution.json"))
        #expect(set.model?.name == "brain_superresolution")
        #expect(set.layers.map(\.config.name) == ["features", "refine", "upsample", "intensity"])
        #expect(set.layers.first?.inputShape == [nil, 80, 96, 80, 1])
        #expect(try set.layers.last?.outputShape() == [nil, 160, 192, 160, 1])
    }

    @Test func functionalChains() throws {
        for (file, generation) in [("keras3_functional.json", KerasGeneration.keras3), ("tfkeras2_functional.json", .keras2)] {
            let set = try LayerSet(json: try fixture(file))
            #expect(set.model?.name == "func" && set.model?.generation == generation, "\(file)")
            #expect(set.layers.map(\.config.name) == ["a", "b"], "\(file)")
            #expect(set.layers.map(\.config.useBias) == [true, false], "\(file)")
            #expect(set.layers.map(\.inputShape) == [[nil, 3, 2, 4, 2], [nil, 6, 4, 8, 3]], "\(file)")
        }
    }

    /// Layers may be listed out of order; branches are taken too.
    @Test func functionalGraphs() throws {
        func layer(_ name: String, from: [String]) -> JSONValue {
            [
                "class_name": "Conv3DTranspose", "name": .string(name),
                "config": ["name": .string(name), "filters": 2, "kernel_size": 3, "strides": [1, 2, 1], "padding": "same"],
                "inbound_nodes": .array(from.map { [[.string($0), 0, 0, [:]]] }),
            ]
        }
        func model(_ layers: [JSONValue], outputs: JSONValue = [["b", 0, 0]]) -> JSONValue {
            let input: JSONValue = [
                "class_name": "InputLayer", "name": "x", "inbound_nodes": [],
                "config": ["batch_shape": [nil, 4, 4, 4, 2], "name": "x"],
            ]
            return [
                "class_name": "Model",
                "config": [
                    "name": "m", "layers": .array(layers + [input]), "input_layers": [["x", 0, 0]], "output_layers": outputs,
                ],
            ]
        }
        let chain = try LayerSet(model([layer("b", from: ["a"]), layer("a", from: ["x"])]))
        #expect(chain.layers.map(\.config.name) == ["a", "b"])
        #expect(try chain.layers[1].outputShape() == [nil, 4, 16, 4, 2])

        let branches = try LayerSet(
            model([layer("a", from: ["x"]), layer("b", from: ["x"])], outputs: [["b", 0, 0], ["a", 0, 0]]))
        #expect(branches.layers.map(\.config.name) == ["a", "b"] && branches.model?.outputs.map(\.name) == ["b", "a"])
        #expect(branches.layers.map(\.inputShape) == [[nil, 4, 4, 4, 2], [nil, 4, 4, 4, 2]])
    }

    @Test func suiteLoadsWithItsFlopCounts() throws {
        struct Entry: Decodable {
            let name: String
            let source: String
            let gflop: Double
        }
        let bytes = try Fixture.data(Fixture.suite("models"))
        let entries = try JSONDecoder().decode([Entry].self, from: bytes)
        let set = try LayerSet(json: bytes)
        #expect(entries.count == 24)
        #expect(set.layers.map(\.config.name) == entries.map(\.name))
        #expect(set.layers.map(\.source) == entries.map(\.source))
        #expect(set.model == nil)
        for (layer, entry) in zip(set.layers, entries) {
            let shape = try #require(layer.completeInputShape(batch: 1))
            let batch = try #require(layer.inputShape?[0])
            let gflop = Double(try layer.config.geometry(inputShape: shape).flopCount * batch) / 1e9
            #expect(abs(gflop - entry.gflop) < 1e-6, "\(entry.name): \(gflop) instead of \(entry.gflop)")
        }
    }

    @Test func anotherInputShape() throws {
        let model = try LayerSet(json: try fixture("keras3_model.json")).with(inputShape: [7, 5, nil, 6, 2])
        #expect(model.layers.map(\.inputShape) == [[7, 5, nil, 6, 2], [7, 10, nil, 12, 3], [7, 20, nil, 24, 2]])
        #expect(model.model?.layers == model.layers)
        #expect(model.layers[0].completeInputShape(batch: 1) == nil)
        let list = try LayerSet(
            json: Array("[\(String(decoding: layerJSON("{\"filters\": 2, \"kernel_size\": 3}"), as: UTF8.self)), {\"class_name\": \"Conv3DTranspose\", \"config\": {\"filters\": 5, \"kernel_size\": 1}}]".utf8))
        #expect(list.layers.map(\.inputShape) == [nil, nil])
        let shaped = try list.with(inputShape: [1, 2, 3, 4, 5])
        #expect(shaped.layers.map(\.inputShape) == [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5]])
        #expect(throws: KerasConfigError.self) { try list.with(inputShape: [1, 2, 3]) }
        #expect(throws: KerasConfigError.self) { try list.with(inputShape: [1, 2, 0, 4, 5]) }
    }

    @Test func contradictingShapesAreRefused() throws {
        let text = String(decoding: try fixture("keras3_model.json"), as: UTF8.self)
        let changed = text.replacing("\"filters\": 3", with: "\"filters\": 4")
        #expect(changed != text)
        #expect(
            throws: KerasConfigError.inLayer(
                "up2", .inconsistentShape(received: [nil, 6, 4, 8, 3], expected: [nil, 6, 4, 8, 4]))
        ) { try LayerSet(json: Array(changed.utf8)) }
    }
}
