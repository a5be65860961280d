import Foundation
import Testing
import VoxKerasConfig
import VoxTensorIO
import Voxelsmith
import _TestSupport

/// `Conv3D`: the ordinary convolution, from which `Conv3DTranspose` inherits.
struct Conv3DTests {
    private let kernels = KernelRegistry()

    private func layers() throws -> [JSONObject] {
        let document = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: Fixture.layer("conv3d.json"))))
        return try #require(document.array).compactMap(\.object)
    }

    /// Strides, dilation, groups, both paddings and layouts, against what Keras 3.15.1 computed.
    @Test func forwardPassIsKeras() throws {
        let file = try NPZFile(path: Fixture.layer("conv3d.npz"))
        for entry in try layers() {
            let layer = try Conv3D(config: #require(entry["config"]?.object), kernels: kernels)
            let x = try file.tensor("\(layer.name)/x")
            let weights = try (layer.useBias ? ["kernel", "bias"] : ["kernel"]).map { try file.tensor("\(layer.name)/\($0)") }
            #expect(!(layer is Conv3DTranspose) && layer.config.kind == .ordinary)
            try layer.build(inputShape: x.shape)
            #expect(layer.getWeights().map(\.shape) == weights.map(\.shape), "\(layer.name)")
            try layer.setWeights(weights)
            let y = try layer(x)
            let expected = try file.tensor("\(layer.name)/y")
            #expect(try y.shape == expected.shape && layer.computeOutputShape(x.shape) == y.shape, "\(layer.name)")
            let comparison = Comparison(y.doubles, expected: expected.doubles)
            #expect(comparison.absoluteError <= 3e-6, "\(layer.name): \(comparison)")
            if layer.isOnlyItsKernel { #expect(try layer.preparedLayer(inputShape: x.shape).call(x).floats == y.floats) }
        }
    }

    @Test func configIsKeras3s() throws {
        var count = 0
        for entry in try layers() {
            let theirs = try #require(entry["config"]?.object)
            let ours = try JSONValue(parsing: JSONValue.object(Conv3D(config: theirs).getConfig()).text.utf8)
            let again = try #require(ours.object)
            for key in theirs.keys { #expect(again[key] == theirs[key], "\(key)") }
            #expect(Set(again.keys) == Set(theirs.keys))
            count += 1
        }
        #expect(count == 8)
    }

    /// An ordinary convolution is the adjoint of the transposed one with the same kernel: <conv(y), x> = <y, convT(x)>.
    @Test func itIsTheAdjointOfTheTransposedConvolution() throws {
        var random = SeededRandom(seed: 12)
        for (strides, padding) in [(1, KerasPadding.valid), (2, .valid), (2, .same), (1, .same)] {
            let kernel = try Tensor(shape: [2, 3, 1, 3, 4], random.integers(72, limit: 5))
            let up = try Conv3DTranspose(
                filters: 3, kernelSize: [2, 3, 1], strides: IntOrTriple(strides), padding: padding, useBias: false, dtype: .float64,
                weights: [kernel], kernels: kernels)
            let x = try Tensor(shape: [1, 3, 2, 4, 4], random.integers(96, limit: 5))
            let upX = try up(x)
            let y = try Tensor(shape: upX.shape, random.integers(upX.elementCount, limit: 5))
            let down = try Conv3D(
                filters: 4, kernelSize: [2, 3, 1], strides: IntOrTriple(strides), padding: padding, useBias: false, dtype: .float64,
                weights: [kernel], kernels: kernels)
            let downY = try down(y)
            #expect(downY.shape == x.shape)
            func product(_ a: Tensor, _ b: Tensor) -> Double { zip(a.doubles, b.doubles).reduce(0) { $0 + $1.0 * $1.1 } }
            #expect(product(downY, x) == product(y, upX), "\(strides) \(padding)")
        }
    }

    @Test func rulesAreKeras() throws {
        let refused: [(String, KerasErrorKind, () throws -> Conv3D)] = [
            ("groups", .valueError, { try Conv3D(filters: 3, kernelSize: 1, groups: 2) }),
            ("groups 0", .valueError, { try Conv3D(filters: 3, kernelSize: 1, groups: 0) }),
            ("stride with dilation", .valueError, { try Conv3D(filters: 3, kernelSize: 1, strides: 2, dilationRate: 2) }),
            ("output padding", .valueError, { try Conv3D(config: ["filters": 1, "kernel_size": 1, "output_padding": nil]) }),
            ("filters 0", .valueError, { try Conv3D(filters: 0, kernelSize: 1) }),
        ]
        for (what, kind, make) in refused {
            #expect("\(what)", performing: { _ = try make() }, throws: { ($0 as? any KerasError)?.kerasKind == kind })
        }
        let layer = try Convolution3D(filters: 4, kernelSize: [3, 70, 1], padding: .valid, groups: 2, name: "c", kernels: kernels)
        #expect("channels", performing: { try layer.build(inputShape: [1, 3, 70, 1, 3]) }, throws: { $0 is SpecError })
        #expect("shorter than the kernel", performing: { _ = try layer.computeOutputShape([1, 2, 70, 1, 2]) },
            throws: { $0 as? SpecError == .emptyOutput(axis: 0, length: 0) })
        #expect(try layer.computeOutputShape([nil, nil, nil, 5, 2]) == [nil, nil, nil, 5, 4])
        try layer.build(inputShape: [1, 3, 70, 1, 2])
        #expect(layer.weights.map(\.shape) == [[3, 70, 1, 1, 4], [4]])
        let copy = try layer.copy()
        #expect(type(of: copy) == Conv3D.self && copy.getWeights().map(\.floats) == layer.getWeights().map(\.floats))
        let first = try Conv3D(filters: 1, kernelSize: 1).name
        #expect(first.hasPrefix("conv3d") && !first.hasPrefix("conv3d_transpose"))
    }
}
