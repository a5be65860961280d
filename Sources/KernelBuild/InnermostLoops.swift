/// Finds the innermost loops of a function: what lies between a jump backwards and where it leads, with no such pair inside.
struct InnermostLoops {
    private var backward: Set<ClosedRange<Int>> = []
    private var spillPlaces: [Int] = []
    private var multiplyAddPlaces: [Int] = []
    private var multiplicationPlaces: [Int] = []

    mutating func add(_ line: CodeLine) {
        let (instruction, offset) = (line.instruction, line.offset)
        if instruction.isSpill { spillPlaces.append(offset) }
        if instruction.isFusedMultiplyAdd { multiplyAddPlaces.append(offset) }
        if instruction.isMultiplication { multiplicationPlaces.append(offset) }
        if let jump = instruction.jump, case let target = line.jumpBase &+ jump, target <= offset, target >= 0 {
            backward.insert(target...offset)
        }
    }

    /// The innermost loops that hold any of these places, by their beginnings: none of them lies inside another.
    private func computing(_ places: [Int]) -> [ClosedRange<Int>] {
        // Sorted by their ends. A loop has another one inside when some loop that ends before it, or with it, begins after its beginning.
        let loops = backward.sorted { ($0.upperBound, $1.lowerBound) < ($1.upperBound, $0.lowerBound) }
        var computing: [ClosedRange<Int>] = []
        var latestBeginning = -1
        for loop in loops {
            if latestBeginning < loop.lowerBound, Self.count(places, in: loop) > 0 { computing.append(loop) }
            latestBeginning = max(latestBeginning, loop.lowerBound)
        }
        return computing
    }

    /// The loop with the most multiply-adds, the first of several; nil where no loop has any. In a function without them, of a processor that has
    /// none, the one with the most multiplications.
    var hottest: ClosedRange<Int>? {
        let places = multiplyAddPlaces.isEmpty ? multiplicationPlaces : multiplyAddPlaces
        return computing(places).max { a, b in
            let counts = (Self.count(places, in: a), Self.count(places, in: b))
            return (counts.0, b.lowerBound) < (counts.1, a.lowerBound)
        }
    }

    /// Spills in innermost loops with fused multiply-adds; those with multiplications alone do not count. Places come in ascending order.
    var spills: Int {
        // What two loops share counts once.
        var (result, end) = (0, -1)
        for loop in computing(multiplyAddPlaces) {
            let start = max(loop.lowerBound, end + 1)
            if start <= loop.upperBound { result += Self.count(spillPlaces, in: start...loop.upperBound) }
            end = loop.upperBound
        }
        return result
    }

    private static func count(_ places: [Int], in range: ClosedRange<Int>) -> Int {
        firstIndex(of: places, from: range.upperBound + 1) - firstIndex(of: places, from: range.lowerBound)
    }

    /// The first place at or behind `start`, by halving.
    private static func firstIndex(of places: [Int], from start: Int) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
