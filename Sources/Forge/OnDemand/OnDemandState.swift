import VoxKernelRuntime
import VoxLayerSpec

/// What is known of every problem that was asked for, who waits for it, and what is to be made next. A value behind the lock of
/// `OnDemandKernels`; nothing in it takes time.
struct OnDemandState {
    /// What becomes of a problem.
    enum Answer {
        /// Its kernel is being made, or will be.
        case waiting(Supersession)
        case ready(KernelChoice)
        case failed(OnDemandError, Supersession)
    }

    typealias Waiter = AsyncStream<Result<Void, OnDemandError>>.Continuation

    private enum Phase {
        case waiting
        case ready(KernelChoice)
        /// Not tried again before that time; never, where there is none.
        case failed(OnDemandError, retry: ContinuousClock.Instant?)
    }

    private struct Entry {
        /// One for all attempts: who got the interpreter after a failure hears of a later success too.
        let supersession = Supersession()
        var phase = Phase.waiting
        /// How many times the usual delay the next failure puts off another attempt.
        var patience = 1.0
        var waiters: [Waiter] = []
    }

    /// What never passes, such as a kernel that takes too long on this machine, takes an ever smaller part of its time.
    private static let mostPatience = 64.0

    private var entries: [SpecKey: Entry] = [:]
    /// What nobody works at yet, in the order in which it was asked for.
    private var queue: [KernelSpec] = []
    /// Why nothing is made any more.
    private var obstacle: OnDemandError?
    /// The task that works through the queue; nil while there is none.
    var worker: Task<Void, Never>?
    /// Made for the first kernel, as it looks for the compiler.
    var maker: KernelMaker?
    private var listeners: [AsyncStream<OnDemandEvent>.Continuation] = []
    private var causes: Set<String> = []

    /// Whether there is something to be made and nobody at it.
    var needsWorker: Bool { worker == nil && !queue.isEmpty }

    // MARK: Questions

    /// What becomes of a problem. One that is new, or whose failure may have passed, is put into the queue.
    mutating func answer(for spec: KernelSpec, now: ContinuousClock.Instant) -> Answer {
        let key = spec.key
        if let entry = entries[key] {
            switch entry.phase {
            case .waiting: return .waiting(entry.supersession)
            case .ready(let choice): return .ready(choice)
            case .failed(let error, let retry):
                guard let retry, now >= retry, obstacle == nil else { return .failed(error, entry.supersession) }
            }
        }
        var entry = entries[key] ?? Entry()
        entry.phase = obstacle.map { .failed($0, retry: nil) } ?? .waiting
        entries[key] = entry
        if let obstacle { return .failed(obstacle, entry.supersession) }
        queue.append(spec)
        return .waiting(entry.supersession)
    }

    /// The kernel of a problem, if it is there.
    func choice(for key: SpecKey) -> KernelChoice? {
        if case .ready(let choice)? = entries[key]?.phase { choice } else { nil }
    }

    /// Tells `waiter` once what became of a problem that is being made.
    mutating func add(_ waiter: Waiter, for key: SpecKey) { entries[key]?.waiters.append(waiter) }

    // MARK: Work

    /// The next problem, taken out of the queue; nil when the worker is done.
    mutating func next() -> KernelSpec? {
        if queue.isEmpty {
            worker = nil
            return nil
        }
        return queue.removeFirst()
    }

    /// A kernel takes its place; everyone who has the interpreter instead, or waits, is told.
    mutating func finish(_ key: SpecKey, _ choice: KernelChoice) {
        entries[key]?.phase = .ready(choice)
        entries[key]?.supersession.complete()
        release(key, .success(()))
        tell(.ready(key))
    }

    /// - Parameter retryDelay: seconds until it may be tried again, doubled by each failure of the same problem; nil for never.
    mutating func fail(_ key: SpecKey, reason: String, retryDelay: Double?) {
        let error = OnDemandError.failed(key, reason: reason)
        let patience = entries[key]?.patience ?? 1
        let retry = retryDelay.map { ContinuousClock.now + Checked.duration(seconds: $0 * patience) }
        entries[key]?.patience = min(2 * patience, Self.mostPatience)
        entries[key]?.phase = .failed(error, retry: retry)
        release(key, .failure(error))
        tell(.failed(key, reason))
    }

    /// Nothing is made any more: all that is not made by now fails, and so does what is asked for later.
    /// - Parameter event: the last one that listeners hear.
    mutating func halt(_ error: OnDemandError, _ event: OnDemandEvent? = nil) {
        if obstacle == nil { obstacle = error }
        queue = []
        for (key, entry) in entries {
            guard case .waiting = entry.phase else { continue }
            entries[key]?.phase = .failed(error, retry: nil)
            release(key, .failure(error))
        }
        if let event { tell(event) }
        for listener in listeners { listener.finish() }
        listeners = []
    }

    private mutating func release(_ key: SpecKey, _ outcome: Result<Void, OnDemandError>) {
        for waiter in entries[key]?.waiters ?? [] {
            waiter.yield(outcome)
            waiter.finish()
        }
        entries[key]?.waiters = []
    }

    // MARK: Listeners

    /// Listeners that are gone are forgotten then.
    mutating func tell(_ event: OnDemandEvent) {
        listeners.removeAll { listener in
            if case .terminated = listener.yield(event) { true } else { false }
        }
    }

    mutating func add(_ listener: AsyncStream<OnDemandEvent>.Continuation) {
        if obstacle == nil { listeners.append(listener) } else { listener.finish() }
    }

    /// Whether a cause is named for the first time.
    mutating func isNew(cause: String) -> Bool { causes.insert(cause).inserted }
}
