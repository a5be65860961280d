import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import Voxelsmith
import _TestSupport

/// Layers of policy `fast` whose weights change between those that fast kernels take and those they do not.
@Suite struct FastRangeTests {
    private func registry(_ policies: [Policy], in folder: TemporaryFolder) throws -> KernelRegistry {
        let registry = KernelRegistry()
        for policy in policies {
            let spec = try HandWrittenPlugin.pointwise(policy: policy)
            // The factor tells which one has computed.
            let plugin = HandWrittenPlugin(spec: spec, name: "by_\(policy)", factor: policy == .fast ? 3 : 1)
            try registry.load(path: plugin.build(in: folder, as: "\(policy)_\(policies.count).so"))
        }
        return registry
    }

    private func kernel(_ value: Float) throws -> Tensor { try Tensor(shape: [1, 1, 1, 2, 3], [1, 1, 1, 1, 1, value]) }
    private let shape = [1, 2, 3, 4, 3]

    @Test func theKernelInUseFollowsTheWeights() throws {
        let folder = try TemporaryFolder()
        let bias = try Tensor(zeros: [2])
        for (policies, standIn) in [([Policy.fast, .direct], "by_direct"), ([.fast], "interpreter")] {
            let layer = try Conv3DTranspose(filters: 2, kernelSize: 1, kernels: try registry(policies, in: folder))
            let x = try Tensor(shape: shape, [Float](repeating: 1, count: 72))
            #expect(try layer.kernelInUse(inputShape: shape).contains("by_fast"))
            try layer.build(inputShape: shape)
            for value in [Float(1), .nan, 2, .infinity, 5e37, 3, -5e37, 4] {
                let isBeyond = !(abs(value) <= FastRange.largestMagnitude)
                try layer.setWeights([kernel(value), bias])
                let reason = try layer.kernelInUse(inputShape: shape)
                #expect(reason.contains(isBeyond ? standIn : "by_fast"), "\(value): \(reason)")
                #expect(reason.contains("largest weight in magnitude") == isBeyond, "\(value): \(reason)")
                let y = try layer(x).floats
                let (first, second): (Float, Float) = isBeyond ? (3, 2 + value) : (9, 3 * (2 + value))
                #expect(y[0] == first && (y[1] == second || second.isNaN && y[1].isNaN), "\(value)")
            }
            // Values assigned to a variable, not through the layer.
            try layer.weights[0].assign(kernel(.nan))
            #expect(try layer(x).floats[0] == 3)
            #expect(try layer.kernelInUse(inputShape: shape).contains(standIn))
            let copy = try layer.preparedLayer(inputShape: shape)
            try layer.weights[0].assign(kernel(1))
            #expect(try layer(x).floats[0] == 9)
            #expect(copy.choice.reason.contains(standIn))
        }
    }

    @Test func modeSpecializedSaysThereIsNone() throws {
        let folder = try TemporaryFolder()
        let layer = try Conv3DTranspose(filters: 2, kernelSize: 1, kernels: try registry([.fast], in: folder), kernelMode: .specialized)
        try layer.build(inputShape: shape)
        try layer.setWeights([kernel(.nan), Tensor(zeros: [2])])
        #expect(throws: KernelLookupError.self) { try layer.prepare(inputShape: shape) }
        try layer.setWeights([kernel(1), Tensor(zeros: [2])])
        try layer.prepare(inputShape: shape)
    }
}
