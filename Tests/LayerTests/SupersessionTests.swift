import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import Voxelsmith

/// Layers whose provider has something better later.
@Suite struct SupersessionTests {
    /// Answers with the interpreter, each time with another reason, and says on demand that its answers are superseded.
    private final class Provider: KernelProvider {
        private let state = Mutex((lookups: 0, pending: Supersession()))

        var lookups: Int { state.withLock { $0.lookups } }

        func lookup(_ spec: KernelSpec, mode: KernelMode) throws -> KernelChoice {
            state.withLock { state in
                state.lookups += 1
                return .interpreter(spec, reason: "answer \(state.lookups)", supersession: state.pending)
            }
        }

        /// Completes the supersession of all answers up to now.
        func supersede() {
            state.withLock { state in
                state.pending.complete()
                state.pending = Supersession()
            }
        }
    }

    private let shape = [1, 2, 3, 4, 2]

    private func layer(_ provider: Provider) throws -> Conv3DTranspose {
        let layer = try Conv3DTranspose(filters: 3, kernelSize: 2, strides: 2, kernels: provider)
        try layer.build(inputShape: shape)
        return layer
    }

    @Test func theNextCallAsksAnew() throws {
        let provider = Provider()
        let layer = try layer(provider)
        let x = try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0) })
        let first = try layer(x)
        let prepared = try layer.preparedLayer(inputShape: shape)
        #expect(try layer(x).floats == first.floats && provider.lookups == 1)
        #expect(try layer.kernelInUse(inputShape: shape).hasPrefix("answer 1;"))

        provider.supersede()
        #expect(prepared.choice.isSuperseded)
        // That of the next call; nothing is prepared for the question.
        #expect(try layer.kernelInUse(inputShape: shape).hasPrefix("answer 2;"))
        #expect(try layer(x).floats == first.floats && provider.lookups == 3)
        #expect(try layer.preparedLayer(inputShape: shape).choice.reason.hasPrefix("answer 3;"))
        #expect(try !layer.preparedLayer(inputShape: shape).choice.isSuperseded && provider.lookups == 3)

        // Whoever holds the earlier one goes on with it.
        #expect(prepared.choice.reason.hasPrefix("answer 1;"))
        #expect(try prepared.call(x).floats == first.floats)
    }

    /// New weights are packed for the kernels there are; the next call asks anew all the same.
    @Test func newWeightsDoNotHideIt() throws {
        let provider = Provider()
        let layer = try layer(provider)
        let x = try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0) })
        _ = try layer(x)
        provider.supersede()
        let ones = try layer.getWeights().map { try Tensor(shape: $0.shape, [Float](repeating: 1, count: $0.shape.reduce(1, *))) }
        try layer.setWeights(ones)
        #expect(provider.lookups == 1)
        _ = try layer(x)
        #expect(provider.lookups == 2 && layer.getWeights().map(\.floats) == ones.map(\.floats))
    }

    /// What else is said of a choice keeps what it is.
    @Test func furtherReasonsKeepIt() throws {
        let spec = try LayerConfig(name: "l", filters: 1, kernelSize: [1, 1, 1]).spec(inputShape: [1, 1, 1, 1, 1])
        let pending = Supersession()
        let choice = KernelChoice.interpreter(spec, reason: "one", supersession: pending).with(reason: "two")
        #expect(choice.reason == "two" && !choice.isSuperseded && !choice.isSpecialized)
        pending.complete()
        #expect(choice.isSuperseded)
        #expect(!KernelChoice.interpreter(spec, reason: "one").isSuperseded)
    }
}
