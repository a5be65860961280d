import CHost
import Glibc
import Synchronization

/// The threads of this process that run kernels. They are started when a layer is prepared, or when first needed, and never end.
///
/// A worker without work spins for a while before it sleeps: waking a sleeping core costs some 40 µs, which is more than many
/// layers take, while a spinning one starts within 0.2 µs. Layers called one after another therefore find the workers awake.
public final class ThreadPool: @unchecked Sendable {
    /// The only pool of the process.
    public static let shared = ThreadPool()

    /// Cores in the affinity mask of the process.
    public static var defaultThreadCount: Int { cores }

    private static let cores = Int(vs_available_cores())

    /// How long a worker spins before it sleeps.
    private static let spinNanoseconds: UInt64 = 200_000

    /// Most participants of one call; a ticket holds the number in 16 bits.
    package static let maximumThreads = 4096

    /// What the current call wants done. Lives on the caller's stack until every participant has finished.
    private struct Job {
        let items: Int
        let participants: Int
        let body: (Int, Range<Int>) throws(KernelError) -> Void
    }

    /// Calls counted in the upper 48 bits, number of threads taking part in the lower 16. A worker acts when it changes.
    private let ticket = Atomic<UInt64>(0)
    /// Workers that have not finished the current call.
    private let pending = Atomic<Int>(0)
    private let isBusy = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let callerSleeps = Atomic<Bool>(false)

    // Written by the caller while it holds `isBusy`, before the ticket changes; read by participants after they saw the change.
    private nonisolated(unsafe) var job: UnsafePointer<Job>?
    /// Workers started so far; belongs to whoever holds `isBusy`.
    private nonisolated(unsafe) var workerCount = 0

    /// The error of the lowest participant that failed.
    private let failure = Mutex<(participant: Int, error: KernelError)?>(nil)

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let finished = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    // Private: workers hold a reference for ever, so a pool could never be released.
    private init() {
        mutex.initialize(to: pthread_mutex_t())
        wake.initialize(to: pthread_cond_t())
        finished.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(finished, nil)
    }

