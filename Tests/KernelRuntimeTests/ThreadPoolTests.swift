import Glibc
import Synchronization
import Testing
import VoxKernelRuntime

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

    /// Tries again until something was seen: while another test holds the workers a call runs alone, and where the processors are busy
    /// a worker may come late.
    private func eventually(_ attempt: () throws -> Bool) rethrows -> Bool {
        let end = ContinuousClock.now + .seconds(60)
        repeat {
            if try attempt() { return true }
            sched_yield()
        } while ContinuousClock.now < end
        return false
    }

    /// Waits up to two seconds.
    private func wait(until condition: () -> Bool) {
        let end = ContinuousClock.now + .seconds(2)
        while !condition() && ContinuousClock.now < end { sched_yield() }
    }

    /// A participant that is held up keeps only the range it works on: all other items are done while it waits.
    @Test func othersTakeOverWhatASlowThreadHasLeft() throws {
        // The first range is half of the slow thread's half, or less when that was taken over.
        #expect(try eventually {
            let done = Atomic<Int>(0)
            let seen = Atomic<Int>(0)
            try ThreadPool.shared.run(threads: 2, items: 64) { participant, range in
                if range.contains(0) && range.count < 64 {
                    wait { done.load(ordering: .sequentiallyConsistent) >= 48 }
                    seen.store(done.load(ordering: .sequentiallyConsistent), ordering: .sequentiallyConsistent)
                }
                done.add(range.count, ordering: .sequentiallyConsistent)
            }
            return seen.load(ordering: .sequentiallyConsistent) >= 48
        })
    }

    @Test func participantsRunAtTheSameTime() throws {
        // Both wait for the other, so they meet only when two threads are inside the body at once.
        #expect(try eventually {
            let arrived = Atomic<Int>(0)
            let sawBoth = Atomic<Int>(0)
            try ThreadPool.shared.run(threads: 2, items: 2) { _, range in
                arrived.add(1, ordering: .sequentiallyConsistent)
                if range.count < 2 { wait { arrived.load(ordering: .sequentiallyConsistent) == 2 } }
                if arrived.load(ordering: .sequentiallyConsistent) == 2 { sawBoth.add(1, ordering: .relaxed) }
            }
            return sawBoth.load(ordering: .relaxed) == 2
        })
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

    /// A call whose cost is known: one of little work runs as one range.
    @Test func smallCallsRunInOnePiece() throws {
        let calls = Mutex<[Range<Int>]>([])
        try ThreadPool.shared.run(threads: 2, items: 100, cost: CallCost(nanoseconds: 2000)) { _, range in
            calls.withLock { $0.append(range) }
        }
        #expect(calls.withLock { $0 } == [0..<100])
    }
}
