import CVoxHost
import Glibc
import Synchronization
import VoxKernels
import VoxLayerSpec

/// The threads of this process that run kernels. They are started when a layer is prepared, or when first needed, and never end.
///
/// A worker without work spins for 50 µs before it sleeps: waking a sleeping core costs some 40 µs, which is more than many
/// layers take, while a spinning one starts within 0.3 µs. Layers called one after another therefore find the workers awake, and
/// other programs find the cores free soon after.
public final class ThreadPool: @unchecked Sendable {
    // Unchecked: `job`, `workerCount` and what follows them belong to whoever holds `isBusy`, and `job` also to workers that hold
    // a seat; all else is atomic.

    /// The only pool of the process.
    public static let shared = ThreadPool()

    /// Cores in the affinity mask of the process; no more than a call can have.
    public static var defaultThreadCount: Int { min(cores, maximumThreads) }

    private static let cores = Int(vs_available_cores())

    /// How long a worker spins before it sleeps.
    private static let workerSpin: UInt64 = 50_000
    /// How long a caller spins for the last worker before it sleeps; its core is taken by the call anyway.
    private static let callerSpin: UInt64 = 200_000

    /// Most threads of one call; `seats` holds the number in 16 bits.
    public static let maximumThreads = WorkItems.maximumThreads

    /// What the current call wants done. Lives on the caller's stack until no worker holds a seat.
    private struct Job {
        let items: Int
        let pieces: Int
        let participants: Int
        let body: (Int, Range<Int>) throws(KernelError) -> Void
    }

    /// Free seats of the current call in the upper half, workers that have taken one and not left in the lower. A worker that
    /// finds a free seat takes it and becomes the participant of that number.
    private let seats = Atomic<UInt64>(0)
    /// Counts calls for workers that sleep on it.
    private let calls: UnsafeMutablePointer<Atomic<UInt32>>
    /// Changes when the last worker leaves while the caller sleeps on it.
    private let departures: UnsafeMutablePointer<Atomic<UInt32>>
    private let callerSleeps = Atomic<Bool>(false)
    /// Of each worker: its thread in the upper half, the core it was last seen on in the lower; 0 for those not begun.
    private let places: UnsafeMutablePointer<Atomic<UInt64>>
    private let isBusy = Atomic<Bool>(false)
    private let sleepers = Atomic<Int>(0)
    private let workersBegun = Atomic<Int>(0)
    private let claims = ClaimedPieces()

    private nonisolated(unsafe) var job: UnsafePointer<Job>?
    private nonisolated(unsafe) var workerCount = 0
    /// Work that was done alone because the workers slept, in calls that followed each other closely.
    private nonisolated(unsafe) var workAlone = 0.0
    /// When the last such call ended.
    private nonisolated(unsafe) var lastAlone: UInt64 = 0

    /// The error of the first range that failed, in the order of items.
    private let failure = Mutex<(start: Int, error: KernelError)?>(nil)

    // Private: workers hold a reference for ever, so a pool could never be released.
    private init() {
        calls = .allocate(capacity: 1)
        calls.initialize(to: Atomic(0))
        departures = .allocate(capacity: 1)
        departures.initialize(to: Atomic(0))
        places = .allocate(capacity: Self.maximumThreads)
        for worker in 0..<Self.maximumThreads { (places + worker).initialize(to: Atomic(0)) }
    }

    /// Cuts `0 ..< items` into ranges and calls `body` with each of them, on up to `threads` threads at a time; returns when all
    /// have finished.
    ///
    /// The calling thread is participant 0 and works too. Every participant begins with a contiguous share of the items and works
    /// through it front to back, in ranges that halve; one that has finished takes over half of what another has left, from its
    /// end. A worker that comes late therefore holds nobody up. With one thread, and while another thread's call is using the
    /// workers, and in calls from within `body`, the caller calls `body` once with all items.
    ///
    /// - Parameters:
    ///   - threads: wanted number of threads; less than 1 counts as 1.
    ///   - items: number of independent pieces of work.
    ///   - body: called under the default arithmetic (`DefaultArithmetic`) on every thread, with the participant's number, less than
    ///     `participants(threads:items:)`, and a range that is not empty; any number of times for a participant, and from several
    ///     threads at once for different ones.
    /// - Throws: the error of the first range that failed, in the order of items; the others still run.
    public func run(
        threads: Int, items: Int, _ body: (_ participant: Int, _ range: Range<Int>) throws(KernelError) -> Void
    ) throws(KernelError) {
        try run(threads: threads, items: items, cost: nil, body)
    }

