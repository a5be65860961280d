import Glibc
import Logging
import Synchronization
import VoxKernelRuntime
import VoxLayerSpec

/// Kernels for the shapes that a process meets. A lookup never waits: where no kernel is there yet the interpreter answers, and the kernel is planned,
/// compiled and verified in the background, one at a time and each once however many ask for it. Later lookups answer with it, and layers that have
/// the interpreter ask again at their next call; a `PreparedLayer` keeps what it was made with.
///
///     let kernels = OnDemandKernels()
///     let up = try Conv3DTranspose(filters: 8, kernelSize: 4, strides: 2, kernels: kernels)
///     let y = try up(x)                                                       // by the interpreter
///     try await kernels.ready(for: up.config.spec(inputShape: x.shape))       // for who wants to wait
///     let z = try up(x)                                                       // by its own kernel
///
/// Verified kernels are kept in the cache for the next process. What goes wrong is said once in the log and costs a kernel, never an answer: without
/// compiler or verifier nothing is compiled in this process any more; a compilation or verification that fails is not repeated; what may pass,
/// such as a full disk, is tried again by a lookup that comes `OnDemandOptions.retryDelay` later. A process that was forked off one that had a
/// provider has the kernels that were ready, and the interpreter for all else. A process that ends meanwhile leaves nothing half-made in the cache.
public final class OnDemandKernels: KernelProvider {
    private let options: OnDemandOptions
    private let state = Mutex(OnDemandState())
    /// The process in which a provider was made first. In one that is forked off it, threads that hold locks may be missing, and no task runs in the
    /// background: its threads are missing too.
    private static let home = getpid()
    private let saidForked = Atomic(false)
    /// What a process that was forked off says. Made here, since putting values into texts may take locks of Swift's own there.
    private static let forkedReason = "interpreter: \(OnDemandError.forked)"
    private static let forkedMessage: Logger.Message = "\("\(OnDemandError.forked)" as Sentence)"

    /// Does nothing until a kernel is asked for.
    /// - Parameter options: where compiler, verifier and cache are, and what is loaded already.
    public init(_ options: OnDemandOptions = OnDemandOptions()) {
        self.options = options
        _ = (Self.home, Self.forkedReason, Self.forkedMessage)  // known from now on
    }

    // MARK: Lookup

    /// Finds the kernel for a problem among those that are loaded and those made here. Where there is none, the answer is the interpreter, and one is made
    /// in the background; the answer says when it is superseded.
    /// - Throws: `KernelLookupError` with mode `specialized` while there is no kernel; it is made all the same.
    public func lookup(_ spec: KernelSpec, mode: KernelMode = .auto) throws -> KernelChoice {
        if mode == .interpreter { return .interpreterAskedFor(spec) }
        if isForked { return try forkedAnswer(spec, mode) }
        if let choice = options.loaded.specialized(spec) { return choice }
        let reason: Sentence, supersession: Supersession
        switch answer(for: spec) {
        case .ready(let choice): return choice
        case .waiting(let pending): (reason, supersession) = ("interpreter: the kernel is being made", pending)
        case .failed(let error, let pending):
            (reason, supersession) = ("interpreter: \(error)", pending)
        }
        if mode == .specialized { throw KernelLookupError.noSpecializedKernel(spec.key, loadedKernels: options.loaded.kernelCount) }
        return .interpreter(spec, reason: reason.text, supersession: supersession)
    }

    /// Threads of the parent process, which are not here, may hold the locks for ever: nothing waits for one.
    private func forkedAnswer(_ spec: KernelSpec, _ mode: KernelMode) throws -> KernelChoice {
        if let choice = options.loaded.specialized(spec, waits: false) { return choice }
        let key = spec.key
        if let choice = state.withLockIfAvailable({ $0.choice(for: key) }) ?? nil { return choice }
        if !saidForked.exchange(true, ordering: .relaxed) { options.logger.warning(Self.forkedMessage) }
        if mode == .specialized { throw KernelLookupError.noSpecializedKernel(key, loadedKernels: 0) }
        return .interpreter(spec, reason: Self.forkedReason)
    }

