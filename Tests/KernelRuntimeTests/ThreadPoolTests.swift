import Glibc
import KernelRuntime
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    /// Every item exactly once, in ranges that are not empty, for teams smaller and larger than the machine.
    @Test func everyItemRunsOnce() throws {
        for threads in [1, 2, 3, 7, 19] {
            for items in [0, 1, 2, 3, 6, 7, 8, 100, 1001] {
                let ranges = Mutex<[(participant: Int, range: Range<Int>)]>([])
                try ThreadPool.shared.run(threads: threads, items: items) { participant, range in
                    ranges.withLock { $0.append((participant, range)) }
                }
                let found = ranges.withLock { $0 }.sorted { $0.range.lowerBound < $1.range.lowerBound }
                var next = 0
                for (participant, range) in found {
                    #expect((0..<min(threads, items)).contains(participant), "threads \(threads), items \(items)")
                    #expect(range.lowerBound == next && !range.isEmpty, "threads \(threads), items \(items)")
                    next = range.upperBound
                }
                #expect(next == items, "threads \(threads), items \(items)")
            }
        }
    }

    /// A participant that is held up keeps only the range it works on: all other items are done while it waits.
    @Test func othersTakeOverWhatASlowThreadHasLeft() throws {
        let clock = ContinuousClock()
        var best = 0
        // While another test holds the workers a call runs alone, hence the attempts.
        for _ in 0..<500 where best < 48 {
            let done = Atomic<Int>(0)
            let seen = Atomic<Int>(0)
            try ThreadPool.shared.run(threads: 2, items: 64) { participant, range in
                if range.contains(0) {
                    let patience = clock.now + .milliseconds(20)
                    while done.load(ordering: .sequentiallyConsistent) < 48 && clock.now < patience { sched_yield() }
                    seen.store(done.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
                }
                done.add(range.count, ordering: .sequentiallyConsistent)
            }
            best = max(best, seen.load(ordering: .sequentiallyConsistent))
        }
        // The first range is half of the slow thread's half, or less when that was taken over.
        #expect(best >= 48)
    }

    @Test func participantsRunAtTheSameTime() throws {
        // Both wait for the other, so `met` becomes true only when two threads are inside the body at once. While another test
        // holds the workers a call runs alone and waits in vain, hence the attempts.
        let clock = ContinuousClock()
        var met = false
        for _ in 0..<500 where !met {
            let arrived = Atomic<Int>(0)
            let sawBoth = Atomic<Int>(0)
            try ThreadPool.shared.run(threads: 2, items: 2) { _, _ in
                arrived.add(1, ordering: .sequentiallyConsistent)
                let patience = clock.now + .milliseconds(20)
                while arrived.load(ordering: .sequentiallyConsistent) < 2 && clock.now < patience { sched_yield() }
                if arrived.load(ordering: .sequentiallyConsistent) == 2 { sawBoth.add(1, ordering: .relaxed) }
            }
            met = sawBoth.load(ordering: .relaxed) == 2
        }
        #expect(met)
    }

    @Test func firstErrorIsThrownAndThePoolStaysUsable() throws {
        for threads in [1, 2, 3, 7] {
            let ran = Atomic<Int>(0)
            #expect(throws: KernelError.failed(kernel: "k", status: 3)) {
                try ThreadPool.shared.run(threads: threads, items: 7) { _, range throws(KernelError) in
                    ran.add(range.count, ordering: .relaxed)
                    if let item = range.first(where: { $0 >= 3 }) { throw .failed(kernel: "k", status: Int32(item)) }
                }
            }
            #expect(ran.load(ordering: .relaxed) == 7)
            let sum = Atomic<Int>(0)
            try ThreadPool.shared.run(threads: threads, items: 10) { _, range in
                sum.add(range.reduce(0, +), ordering: .relaxed)
            }
            #expect(sum.load(ordering: .relaxed) == 45)
        }
    }

    @Test func nestedCallsRunInline() throws {
        let count = Atomic<Int>(0)
        try ThreadPool.shared.run(threads: 3, items: 3) { _, range throws(KernelError) in
            for _ in range {
                try ThreadPool.shared.run(threads: 3, items: 5) { _, inner in
                    count.add(inner.count, ordering: .relaxed)
                }
            }
        }
        #expect(count.load(ordering: .relaxed) == 15)
    }

    /// Many tasks call at once, each with its own buffer and team size; each must find its own sums.
    @Test func concurrentCallsKeepApart() async {
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var correct = true
                    for round in 0..<300 {
                        let threads = 1 + (task + round) % 4
                        var values = [Int](repeating: -1, count: 64)
                        values.withUnsafeMutableBufferPointer { buffer in
                            nonisolated(unsafe) let base = buffer
                            try? ThreadPool.shared.run(threads: threads, items: 64) { _, range in
                                for index in range { base[index] = index * task + round }
                            }
                        }
                        if values != (0..<64).map({ $0 * task + round }) { correct = false }
                    }
                    return correct
                }
            }
            for await correct in group { #expect(correct) }
        }
    }

    /// More work than one thread's worth, work that is worth handing to an awake thread, and pieces that cost something themselves.
    @Test func smallWorkStaysOnOneThread() {
        #expect(CallCost(nanoseconds: 1000).threads(atMost: 8) == 1)
        #expect(CallCost(nanoseconds: 2 * CallCost.leastShare - 1).threads(atMost: 8) == 1)
        #expect(CallCost(nanoseconds: 2 * CallCost.leastShare).threads(atMost: 8) == 2)
        #expect(CallCost(nanoseconds: 1e6).threads(atMost: 8) == 8)
        #expect(CallCost(nanoseconds: .infinity).threads(atMost: 8) == 8)
        #expect(CallCost(nanoseconds: 1e6).pieces(participants: 2) == CallCost.mostPieces)
        #expect(CallCost(nanoseconds: 6000).pieces(participants: 2) == 3)
        #expect(CallCost(nanoseconds: 2500).pieces(participants: 2) == 1)
        // Reading the weights again for a piece may cost a twentieth of it.
        #expect(CallCost(nanoseconds: 1e6, nanosecondsPerPiece: 10_000).pieces(participants: 2) == 2)
        #expect(CallCost(nanoseconds: 1e6, nanosecondsPerPiece: 100_000).pieces(participants: 2) == 1)
    }

    /// What a call with a cost does on the pool; the ranges of a small one are one range.
    @Test func smallCallsRunInOnePiece() throws {
        let calls = Mutex<[Range<Int>]>([])
        try ThreadPool.shared.run(threads: 2, items: 100, cost: CallCost(nanoseconds: 2000)) { _, range in
            calls.withLock { $0.append(range) }
        }
        #expect(calls.withLock { $0 } == [0..<100])
    }
}
