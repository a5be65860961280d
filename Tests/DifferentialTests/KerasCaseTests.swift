import Foundation
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensorIO
import VoxTensors
import VoxVerification
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Layers that Keras computed, on generated kernels: each kernel passes every check, and its results agree with Keras.
@Suite struct KerasCaseTests {
    private struct Case: Decodable {
        let `case`, filters: Int
        let kernelSize, strides, dilationRate, inputShape: [Int]
        let outputPadding: [Int]?
        let padding, dataFormat: String
        let activation: String?
        let useBias: Bool

        func layer(_ registry: KernelRegistry, _ mode: KernelMode) throws -> Conv3DTranspose {
            try Conv3DTranspose(
                filters: filters, kernelSize: IntOrTriple(kernelSize), strides: IntOrTriple(strides),
                padding: KerasRules.padding(named: padding), dataFormat: KerasRules.layout(named: dataFormat),
                outputPadding: outputPadding.map { IntOrTriple($0) }, dilationRate: IntOrTriple(dilationRate),
                activation: activation.map { try ActivationNames.activation(named: $0) } ?? .linear, useBias: useBias,
                kernels: registry, kernelMode: mode)
        }
    }

    /// The 35 asymmetric cases, two of them in channels_first, all on specialised kernels.
    @Test func casesOfKerasOnGeneratedKernels() async throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let json = try Fixture.data(Fixture.layer("cases.json"))
        let cases = try decoder.decode([Case].self, from: json)
        let arrays = try NPZFile(path: Fixture.keras("cases.npz"))
        #expect(cases.count == 35)

        for target in runnableTargets {
            var specs: [KernelSpec] = []
            var first = 0
            for entry in cases {
                let spec = try entry.layer(KernelRegistry(), .auto).config.spec(inputShape: entry.inputShape)
                if spec.layout == .channelsFirst { first += 1 }
                if !specs.contains(spec) { specs.append(spec) }
            }
            let schedules = try specs.map { try plan($0, target: target) }
            let kernels = try await TemporaryPlugins().kernels(schedules, target: target)
            let registry = KernelRegistry()
            registry.register(kernels)
            for kernel in kernels {
                let report = try KernelVerifier(kernel, reference: OracleReference(), batch: 2).verify()
                for failure in report.failures { Issue.record("\(kernel.spec.key): \(failure.name): \(failure.failure ?? "")") }
            }

            var specialized = 0
            for entry in cases {
                let name = "c" + (entry.case < 10 ? "0" : "") + String(entry.case)
                let layer = try entry.layer(registry, .specialized)
                let x = try arrays.tensor(name + "_x")
                let weights = try (entry.useBias ? ["_kernel", "_bias"] : ["_kernel"]).map { try arrays.tensor(name + $0) }
                try layer.build(inputShape: x.shape)
                try layer.setWeights(weights)
                let received = try layer(x)
                if try layer.preparedLayer(inputShape: x.shape).choice.isSpecialized { specialized += 1 }
                // Both sides are float32 sums within gamma_n of the exact one; activations here have slopes of at most 1 and
                // round within a few units of results of at most 1.
                let spec = try layer.config.spec(inputShape: x.shape)
                let exact = ScatterOracle.run(
                    spec, batch: x.shape[0], input: x.doubles, operand: weights[0].doubles,
                    bias: entry.useBias ? weights[1].doubles : nil)
                let bounds = ErrorBound.bounds(
                    chain: spec.longestChain + 1, type: .float32, magnitudes: exact.magnitudes
                ).map { 2 * $0 + 8 * ElementType.float32.unitRoundoff }
                let violation = ErrorBound.firstViolation(
                    received: received.doubles, expected: try arrays.tensor(name + "_y").doubles, bounds: bounds)
                #expect(violation == nil, "\(name) on \(target.name)")
            }
            print("Keras cases on \(target.name): \(specialized) on specialised kernels, \(first) of them in channels_first")
            #expect(specialized == 35 && first >= 2)
        }
    }

    /// The three-layer model that Keras saved, every layer on a specialised kernel.
    @Test func modelOfKerasOnGeneratedKernels() async throws {
        let x = try NPY.read(path: Fixture.keras("x.npy"))
        let y = try NPY.read(path: Fixture.keras("y.npy"))
        for target in runnableTargets {
            let registry = KernelRegistry()
            let model = try loadModel(path: Fixture.keras("model.keras"), kernels: registry, kernelMode: .specialized)
            var shape = x.shape
            var specs: [KernelSpec] = []
            for case let layer as Conv3DTranspose in model.layers {
                specs.append(try layer.config.spec(inputShape: shape))
                shape = try layer.computeOutputShape(shape)
            }
            #expect(specs.count == 3)
            #expect(throws: KernelLookupError.self) { _ = try model(x) }
            let kernels = try await TemporaryPlugins().kernels(try specs.map { try plan($0, target: target) }, target: target)
            for kernel in kernels {
                #expect(try KernelVerifier(kernel, reference: OracleReference(), batch: 2).verify().failures.isEmpty)
            }
            registry.register(kernels)
            let comparison = Comparison(try model(x).doubles, expected: y.doubles)
            #expect(comparison.absoluteError <= 1e-6, "\(target.name): \(comparison)")
        }
    }
}