    private var isForked: Bool { getpid() != Self.home }

    /// Puts a new problem into the queue, and sees to it that somebody works through that.
    private func answer(for spec: KernelSpec, telling waiter: OnDemandState.Waiter? = nil) -> OnDemandState.Answer {
        state.withLock { state in
            let answer = state.answer(for: spec, now: .now)
            if case .waiting = answer, let waiter { state.add(waiter, for: spec.key) }
            // Not `.background`: threads of that priority get little processor time, compilers inherit it, and `nice` would leave them next to nothing.
            if state.needsWorker { state.worker = Task.detached(priority: .utility) { await self.work() } }
            return answer
        }
    }

    // MARK: Waiting

    /// Returns once lookups answer with a specialised kernel for a problem; asks for it, if nobody has.
    /// - Throws: `OnDemandError` when there will be none; `CancellationError` when the waiting task is cancelled, while the kernel is made all the same.
    public func ready(for spec: KernelSpec) async throws {
        if isForked { throw OnDemandError.forked }
        if options.loaded.specialized(spec) != nil { return }
        let (outcomes, waiter) = AsyncStream.makeStream(of: Result<Void, OnDemandError>.self)
        switch answer(for: spec, telling: waiter) {
        case .ready: return
        case .failed(let error, _): throw error
        case .waiting: break
        }
        for await outcome in outcomes { return try outcome.get() }
        throw CancellationError()  // only that ends the stream without an outcome
    }

    /// What happens from now on. Each stream has all events, and ends when nothing is made any more; one that is not read keeps the latest thousand.
    public var events: AsyncStream<OnDemandEvent> {
        let (events, listener) = AsyncStream.makeStream(of: OnDemandEvent.self, bufferingPolicy: .bufferingNewest(1000))
        // In a process that was forked off nothing will happen.
        if isForked { listener.finish() } else { state.withLock { $0.add(listener) } }
        return events
    }

    /// Ends the compiler and the verification at work, and returns when they are gone. Nothing is made any more; kernels that are ready stay.
    public func stop() async {
        if isForked { return }
        let worker = state.withLock { state in
            state.halt(.stopped)
            return state.worker
        }
        worker?.cancel()
        await worker?.value
    }

    // MARK: Work

    /// The one task that makes kernels, one after another.
    private func work() async {
        while let spec = state.withLock({ $0.next() }) {
            let key = spec.key
            do {
                let choice = try await maker().choice(
                    for: spec, onCompile: { state.withLock { $0.tell(.started(key)) } }, onDoubt: { say($1, cause: $0) })
                state.withLock { $0.finish(key, choice) }
            } catch {
                fail(key, error)
            }
        }
    }

    private func maker() async throws -> KernelMaker {
        if let maker = state.withLock({ $0.maker }) { return maker }
        let maker = try await KernelMaker(options)
        state.withLock { $0.maker = maker }
        return maker
    }

    /// The log comes first: who waited finds there why there is no kernel.
    private func fail(_ key: SpecKey, _ error: any Error) {
        if error is CancellationError || Task.isCancelled { return }  // `stop` has told all who wait
        if let obstacle = error as? OnDemandError, case .notCompiled(let reason) = obstacle {
            say("\(obstacle)", cause: "not compiled")
            return state.withLock { $0.halt(obstacle, .notCompiled(reason)) }
        }
        let cause = FailureCause(error)
        say("The kernel for \(key) was not made. \(lines: "\(error)")", cause: cause.name)
        state.withLock { $0.fail(key, reason: "\(error)", retryDelay: cause.mayPass ? options.retryDelay : nil) }
    }

    /// Each cause once; what has the same one is for who looks closely.
    private func say(_ sentence: Sentence, cause: String) {
        if state.withLock({ $0.isNew(cause: cause) }) {
            options.logger.warning("\(sentence as Sentence)")
        } else {
            options.logger.debug("\(sentence as Sentence)")
        }
    }
}