    /// Splits `0 ..< items` into contiguous ranges that differ in length by at most one, and calls `body` with each of them,
    /// `threads` at a time; returns when all have finished.
    ///
    /// The calling thread is participant 0 and works too. No range is empty: with fewer items than threads there are
    /// `items` participants. `threads` may exceed the number of cores. With one thread `body` is called directly. While
    /// another thread's call is using the workers, and for calls from within `body`, the caller works through the same
    /// ranges by itself, one after the other.
    ///
    /// Arguments:
    /// - `threads`: wanted number of threads; less than 1 counts as 1.
    /// - `body`: called with the participant's number and its range, from several threads at once.
    /// - Throws: the error of the lowest-numbered participant that failed; the others still run to their end, except when
    ///   the caller works alone, which stops at the first error.
    public func run(
        threads: Int, items: Int, _ body: (_ participant: Int, _ range: Range<Int>) throws(KernelError) -> Void
    ) throws(KernelError) {
        if items <= 0 { return }
        let participants = Self.participants(threads: threads, items: items)
        if participants == 1 { return try body(0, 0..<items) }
        guard isBusy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
            for participant in 0..<participants {
                try body(participant, Self.range(of: participant, among: participants, items: items))
            }
            return
        }
        let error = withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: Job(items: items, participants: participants, body: body)) { distribute($0) }
        }
        isBusy.store(false, ordering: .releasing)
        if let error { throw error }
    }

    /// Starts the workers that calls with so many threads need, so that the first of them need not wait for the system to make
    /// threads (some 0.2 ms). Does nothing while a call is using the pool: that call has started its own.
    package func start(threads: Int) {
        guard isBusy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else { return }
        startWorkers(min(threads, Self.maximumThreads) - 1)
        isBusy.store(false, ordering: .releasing)
    }

    /// How many threads share a call.
    /// - Parameters:
    ///   - threads: the wanted number; less than 1 counts as 1.
    ///   - items: of the call; none of its participants goes without.
    package static func participants(threads: Int, items: Int) -> Int { max(1, min(threads, items, maximumThreads)) }

    /// The items of one participant; the first `items % participants` of them have one more.
    static func range(of participant: Int, among participants: Int, items: Int) -> Range<Int> {
        let (share, rest) = items.quotientAndRemainder(dividingBy: participants)
        let begin = participant * share + min(participant, rest)
        return begin..<begin + share + (participant < rest ? 1 : 0)
    }

    private func distribute(_ current: UnsafePointer<Job>) -> KernelError? {
        let participants = current.pointee.participants
        startWorkers(participants - 1)
        let team = min(participants, workerCount + 1)  // fewer than asked for when the system refuses threads
        job = current
        pending.store(team - 1, ordering: .relaxed)
        let calls = ticket.load(ordering: .relaxed) >> 16
        // Sequentially consistent with the sleeper's increment: either it sees the new ticket or this sees the sleeper.
        ticket.store((calls + 1) << 16 | UInt64(team), ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
            pthread_mutex_lock(mutex)
            pthread_cond_broadcast(wake)
            pthread_mutex_unlock(mutex)
        }
        perform(current, participant: 0)
        for participant in team..<max(team, participants) { perform(current, participant: participant) }
        waitForWorkers(spinning: team <= Self.cores)
        job = nil
        return failure.withLock { failure in
            defer { failure = nil }
            return failure?.error
        }
    }

    private func perform(_ job: UnsafePointer<Job>, participant: Int) {
        let range = Self.range(of: participant, among: job.pointee.participants, items: job.pointee.items)
        do throws(KernelError) {
            try job.pointee.body(participant, range)
        } catch {
            failure.withLock { failure in
                if let known = failure, known.participant < participant { return }
                failure = (participant, error)
            }
        }
    }

    private func waitForWorkers(spinning: Bool) {
        if spin(for: spinning ? Self.spinNanoseconds : 0, until: { pending.load(ordering: .acquiring) == 0 }) { return }
        pthread_mutex_lock(mutex)
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while pending.load(ordering: .sequentiallyConsistent) != 0 { pthread_cond_wait(finished, mutex) }
        callerSleeps.store(false, ordering: .relaxed)
        pthread_mutex_unlock(mutex)
    }

    /// Whether `condition` came true in the given time.
    @inline(__always)
    private func spin(for nanoseconds: UInt64, until condition: () -> Bool) -> Bool {
        let end = vs_monotonic_nanoseconds() + nanoseconds
        repeat {
            for _ in 0..<64 {
                if condition() { return true }
                vs_pause()
            }
        } while vs_monotonic_nanoseconds() < end
        return false
    }

    // MARK: Workers

    private struct Start {
        let pool: ThreadPool
        let participant: Int
        let ticket: UInt64
    }

    private func startWorkers(_ count: Int) {
        while workerCount < count {
            let start = UnsafeMutablePointer<Start>.allocate(capacity: 1)
            start.initialize(to: Start(pool: self, participant: workerCount + 1, ticket: ticket.load(ordering: .relaxed)))
            var thread = pthread_t()
            let status = pthread_create(&thread, nil, { raw in
                guard let raw else { return nil }
                let pointer = raw.assumingMemoryBound(to: Start.self)
                let start = pointer.move()
                pointer.deallocate()
                start.pool.work(as: start.participant, after: start.ticket)
            }, start)
            guard status == 0 else {
                start.deinitialize(count: 1)
                start.deallocate()
                return
            }
            pthread_detach(thread)
            workerCount += 1
        }
    }

    private func work(as participant: Int, after ticket: UInt64) -> Never {
        var seen = ticket
        // More workers than cores would only take each other's time by spinning.
        let patience = participant < Self.cores ? Self.spinNanoseconds : 0
        while true {
            let next = nextTicket(after: seen, spinning: patience)
            seen = next
            // Without a part in this call the job may be gone already.
            guard participant < Int(next & 0xFFFF), let job else { continue }
            perform(job, participant: participant)
            if pending.subtract(1, ordering: .sequentiallyConsistent).newValue == 0,
                callerSleeps.load(ordering: .sequentiallyConsistent)
            {
                pthread_mutex_lock(mutex)
                pthread_cond_signal(finished)
                pthread_mutex_unlock(mutex)
            }
        }
    }

    private func nextTicket(after seen: UInt64, spinning nanoseconds: UInt64) -> UInt64 {
        if spin(for: nanoseconds, until: { ticket.load(ordering: .acquiring) != seen }) {
            return ticket.load(ordering: .acquiring)
        }
        pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        var next = ticket.load(ordering: .sequentiallyConsistent)
        while next == seen {
            pthread_cond_wait(wake, mutex)
            next = ticket.load(ordering: .sequentiallyConsistent)
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
        return next
    }
}
