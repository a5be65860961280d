import Logging
import Synchronization
import VoxInterpreter
import VoxKernels
import VoxLayerSpec
import VoxPluginLoading

/// Which kernels a lookup may answer with.
public enum KernelMode: String, CaseIterable, Hashable, Sendable {
    /// A specialised kernel where one fits, else the interpreter.
    case auto
    /// A specialised kernel, else an error.
    case specialized
    /// The interpreter, whatever is loaded.
    case interpreter
}

/// The answer to a lookup: a kernel, what remains to be done after it, and why it was chosen.
public struct KernelChoice: Sendable {
    /// What is to be run.
    public let kernel: any Kernel
    /// Activation that the kernel leaves to its caller; `linear` when it applies the layer's own.
    public let appliedActivation: Activation
    /// Whether the kernel comes from a plugin or a generator, not from the interpreter.
    public let isSpecialized: Bool
    /// Which kernel, and why: one sentence.
    public let reason: String
    /// nil for a choice that holds until other kernels are registered.
    private let supersession: Supersession?

    /// A choice made by a provider; `KernelRegistry` is the usual one.
    /// - Parameters:
    ///   - kernel: what is to be run.
    ///   - appliedActivation: what the kernel leaves to its caller.
    ///   - isSpecialized: whether the kernel comes from a plugin or a generator.
    ///   - reason: which kernel, and why: one sentence.
    ///   - supersession: completed by the provider once it has a better answer; nil where it expects none.
    public init(
        kernel: any Kernel, appliedActivation: Activation, isSpecialized: Bool, reason: String, supersession: Supersession? = nil
    ) {
        self.kernel = kernel
        self.appliedActivation = appliedActivation
        self.isSpecialized = isSpecialized
        self.reason = reason
        self.supersession = supersession
    }

    /// Whether the provider that made this choice has a better one by now. Layers then ask it anew at their next call.
    public var isSuperseded: Bool { supersession?.isComplete ?? false }

    /// The same choice, with more to say about it.
    package func with(reason: String) -> KernelChoice {
        KernelChoice(
            kernel: kernel, appliedActivation: appliedActivation, isSpecialized: isSpecialized, reason: reason, supersession: supersession)
    }

    /// Whether the kernel and the activation after it give what `spec` asks for, whatever the policies: a provider of the user's
    /// own may answer with anything, and a kernel for other shapes would write beyond its buffers.
    func computes(_ spec: KernelSpec) -> Bool {
        var activation = kernel.spec.epilogue.activation
        if activation == .linear { activation = appliedActivation } else if appliedActivation != .linear { return false }
        let epilogue = Epilogue(hasBias: kernel.spec.epilogue.hasBias, activation: activation)
        return kernel.spec.with(epilogue: epilogue, policy: spec.policy) == spec
    }

    /// The interpreter in mode `interpreter`.
    package static func interpreterAskedFor(_ spec: KernelSpec) -> KernelChoice {
        .interpreter(spec, reason: "interpreter: asked for by the kernel mode")
    }

    /// The interpreter for a problem.
    /// - Parameters:
    ///   - spec: the problem.
    ///   - reason: why the interpreter: one sentence.
    ///   - supersession: completed by the provider once it has a kernel; nil where it expects none.
    public static func interpreter(_ spec: KernelSpec, reason: String, supersession: Supersession? = nil) -> KernelChoice {
        KernelChoice(
            kernel: InterpreterKernel(spec), appliedActivation: .linear, isSpecialized: false, reason: reason, supersession: supersession)
    }
}

/// Answers which kernel computes a problem. A layer keeps the answer for a shape until its weights change, it is prepared anew, or the choice
/// is superseded.
public protocol KernelProvider: Sendable {
    /// - Throws: `KernelLookupError` when the mode asks for a specialised kernel and there is none.
    func lookup(_ spec: KernelSpec, mode: KernelMode) throws -> KernelChoice
}

/// No kernel may answer.
public enum KernelLookupError: Error, Hashable, Sendable, CustomStringConvertible {
    case noSpecializedKernel(SpecKey, loadedKernels: Int)
    /// The one of policy `fast` is loaded, but `weight` is beyond `FastRange`; `key` is that of the one for plain sums.
    case weightBeyondFastKernels(SpecKey, loadedKernels: Int, weight: Float)

    public var description: String {
        let sentence: Sentence = switch self {
        case .noSpecializedKernel(let key, let count):
            "None of the \(count) loaded kernels computes \(key); expected one that does, as the kernel mode is specialized."
        case .weightBeyondFastKernels(let key, let count, let weight):
            """
            The largest weight in magnitude is \(weight), fast kernels take at most \(FastRange.largestMagnitude), and none of the \(count) loaded \
            kernels computes \(key); expected one that does, as the kernel mode is specialized.
            """
        }
        return sentence.text
    }
}

/// The specialised kernels of this process, and the interpreter behind them.
public final class KernelRegistry: KernelProvider {
    /// The registry that layers ask unless they are given another.
    public static let shared = KernelRegistry()

    private struct State {
        /// The kernels of each problem, in the order of registration.
        var kernels: [SpecKey: [SpecializedKernel]] = [:]
        var count = 0
        var warned: Set<SpecKey> = []

