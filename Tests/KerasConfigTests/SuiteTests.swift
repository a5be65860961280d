import Foundation
import Testing
import VoxKerasConfig
import VoxLayerSpec
import _TestSupport

/// `Tools/suites` is the one list of named layers with their origin.
@Suite struct SuiteTests {
    private static func suite(_ name: String) throws -> LayerSet {
        try LayerSet(json: try Fixture.data(Fixture.suite(name)))
    }

    @Test func everyLayerHasASourceAndResolves() throws {
        var names: Set<String> = []
        for (file, count) in [("models", 24), ("channels_first", 24), ("wide", 82), ("growth", 8), ("convolutions", 85)] {
            let suite = try Self.suite(file)
            #expect(suite.layers.count == count, "\(file)")
            #expect(suite.model == nil, "\(file)")
            for layer in suite.layers {
                let name = layer.config.name
                #expect(names.insert(name).inserted, "\(file): \(name) twice")
                #expect(try !#require(layer.source, "\(name)").isEmpty, "\(name)")
                let shape = try #require(layer.completeInputShape(batch: layer.inputShape?.first.flatMap(\.self) ?? 0), "\(name)")
                #expect(shape[0] >= 1, "\(name) has no batch")
                let spec = try layer.config.spec(inputShape: shape)
                #expect(spec.geometry.flopCount > 0, "\(name)")
                // A machine with little memory must be able to hold operands and result several times.
                let bytes = 4 * (shape.reduce(1, *) + spec.outputShape(batch: shape[0]).reduce(1, *))
                #expect(bytes < 2 << 30, "\(name) needs \(bytes) bytes")
            }
        }
    }

    @Test func channelsFirstIsTheSameSuite() throws {
        let (last, first) = (try Self.suite("models"), try Self.suite("channels_first"))
        #expect(last.layers.count == first.layers.count)
        for (last, first) in zip(last.layers, first.layers) {
            let config = last.config
            let expected = try LayerConfig(
                name: config.name + "_cf", filters: config.filters, kernelSize: config.kernelSize, strides: config.strides,
                dilationRate: config.dilationRate, padding: config.padding, groups: config.groups, layout: .channelsFirst,
                activation: config.activation, useBias: config.useBias)
            #expect(first.config == expected)
            let shape = try #require(last.inputShape)
            #expect(first.inputShape == [shape[0], shape[4], shape[1], shape[2], shape[3]], "\(config.name)")
            #expect(first.source == last.source, "\(config.name)")
        }
    }

    /// The classes that the wide suite is there for.
    @Test func wideSuiteIsWide() throws {
        let layers = try Self.suite("wide").layers
        func count(_ isMember: (LayerDescription) throws -> Bool) rethrows -> Int { try layers.filter(isMember).count }
        #expect(count { $0.inputShape?[0] == 16 } >= 8)
        #expect(count { $0.inputShape?[0] == 64 } >= 3)
        #expect(count { $0.config.groups > 1 } >= 4)
        #expect(count { $0.config.groups == $0.config.filters && $0.config.groups > 1 } >= 2)
        #expect(count { layer in layer.config.dilationRate.contains { $0 > 1 } } >= 1)
        #expect(count { (9...15).contains($0.config.filters) } >= 3)
        #expect(Set(layers.map(\.config.activation)).isSuperset(of: [.relu, .leakyRelu(slope: 0.2), .sigmoid, .tanh]))
        #expect(count { !$0.config.useBias } >= 10)
        #expect(count { layer in zip(layer.config.kernelSize, layer.config.strides).contains { $0 < $1 } } >= 2)
        #expect(
            count {
                guard case .explicit(_, _, let outputPadding) = $0.config.padding else { return false }
                return outputPadding.contains { $0 > 0 }
            } >= 5)
        #expect(try Self.repeated(in: layers) == [])
    }

    /// The classes that the suite of convolutions is there for, and limits that keep a comparison short.
    @Test func convolutionsAreOfMostKindsAndNoneIsTooLarge() throws {
        let layers = try Self.suite("convolutions").layers
        func count(_ isMember: (LayerDescription) throws -> Bool) rethrows -> Int { try layers.filter(isMember).count }
        #expect(count { $0.config.kind == .ordinary } == layers.count)
        #expect(count { $0.config.strides.contains { $0 > 1 } } >= 15)
        #expect(count { $0.config.kernelSize == [3, 3, 3] && $0.config.strides == [1, 1, 1] } >= 25)
        #expect(count { Set($0.config.kernelSize).count > 1 } >= 6)
        #expect(count { $0.config.kernelSize == [1, 1, 1] } >= 5)
        #expect(count { $0.config.kernelSize.contains { $0 >= 4 } } >= 10)
        #expect(count { $0.config.groups > 1 } >= 5)
        #expect(count { layer in layer.config.dilationRate.contains { $0 > 1 } } >= 1)
        #expect(count { $0.config.layout == .channelsFirst } >= 3)
        #expect(count { ($0.inputShape?[0] ?? 1) > 1 } >= 6)
        #expect(count { $0.config.padding == .valid(outputPadding: nil) } >= 10)
        #expect(count { $0.config.filters <= 4 } >= 4)
        #expect(count { $0.config.filters % 16 != 0 } >= 8)
        #expect(Set(layers.map(\.config.activation)).isSuperset(of: [.linear, .relu, .leakyRelu(slope: 0.2), .sigmoid]))
        for layer in layers {
            let name = layer.config.name
            let shape = try #require(layer.completeInputShape(batch: layer.inputShape?[0] ?? 1), "\(name)")
            let spec = try layer.config.spec(inputShape: shape)
            // At the 30 GFLOP/s of a slow library on two cores this takes 2 s; libraries that unfold or reorder hold the tensors a few times.
            #expect(Checked.clampedProduct(spec.geometry.flopCount, shape[0]) < 60_000_000_000, "\(name)")
            let elements = [shape, spec.outputShape(batch: shape[0]), spec.operandShape(batch: 1)].map { $0.reduce(1, *) }.reduce(0, +)
            #expect(4 * elements < 400_000_000, "\(name)")
        }
        #expect(try Self.repeated(in: layers) == [])
    }

    /// Names of layers that ask for the same work.
    private static func repeated(in layers: [LayerDescription]) throws -> [[String]] {
        let problems = try layers.map { layer in
            "\(layer.inputShape?[0] ?? 0) \(try layer.config.spec(inputShape: try #require(layer.completeInputShape(batch: 1))).key.text)"
        }
        return Dictionary(grouping: zip(layers.map(\.config.name), problems), by: \.1).values.filter { $0.count > 1 }.map { $0.map(\.0) }
    }
}
