/// A C function that stores the first lanes of a vector, for templates to print.
struct PartialStore {
    struct Piece { let statement: String }

    let count: Int
    let pieces: [Piece]

    init(_ count: Int, lanes: Int) {
        self.count = count
        pieces = Self.pieces(of: "v", 0..<count, to: "y", at: 0, lanes: lanes).map(Piece.init)
    }

    /// Statements that store a range of a vector's lanes in pieces of 8, 4, 2 and 1, so that nothing else is written.
    static func pieces(of vector: String, _ range: Range<Int>, to base: String, at place: Int, lanes: Int) -> [String] {
        var statements: [String] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let size = [8, 4, 2, 1].first { $0 <= range.upperBound - start && $0 <= lanes / 2 } ?? 1
            let offset = place + start - range.lowerBound
            if size == 1 {
                statements.append("\(base)[\(offset)] = \(vector)[\(start)];")
            } else {
                let indices = (start..<start + size).map(String.init).joined(separator: ", ")
                statements.append(
                    "*(vs_f\(size) *)(\(base) + \(offset)) = __builtin_shufflevector(\(vector), \(vector), \(indices));")
            }
            start += size
        }
        return statements
    }
}
