import Logging
import Synchronization
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// Which kernel answers a lookup, and what the answer says.
struct KernelRegistryTests {
    private static let relu = Epilogue(hasBias: true, activation: .relu)
    private static let linear = Epilogue(hasBias: true, activation: .linear)

    /// A registry with one hand-written kernel for each (name, epilogue, policy, features), registered in that order.
    private static func registry(
        _ kernels: [(name: String, epilogue: Epilogue, policy: Policy, features: String)], folder: TemporaryFolder,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws -> KernelRegistry {
        let registry = KernelRegistry(logger: logger)
        for kernel in kernels {
            let spec = try HandWrittenPlugin.pointwise(epilogue: kernel.epilogue, policy: kernel.policy)
            let plugin = HandWrittenPlugin(spec: spec, name: kernel.name, features: kernel.features)
            try registry.load(path: plugin.build(in: folder, as: kernel.name + ".so"))
        }
        #expect(registry.kernelCount == kernels.count)
        return registry
    }

    @Test func theExactKernelWins() throws {
        let folder = try TemporaryFolder()
        let registry = try Self.registry(
            [
                ("linear_fast", Self.linear, .fast, "0"), ("linear_direct", Self.linear, .direct, "0"),
                ("relu_direct", Self.relu, .direct, "0"), ("relu_fast", Self.relu, .fast, "0"),
            ], folder: folder)
        for (epilogue, policy, expected) in [
            (Self.relu, Policy.fast, "relu_fast"), (Self.relu, .direct, "relu_direct"), (Self.linear, .fast, "linear_fast"),
            (Self.linear, .direct, "linear_direct"),
        ] {
            let choice = try registry.lookup(HandWrittenPlugin.pointwise(epilogue: epilogue, policy: policy))
            #expect(choice.kernel.name == expected)
            #expect(choice.appliedActivation == .linear)
            #expect(choice.isSpecialized)
            #expect(choice.reason.contains(expected) && choice.reason.contains("exact match"), "\(choice.reason)")
        }
    }

    @Test func aLinearKernelIsFollowedByTheActivation() throws {
        let folder = try TemporaryFolder()
        let registry = try Self.registry([("linear_direct", Self.linear, .direct, "0")], folder: folder)
        for activation in Activation.samples where activation != .linear {
            let epilogue = Epilogue(hasBias: true, activation: activation)
            for policy in Policy.allCases {
                let choice = try registry.lookup(HandWrittenPlugin.pointwise(epilogue: epilogue, policy: policy), mode: .specialized)
                #expect(choice.kernel.name == "linear_direct")
                #expect(choice.appliedActivation == activation)
                #expect(choice.reason.contains("followed by the activation"), "\(choice.reason)")
                #expect(choice.reason.contains("no fast kernel") == (policy == .fast), "\(choice.reason)")
            }
        }
    }

    /// Minimal filtering adds weights and inputs before it multiplies; beyond FLT_MAX / 8 that may be infinite, and what is no number would
    /// reach other results than the plain sums do.
    @Test func weightsBeyondTheRangeGoToPlainSums() throws {
        let folder = try TemporaryFolder()
        let both = try Self.registry([("f", Self.relu, .fast, "0"), ("d", Self.relu, .direct, "0")], folder: folder)
        let fastOnly = try Self.registry([("g", Self.relu, .fast, "0")], folder: folder)
        let spec = try HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: .fast)
        func weights(_ value: Float) throws -> Tensor {
            try Tensor(shape: spec.geometry.kernelShape, [1, -2, value, 0, -0.0, .leastNonzeroMagnitude])
        }
        let largest = Float.greatestFiniteMagnitude / 8
        #expect(FastRange.largestMagnitude == largest)
        for value in [0, 3, largest, -largest] {
            for registry in [both, fastOnly] {
                let choice = try registry.lookup(spec, mode: .auto, weights: weights(value))
                #expect(choice.kernel.spec.policy == .fast, "\(value)")
                #expect(try choice.reason == registry.lookup(spec).reason)
            }
        }
        for value in [largest.nextUp, -largest.nextUp, .greatestFiniteMagnitude, .infinity, -.infinity, .nan, -.nan, .signalingNaN] {
            let choice = try both.lookup(spec, mode: .auto, weights: weights(value))
            #expect(choice.kernel.name == "d" && choice.isSpecialized, "\(value)")
            #expect(choice.reason.contains("the largest weight in magnitude is") && choice.reason.contains("4.2535293e+37"), "\(choice.reason)")
            let standIn = try fastOnly.lookup(spec, mode: .auto, weights: weights(value))
            #expect(standIn.kernel.name == "interpreter" && !standIn.isSpecialized, "\(value)")
            #expect(standIn.reason.hasPrefix("interpreter: ") && standIn.reason.contains("the largest weight in magnitude is"))
            let error = #expect(throws: KernelLookupError.self) { try fastOnly.lookup(spec, mode: .specialized, weights: weights(value)) }
            #expect(error?.description.contains("The largest weight in magnitude is ") == true, "\(value): \(String(describing: error))")
            // Nothing to avoid where plain sums were chosen anyway.
            let direct = try both.lookup(spec.with(policy: .direct), mode: .auto, weights: weights(value))
            #expect(direct.kernel.name == "d" && !direct.reason.contains("largest weight"))
        }
    }

