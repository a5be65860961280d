import Synchronization
import VoxKernels

/// Who computes which pieces of a call. Every participant has a contiguous share and claims half of what is left of it, from the
/// front; one whose share is used up claims half of what another has left, from the back. So neighbouring pieces mostly stay with
/// one thread, claims are few, and the last of them is a single piece.
final class ClaimedPieces: @unchecked Sendable {
    // Unchecked: `shares` is replaced by `assign` alone, which is called while nobody claims.

    /// Begin in the upper half, end in the lower. Each in cache lines of its own: processors fetch them in pairs.
    private nonisolated(unsafe) var shares = UnsafeMutablePointer<Share>.allocate(capacity: 0)
    private nonisolated(unsafe) var capacity = 0

    private struct Share: ~Copyable {
        let range = Atomic<UInt64>(0)
        private let padding: (Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    }

    /// Gives `0 ..< pieces` to the participants, in shares that differ by at most one.
    func assign(pieces: Int, participants: Int) {
        if participants > capacity {
            shares.deinitialize(count: capacity)
            shares.deallocate()
            shares = .allocate(capacity: participants)
            for participant in 0..<participants { (shares + participant).initialize(to: Share()) }
            capacity = participants
        }
        for participant in 0..<participants {
            let range = EqualShares.range(of: participant, among: participants, items: pieces)
            shares[participant].range.store(Self.word(range.lowerBound, range.upperBound), ordering: .relaxed)
        }
    }

    /// The next pieces for a participant; nil when all are claimed.
    func claim(for participant: Int, participants: Int) -> Range<Int>? {
        if let own = claim(from: participant, fromFront: true) { return own }
        for distance in 1..<max(1, participants) {
            if let other = claim(from: (participant + distance) % participants, fromFront: false) { return other }
        }
        return nil
    }

    private func claim(from participant: Int, fromFront: Bool) -> Range<Int>? {
        var seen = shares[participant].range.load(ordering: .relaxed)
        while true {
            let (begin, end) = (Int(seen >> 32), Int(seen & 0xFFFF_FFFF))
            if begin == end { return nil }
            let half = (end - begin + 1) / 2
            let new = fromFront ? Self.word(begin + half, end) : Self.word(begin, end - half)
            let (exchanged, original) = shares[participant].range.weakCompareExchange(
                expected: seen, desired: new, ordering: .relaxed)
            if exchanged { return fromFront ? begin..<begin + half : end - half..<end }
            seen = original
        }
    }

    private static func word(_ begin: Int, _ end: Int) -> UInt64 { UInt64(begin) << 32 | UInt64(end) }
}