    /// As the public one. With a cost, small work stays on the calling thread, more so while the workers sleep.
    package func run(
        threads: Int, items: Int, cost: CallCost?, _ body: (_ participant: Int, _ range: Range<Int>) throws(KernelError) -> Void
    ) throws(KernelError) {
        if items <= 0 { return }
        let arithmetic = vs_default_arithmetic()
        defer { vs_restore_arithmetic(arithmetic) }
        var participants = Self.participants(threads: threads, items: items, cost: cost)
        guard participants > 1, isBusy.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        else { return try body(0, 0..<items) }
        if let cost { participants = awakeParticipants(participants, cost) }
        if participants == 1 {
            isBusy.store(false, ordering: .releasing)
            return try body(0, 0..<items)
        }
        let perParticipant = cost?.pieces(participants: participants) ?? CallCost.mostPieces
        // Swift 6.3 puts the length of this file's path into the program here, whatever -file-prefix-map says: builds in two folders would differ.
        #sourceLocation(file: "ThreadPool.swift", line: 114)
        let error = withoutActuallyEscaping(body) { body in
            let job = Job(items: items, pieces: min(items, participants * perParticipant), participants: participants, body: body)
            return withUnsafePointer(to: job) { distribute($0) }
        }
        #sourceLocation()
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

    /// Lets all threads of the process take small objects from one heap, where the C library reserves addresses for one of each thread's
    /// own. To be called before there are threads.
    package static func shareOneHeap() { vs_share_one_heap() }

    /// How many threads share a call at most.
    /// - Parameters:
    ///   - threads: the wanted number; less than 1 counts as 1.
    ///   - items: of the call; there are no more participants than that.
    package static func participants(threads: Int, items: Int) -> Int { max(1, min(threads, items, maximumThreads)) }

    static func participants(threads: Int, items: Int, cost: CallCost?) -> Int {
        let most = participants(threads: threads, items: items)
        return cost?.threads(atMost: most) ?? most
    }

    /// The number of participants that pays, given who is awake. Work that is too small to wake anybody for is done by those who are awake,
    /// until calls that follow each other have done as much of it as waking costs.
    private func awakeParticipants(_ wanted: Int, _ cost: CallCost) -> Int {
        let awake = 1 + workerCount - sleepers.load(ordering: .relaxed)
        if awake >= wanted || cost.nanoseconds >= CallCost.worthWaking { return wanted }
        let now = vs_monotonic_nanoseconds()
        if now > lastAlone + Self.workerSpin { workAlone = 0 }
        workAlone += cost.nanoseconds
        lastAlone = now + UInt64(cost.nanoseconds)
        if workAlone < CallCost.worthWaking { return max(1, awake) }
        workAlone = 0
        return wanted
    }

    private func distribute(_ current: UnsafePointer<Job>) -> KernelError? {
        let participants = current.pointee.participants
        startWorkers(participants - 1)
        claims.assign(pieces: current.pointee.pieces, participants: participants)
        job = current
        let free = participants - 1
        let awake = workerCount - sleepers.load(ordering: .relaxed)
        keepWorkersOffThisCore()
        seats.store(UInt64(free) << 32, ordering: .sequentiallyConsistent)
        // Sequentially consistent with a worker on its way to sleep: either the worker sees the seats, or its call to sleep sees this
        // change.
        calls.pointee.add(1, ordering: .sequentiallyConsistent)
        if free > awake, sleepers.load(ordering: .sequentiallyConsistent) > 0 { vs_wake(calls, Int32(free - awake)) }
        perform(current, participant: 0)
        close()
        job = nil
        return failure.withLock { failure in
            defer { failure = nil }
            return failure?.error
        }
    }

    /// The system often starts a woken thread on the core of the one that woke it. A worker there would wait until the caller is
    /// interrupted, some milliseconds, while another core idles: the caller computes and never sleeps. (Two cores: layers ran at half their
    /// speed for as long as they were called.)
    private func keepWorkersOffThisCore() {
        let core = vs_current_core()
        if core < 0 { return }
        for worker in 0..<workerCount {
            let place = places[worker].load(ordering: .relaxed)
            if place != 0, place & 0xFFFF_FFFF == UInt64(core) {
                vs_keep_off_core(Int32(place >> 32), core)
                // Valid until the worker says where it is now.
                places[worker].store(place | 0xFFFF_FFFF, ordering: .relaxed)
            }
        }
    }

    private func perform(_ job: UnsafePointer<Job>, participant: Int) {
        let (items, total) = (job.pointee.items, job.pointee.pieces)
        while let pieces = claims.claim(for: participant, participants: job.pointee.participants) {
            let begin = EqualShares.range(of: pieces.lowerBound, among: total, items: items).lowerBound
            let end = EqualShares.range(of: pieces.upperBound - 1, among: total, items: items).upperBound
            do throws(KernelError) {
                try job.pointee.body(participant, begin..<end)
            } catch {
                failure.withLock { failure in
                    if let known = failure, known.start < begin { return }
                    failure = (begin, error)
                }
            }
        }
    }

    /// Takes the free seats away, and waits for the workers that have one: all pieces are claimed, some still computed.
    private func close() {
        seats.bitwiseAnd(0xFFFF_FFFF, ordering: .acquiringAndReleasing)
        if spin(for: Self.callerSpin, until: { seats.load(ordering: .acquiring) == 0 }) { return }
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while true {
            let seen = departures.pointee.load(ordering: .sequentiallyConsistent)
            if seats.load(ordering: .sequentiallyConsistent) == 0 { break }
            vs_sleep(departures, seen)
        }
        callerSleeps.store(false, ordering: .relaxed)
    }

    /// Whether `condition` came true in the given time.
    @inline(__always)
    private func spin(for nanoseconds: UInt64, until condition: () -> Bool) -> Bool {
        if condition() { return true }
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

    private func startWorkers(_ count: Int) {
        while workerCount < count {
            var thread = pthread_t()
            let pool = Unmanaged.passUnretained(self).toOpaque()  // it is never released
            let status = pthread_create(&thread, nil, { raw in
                guard let raw else { return nil }
                Unmanaged<ThreadPool>.fromOpaque(raw).takeUnretainedValue().work()
            }, pool)
            guard status == 0 else { return }
            pthread_detach(thread)
            workerCount += 1
        }
    }

    private func work() -> Never {
        // More workers than cores would only take each other's time by spinning.
        let number = workersBegun.add(1, ordering: .relaxed).oldValue
        let patience = number + 1 < Self.cores ? Self.workerSpin : 0
        let thread = UInt64(vs_thread_number()) << 32
        func notePlace() { places[number].store(thread | UInt64(max(0, vs_current_core())), ordering: .relaxed) }
        notePlace()
        while true {
            if spin(for: patience, until: { seats.load(ordering: .relaxed) >> 32 != 0 }) {
                sit()
                notePlace()
            } else {
                let seen = calls.pointee.load(ordering: .sequentiallyConsistent)
                if seats.load(ordering: .sequentiallyConsistent) >> 32 != 0 { continue }
                sleepers.add(1, ordering: .sequentiallyConsistent)
                vs_sleep(calls, seen)
                sleepers.subtract(1, ordering: .sequentiallyConsistent)
                notePlace()
            }
        }
    }

    /// Takes a seat if there is one, and works until nothing is left to claim.
    private func sit() {
        var seen = seats.load(ordering: .relaxed)
        while true {
            if seen >> 32 == 0 { return }
            let (exchanged, original) = seats.weakCompareExchange(
                expected: seen, desired: seen - (1 << 32) + 1, ordering: .acquiringAndReleasing)
            if exchanged { break }
            seen = original
        }
        // A new thread has the arithmetic of the one that started it, and an earlier body may have changed it.
        _ = vs_default_arithmetic()
        // Seats are numbered from the highest down; the caller's is 0.
        if let job { perform(job, participant: Int(seen >> 32)) }
        if seats.subtract(1, ordering: .sequentiallyConsistent).newValue & 0xFFFF_FFFF == 0,
            callerSleeps.load(ordering: .sequentiallyConsistent)
        {
            departures.pointee.add(1, ordering: .sequentiallyConsistent)
            vs_wake(departures, 1)
        }
    }
}