        /// The best kernel of the first of these problems that has any, which of them that is, and how many others it has.
        func best(for keys: [SpecKey]) -> (index: Int, kernel: SpecializedKernel, rivals: Int)? {
            for (index, key) in keys.enumerated() {
                guard let kernels = kernels[key],
                    let best = kernels.last(where: { kernel in !kernels.contains { $0.descriptor.surpasses(kernel.descriptor) } })
                else { continue }
                return (index, best, kernels.count - 1)
            }
            return nil
        }
    }

    private let state = Mutex(State())
    let features: Set<Target.Feature>
    let trustedFolders: [String]
    private let logger: Logger

    /// - Parameters:
    ///   - features: what the processor has; kernels that need more are passed over.
    ///   - trustedFolders: what lies in or below them may belong to their owners too, and their groups may write to it. Those that the
    ///     environment variable VOXELSMITH_TRUSTED_FOLDERS names, whole paths separated by colons, count as well.
    ///   - logger: told once per problem when the interpreter stands in although plugins are loaded; at level debug, of every choice.
    public init(
        features: Set<Target.Feature> = HostCPU.features, trustedFolders: [String] = [],
        logger: Logger = Logger(label: "voxelsmith.kernels")
    ) {
        self.features = features
        self.trustedFolders = trustedFolders
        self.logger = logger
    }

    /// Loads a plugin and registers its kernels after those already there. Kernels that this processor cannot run are passed over, and
    /// the logger is told why.
    /// - Returns: the loaded image, which lists what was passed over; the registry's kernels keep it mapped.
    /// - Throws: `PluginError`, also when no kernel can be run here; then nothing is registered.
    @discardableResult
    public func load(path: String) throws(PluginError) -> PluginImage {
        let image = try PluginImage(path: path, features: features, trustedFolders: trustedFolders)
        register(try image.kernels())
        for omission in image.omitted { logger.notice("\("Passed over: \(omission.reason)" as Sentence)") }
        return image
    }

    /// Registers kernels in the given order.
    public func register(_ kernels: [SpecializedKernel]) {
        state.withLock { state in
            for kernel in kernels {
                state.kernels[kernel.descriptor.key, default: []].append(kernel)
                state.count += 1
            }
            state.warned = []
        }
    }

    /// Number of registered kernels.
    public var kernelCount: Int { state.withLock { $0.count } }

    /// Finds the kernel for a problem.
    ///
    /// A kernel that applies the activation itself is preferred to a linear one, after which the caller applies it. For policy `fast`, a
    /// fast kernel is preferred to a direct one; for `direct`, only direct ones count. Among equals, a kernel wins that no other surpasses
    /// in the processor features it needs; among those, the one registered last. Without any, it is the interpreter.
    /// - Throws: `KernelLookupError` with mode `specialized` when no registered kernel fits.
    public func lookup(_ spec: KernelSpec, mode: KernelMode = .auto) throws -> KernelChoice {
        if mode == .interpreter { return .interpreterAskedFor(spec) }
        if let choice = specialized(spec) { return choice }
        let key = spec.key
        let (count, warn) = state.withLock { state in
            (state.count, state.count > 0 && mode == .auto && state.warned.insert(key).inserted)
        }
        if mode == .specialized { throw KernelLookupError.noSpecializedKernel(key, loadedKernels: count) }
        let reason: Sentence =
            count == 0 ? "interpreter: no plugin is loaded" : "interpreter: none of the \(count) loaded kernels computes \(key)"
        if warn {
            logger.warning("\("Falling back to the interpreter: none of the \(count) loaded kernels computes \(key)." as Sentence)")
        } else {
            logger.debug("\(reason as Sentence)")
        }
        return .interpreter(spec, reason: reason.text)
    }

    /// The registered kernel for a problem, as `lookup(_:mode:)` chooses it; nil where there is none.
    /// - Parameter waits: false for a process that was forked off: a thread that its parent had, and it has not, may hold the lock for ever. Then
    ///   the answer is nil.
    package func specialized(_ spec: KernelSpec, waits: Bool = true) -> KernelChoice? {
        let policies: [Policy] = spec.policy == .fast ? [.fast, .direct] : [.direct]
        var candidates = policies.map { (spec: spec.with(policy: $0), activation: Activation.linear) }
        if spec.epilogue.activation != .linear {
            let linear = spec.with(epilogue: spec.epilogue.withoutActivation)
            candidates += policies.map { (linear.with(policy: $0), spec.epilogue.activation) }
        }
        let keys = candidates.map { SpecKey($0.spec) }
        let found = waits ? state.withLock { $0.best(for: keys) } : state.withLockIfAvailable { $0.best(for: keys) } ?? nil
        guard let found else { return nil }
        let activation = candidates[found.index].activation
        let reason = Self.reason(found.kernel, wanted: spec, activation: activation, rivals: found.rivals)
        logger.debug("\("\(reason)" as Sentence)")
        return KernelChoice(kernel: found.kernel, appliedActivation: activation, isSpecialized: true, reason: reason)
    }

    private static func reason(_ kernel: SpecializedKernel, wanted: KernelSpec, activation: Activation, rivals: Int) -> String {
        var parts: [Sentence] = ["\(kernel.name) of \(kernel.image.file.path) (\(kernel.descriptor.target))"]
        parts.append(
            activation == .linear
                ? "exact match" : "linear kernel followed by the activation \(activation), as no kernel has it fused")
        if kernel.spec.policy != wanted.policy { parts.append("direct, as no fast kernel is loaded") }
        if rivals > 0 { parts.append("preferred to \(rivals) other(s) for its instruction set or as the last registered") }
        return parts.map(\.text).joined(separator: "; ")
    }
}
