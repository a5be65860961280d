import Glibc
import Testing
import VoxLayerSpec
import VoxTensors

/// The instruments the other tests rely on.
@Suite struct TestSupportTests {
    @Test func guardedBuffersLieAgainstTheirPages() {
        let page = Int(getpagesize())
        for byteCount in [0, 1, 4, 100, page - 1, page, page + 1, 3 * page] {
            let start = GuardedBuffer(byteCount: byteCount, placement: .atStart)
            #expect(Int(bitPattern: start.address) % page == 0)
            for alignment in [1, 4, 64] {
                let end = GuardedBuffer(byteCount: byteCount, placement: .atEnd, alignment: alignment)
                let room = -(Int(bitPattern: end.address) + byteCount) & (page - 1)
                #expect(Int(bitPattern: end.address) % alignment == 0, "\(byteCount) bytes, alignment \(alignment)")
                #expect(room < alignment, "\(byteCount) bytes, alignment \(alignment): \(room) bytes behind")
            }
        }
        let floats = GuardedBuffer([1, 2, 3] as [Float], placement: .atEnd, alignment: 4)
        #expect(Array(floats.elements(Float.self)) == [1, 2, 3])
        floats.fill(0xFF)
        #expect(floats.elements(Float.self).allSatisfy { $0.isNaN })
    }

    @Test func accessOutsideAGuardedBufferEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            let buffer = GuardedBuffer(byteCount: 8, placement: .atEnd)
            (buffer.address + 8).storeBytes(of: 1, as: UInt8.self)
        }
        await #expect(processExitsWith: .signal(SIGSEGV)) {
            let buffer = GuardedBuffer(byteCount: 8, placement: .atStart)
            (buffer.address - 1).storeBytes(of: 1, as: UInt8.self)
        }
    }

    @Test func errorBoundsHoldAndAreNotVoid() {
        var random = SeededRandom(seed: 4)
        var worst = 0.0
        for n in [1, 7, 100, 5000] {
            let (x, w) = (random.reals(n), random.reals(n))
            var (sum, exact, magnitude) = (Float(0), 0.0, 0.0)
            for (a, b) in zip(x, w) {
                sum += Float(a) * Float(b)
                exact += a * b
                magnitude += abs(a * b)
            }
            let bound = ErrorBound.bounds(chain: n, type: .float32, magnitudes: [magnitude])
            #expect(ErrorBound.firstViolation(received: [Double(sum)], expected: [exact], bounds: bound) == nil, "\(n)")
            worst = max(worst, abs(Double(sum) - exact) / bound[0])
        }
        #expect(worst > 0.001, "the bound is within 1000 of an error that occurs: \(worst)")
        #expect(ErrorBound.firstViolation(received: [.nan], expected: [1], bounds: [1]) != nil)
        #expect(ErrorBound.firstViolation(received: [1, 2.5], expected: [1, 2], bounds: [0, 0.25]) != nil)
        #expect(ErrorBound.gamma(1, .float32) > 0x1p-24 && ErrorBound.gamma(1, .float32) < 0x1.0001p-24)
    }

    /// The first numbers of SplitMix64 for seed 1234567, as its authors' C code prints them.
    @Test func randomNumbersAreTheSameEverywhere() {
        var random = SeededRandom(seed: 1_234_567)
        #expect((0..<3).map { _ in random.next() } == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
        let reals = random.reals(10_000)
        #expect(reals.allSatisfy { $0 >= -1 && $0 < 1 && Double(Float($0)) == $0 })
        #expect(Set(random.integers(1000, limit: 3)) == [-3, -2, -1, 0, 1, 2, 3])
    }
}
