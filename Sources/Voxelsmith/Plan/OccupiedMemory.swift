/// Which bytes of a block are occupied, and when.
///
/// The times at which lifetimes begin or end are the leaves of a binary tree. What is occupied is kept at few nodes for each lifetime, as pieces that
/// do not touch each other; so a long list of buffers is not looked through for the few that live at a time. Where very many do, gaps between
/// them are looked for until that has taken some work, and then no more: a few bytes of a file make one more of them.
struct OccupiedMemory {
    /// Pieces in ascending order, with gaps between them.
    private struct Pieces {
        private(set) var list: [Range<Int>] = []

        mutating func add(_ piece: Range<Int>) {
            let first = place { $0.upperBound < piece.lowerBound }
            let last = place { $0.lowerBound <= piece.upperBound }
            if first == last { return list.insert(piece, at: first) }
            let joined = min(list[first].lowerBound, piece.lowerBound)..<max(list[last - 1].upperBound, piece.upperBound)
            list.replaceSubrange(first..<last, with: CollectionOfOne(joined))
        }

        /// Counts the gaps, and what is below the first piece, as occupied.
        mutating func closeGaps() { if let last = list.last { list = [0..<last.upperBound] } }

        /// How many pieces are as `isBefore` says, which those are that stand first.
        private func place(_ isBefore: (Range<Int>) -> Bool) -> Int {
            var (low, high) = (0, list.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(list[middle]) { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// The number of the leaf of a time.
    private let leaves: [Int: Int]
    /// A node's children are at twice its place and behind that; leaves begin at this one.
    private let firstLeaf: Int
    /// For each node, what is occupied at some time below it.
    private var touched: [Pieces]
    /// For each node, what is occupied at all times below it, and is not said of a node above it.
    private var covered: [Pieces]
    /// How many pieces may still be looked at before all gaps are closed.
    private var patience: Int

    /// - Parameters:
    ///   - lifetimes: all that will be asked for.
    ///   - patience: how many pieces are looked at, for all lifetimes together, before gaps are no longer looked for.
    init(_ lifetimes: [ClosedRange<Int>], patience: Int) {
        self.patience = patience
        let times = Set(lifetimes.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        leaves = Dictionary(uniqueKeysWithValues: times.enumerated().map { ($1, $0) })
        var count = 1
        while count < times.count { count *= 2 }
        firstLeaf = count
        touched = Array(repeating: Pieces(), count: 2 * count)
        covered = touched
    }

    mutating func occupy(_ piece: Range<Int>, during lifetime: ClosedRange<Int>) {
        if piece.isEmpty { return }
        // With gaps closed, all that is below a piece counts as occupied too.
        let whole = patience < 0 ? 0..<piece.upperBound : piece
        for node in roots(of: lifetime) {
            covered[node].add(whole)
            touched[node].add(whole)
        }
        // Every node above a root is above one of the ends.
        for node in nodesAbove(lifetime) { touched[node].add(whole) }
    }

    /// What is occupied at some time of a lifetime, in ascending order; pieces may overlap.
    mutating func pieces(during lifetime: ClosedRange<Int>) -> [Range<Int>] {
        let lists = roots(of: lifetime).map { touched[$0].list } + nodesAbove(lifetime).map { covered[$0].list }
        let result = lists.joined().sorted { $0.lowerBound < $1.lowerBound }
        if patience >= 0 {
            patience -= result.count
            if patience < 0 { closeGaps() }
        }
        return result
    }

    private mutating func closeGaps() {
        for node in touched.indices {
            touched[node].closeGaps()
            covered[node].closeGaps()
        }
    }

    private func ends(_ lifetime: ClosedRange<Int>) -> (first: Int, last: Int) {
        (firstLeaf + (leaves[lifetime.lowerBound] ?? 0), firstLeaf + (leaves[lifetime.upperBound] ?? 0))
    }

    /// The fewest nodes that have all times of a lifetime below them and no others.
    private func roots(of lifetime: ClosedRange<Int>) -> [Int] {
        var (first, last) = ends(lifetime)
        var result: [Int] = []
        while first < last {
            if first % 2 == 1 {
                result.append(first)
                first += 1
            }
            if last % 2 == 0 {
                result.append(last)
                last -= 1
            }
            (first, last) = (first / 2, last / 2)
        }
        if first == last { result.append(first) }
        return result
    }

    /// The first and last time of a lifetime, and all nodes above them, each once.
    private func nodesAbove(_ lifetime: ClosedRange<Int>) -> [Int] {
        var (first, last) = ends(lifetime)
        var result: [Int] = []
        while first > 0 {
            result.append(first)
            if last != first { result.append(last) }
            (first, last) = (first / 2, last / 2)
        }
        return result
    }
}
