import Glibc
import KernelRuntime
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
    /// Every item exactly once, ranges contiguous and never empty, for teams smaller and larger than the machine.
    @Test func everyItemRunsOnce() throws {
        for threads in [1, 2, 3, 7, 19] {
            for items in [0, 1, 2, 3, 6, 7, 8, 100, 1001] {
                let ranges = Mutex<[Int: Range<Int>]>([:])
                try ThreadPool.shared.run(threads: threads, items: items) { participant, range in
                    ranges.withLock { ranges in
                        #expect(ranges[participant] == nil, "participant \(participant) ran twice")
                        ranges[participant] = range
                    }
                }
                let found = ranges.withLock { $0 }
                #expect(found.count == min(threads, items), "threads \(threads), items \(items)")
                var next = 0
                for participant in 0..<found.count {
                    let range = try #require(found[participant])
                    #expect(range.lowerBound == next && !range.isEmpty, "threads \(threads), items \(items)")
                    next = range.upperBound
                }
                #expect(next == items, "threads \(threads), items \(items)")
            }
        }
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

    @Test func lowestErrorIsThrownAndThePoolStaysUsable() throws {
        for threads in [1, 2, 3, 7] {
            #expect(throws: KernelError.failed(kernel: "k", status: threads == 1 ? 0 : 1)) {
                try ThreadPool.shared.run(threads: threads, items: 7) { participant, _ throws(KernelError) in
                    if participant >= 1 || threads == 1 { throw .failed(kernel: "k", status: Int32(participant)) }
                }
            }
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
}