    @Test func directIsNeverAnsweredByFast() throws {
        let folder = try TemporaryFolder()
        let registry = try Self.registry(
            [("relu_fast", Self.relu, .fast, "0"), ("linear_fast", Self.linear, .fast, "0")], folder: folder)
        let spec = try HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: .direct)
        #expect(try registry.lookup(spec).kernel.name == "interpreter")
        #expect(throws: KernelLookupError.noSpecializedKernel(spec.key, loadedKernels: 2)) {
            try registry.lookup(spec, mode: .specialized)
        }
    }

    @Test func theWidestThenTheLastWins() throws {
        let folder = try TemporaryFolder()
        let wide = HostCPU.nativeTarget.requiredFeatures.map { "VS_CPU_\($0.rawValue.uppercased())" }.joined(separator: "|")
        let registry = try Self.registry(
            [("wide_first", Self.relu, .fast, wide), ("wide_last", Self.relu, .fast, wide), ("narrow", Self.relu, .fast, "0")],
            folder: folder)
        let choice = try registry.lookup(HandWrittenPlugin.pointwise(epilogue: Self.relu, policy: .fast))
        #expect(choice.kernel.name == "wide_last")
        #expect(choice.reason.contains("preferred to 2"), "\(choice.reason)")
    }

    /// A kernel is better than another when it needs all of its features and more, whatever instruction set that makes.
    @Test func ofKernelsThatDoNotSurpassEachOtherTheLastWins() throws {
        let folder = try TemporaryFolder()
        let registry = KernelRegistry(features: [.sse42, .avx2, .fma])
        let spec = try HandWrittenPlugin.pointwise()
        for (name, features, expected) in [
            ("narrow", "VS_CPU_SSE42", "narrow"), ("both", "VS_CPU_SSE42 | VS_CPU_AVX2", "both"), ("again", "VS_CPU_SSE42", "both"),
            ("other", "VS_CPU_FMA", "other"), ("plain", "0", "other"), ("last", "VS_CPU_AVX2 | VS_CPU_SSE42", "last"),
        ] {
            try registry.load(path: HandWrittenPlugin(spec: spec, name: name, features: features).build(in: folder, as: name + ".so"))
            #expect(try registry.lookup(spec).kernel.name == expected, "after \(name)")
        }
    }

    @Test func theInterpreterIsNamedWithItsReason() throws {
        let folder = try TemporaryFolder()
        let messages = Messages()
        let logger = Logger(label: "test") { _ in messages.handler }
        let empty = KernelRegistry(logger: logger)
        let spec = try HandWrittenPlugin.pointwise(input: [5, 6, 7])
        #expect(try empty.lookup(spec).reason == "interpreter: no plugin is loaded")
        #expect(messages.all.isEmpty)  // nobody expects a specialised kernel where no plugin is loaded

        let registry = try Self.registry([("relu", Self.relu, .fast, "0")], folder: folder, logger: logger)
        for _ in 0..<3 {
            let choice = try registry.lookup(spec)
            #expect(!choice.isSpecialized && choice.appliedActivation == .linear)
            #expect(choice.kernel.spec == spec)
            #expect(choice.reason == "interpreter: none of the 1 loaded kernels computes \(spec.key)")
        }
        #expect(messages.all == ["Falling back to the interpreter: none of the 1 loaded kernels computes \(spec.key)."])
        let other = try HandWrittenPlugin.pointwise(input: [5, 6, 8])
        _ = try registry.lookup(other)
        #expect(messages.all.count == 2)

        let relu = try HandWrittenPlugin.pointwise(epilogue: Self.relu)
        #expect(try registry.lookup(relu, mode: .interpreter).reason == "interpreter: asked for by the kernel mode")
        #expect(messages.all.count == 2)
    }

    @Test func aPluginThatIsRefusedRegistersNothing() throws {
        let folder = try TemporaryFolder()
        let registry = KernelRegistry(features: [])
        let path = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), features: "VS_CPU_AVX2").build(in: folder)
        #expect(throws: PluginError.missingFeatures(path: path, kernel: "hand_written", features: [.avx2])) {
            try registry.load(path: path)
        }
        #expect(registry.kernelCount == 0)
    }
}

/// Collects what is logged.
private final class Messages: Sendable {
    private let list = Mutex<[String]>([])

    var all: [String] { list.withLock { $0 } }
    var handler: any LogHandler { Handler(messages: self) }

    private struct Handler: LogHandler {
        let messages: Messages
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.level == .warning { messages.list.withLock { $0.append("\(event.message)") } }
        }
    }
}
