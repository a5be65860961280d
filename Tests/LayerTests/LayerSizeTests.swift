import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import Voxelsmith

/// Layers and what surrounds them, with numbers at the limits of 64 bits: errors, or results; never a trap.
@Suite struct LayerSizeTests {
    private static let large: [Int] = [1 << 20, 1 << 21, 1 << 31, 1 << 40, 1 << 61, 1 << 62, .max - 1, .max]

    /// Calls with something that may be an error of any kind.
    private func mayThrow(_ body: () throws -> Void) { try? body() }

    @Test func argumentsAndShapesOfLayers() {
        for value in Self.large {
            for make: () throws -> Conv3D in [
                { try Conv3DTranspose(filters: value, kernelSize: 1) }, { try Conv3DTranspose(filters: 2, kernelSize: IntOrTriple(value)) },
                { try Conv3DTranspose(filters: 2, kernelSize: 2, strides: IntOrTriple(value)) },
                { try Conv3DTranspose(filters: 2, kernelSize: IntOrTriple(value), padding: .same, dilationRate: IntOrTriple(value)) },
                { try Conv3DTranspose(filters: 2, kernelSize: 1, strides: IntOrTriple(value), outputPadding: IntOrTriple(value - 1)) },
                { try Conv3D(filters: value, kernelSize: IntOrTriple(value), strides: IntOrTriple(value)) },
                { try Conv3D(filters: value, kernelSize: 1, groups: value) }, { try Conv3D(filters: 2, kernelSize: 1, activation: .glu()) },
            ] {
                guard let layer = try? make() else { continue }
                for shape in [
                    [1, 2, 2, 2, 2], [value, 2, 2, 2, 2], [1, value, 2, 2, 2], [1, 2, 2, 2, value], [0, value, value, value, value], [value, 0, 2, 4, 2],
                ] {
                    mayThrow { _ = try layer.computeOutputShape(shape) }
                    mayThrow { _ = try layer.computeOutputShape(shape.map { $0 == 2 ? nil : $0 }) }
                    mayThrow { _ = try layer.kernelInUse(inputShape: shape) }
                    // From here on weights are larger than tensors may be.
                    if value >= 1 << 40 { mayThrow { try layer.build(inputShape: shape) } }
                }
            }
        }
    }

    @Test func callsOfAnyBatchAndThreads() throws {
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 2, kernelMode: .interpreter)
        try layer.build(inputShape: [1, 2, 2, 2, 3])
        let prepared = try layer.preparedLayer(inputShape: [1, 2, 2, 2, 3])
        for batch: Int in [0, -1, .min, 1, 1 << 40, .max] {
            for threads: Int in [0, -1, .min, 1, .max] { #expect(prepared.workspaceByteCount(batch: batch, threads: threads) >= 0) }
        }
        #expect(prepared.choice.kernel.workItemCount(batch: .max) == .max)
        let x = try Tensor(zeros: [2, 2, 2, 2, 3])
        for threads in [Int.min, 0, 4097, .max] { #expect(try layer(x, threads: threads).shape == [2, 3, 3, 3, 2]) }
        // No samples, whatever the others could be.
        let none = try Tensor(zeros: [0, 2, 2, 2, 3])
        #expect(try layer(none).shape == [0, 3, 3, 3, 2])
        for shape in [[1 << 62, 0, 2, 2, 3], [0, 1 << 40, 1 << 40, 1 << 40, 3]] {
            #expect(throws: (any Error).self) { try layer(Tensor(zeros: shape)) }
        }
        let model = try Sequential([layer])
        for batchSize: Int in [1, 1 << 40, .max] { #expect(try model.predict(x, batchSize: batchSize).shape == [2, 3, 3, 3, 2]) }
        for batchSize: Int in [0, -1, .min] { #expect(throws: ArgumentError.self) { try model.predict(x, batchSize: batchSize) } }
    }

    @Test func emptyTensorsOfAnyExtents() throws {
        for shape: [Int] in [[0, 1 << 40, 1 << 40], [1 << 62, 0], [0, .max, .max, 4]] {
            let empty = try Tensor(zeros: shape)
            for type in ElementType.allCases { #expect(try empty.cast(to: type).shape == shape) }
            #expect(try MaxNorm(axis: 0)(empty).shape == shape)
            #expect(try empty.reshaped(to: [0]).elementCount == 0)
            #expect(throws: TensorError.self) { try empty.reshaped(to: [.max, .max]) }
            #expect(try L2()(empty) == 0)
        }
        #expect(try RadialConstraint()(Tensor(zeros: [0, 0, .max, .max])).elementCount == 0)
        #expect(try OrthogonalRegularizer()(Tensor(zeros: [1 << 62, 0])) == 0)
        #expect(throws: TensorError.self) { try Tensor(zeros: [.max, .max]) }
        #expect(throws: TensorError.self) { try GlorotUniform()([1 << 62, 2, 2], .float32) }
        #expect(throws: (any Error).self) { try Orthogonal()([1 << 62, 4], .float32) }
    }
}
