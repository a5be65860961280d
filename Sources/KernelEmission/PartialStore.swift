/// A C function that stores the first lanes of a vector, for templates to print.
struct PartialStore {
    struct Piece { let statement: String }

    let count: Int
    let pieces: [Piece]

    init(_ count: Int, lanes: Int) {
        self.count = count
        pieces = Self.pieces(count, lanes: lanes)
    }

    /// Stores the first `count` lanes in pieces of 8, 4, 2 and 1, so that nothing beyond them is written.
    private static func pieces(_ count: Int, lanes: Int) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        while start < count {
            let size = [8, 4, 2, 1].first { $0 <= count - start && $0 <= lanes / 2 } ?? 1
            if size == 1 {
                pieces.append(Piece(statement: "y[\(start)] = v[\(start)];"))
            } else {
                let indices = (start..<start + size).map(String.init).joined(separator: ", ")
                pieces.append(Piece(statement: "*(vs_f\(size) *)(y + \(start)) = __builtin_shufflevector(v, v, \(indices));"))
            }
            start += size
        }
        return pieces
    }
}
