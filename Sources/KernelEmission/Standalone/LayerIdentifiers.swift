/// Names of layers as the beginning of C's names: a layer's functions are its identifier with `_run`, `_pack` and so on. What they end in keeps
/// them from being keywords, and no such end is the end of another, so different identifiers have different functions.
package enum LayerIdentifiers {
    /// Bytes of the longest identifier, before the number of one that is taken. Every compiler reads many more.
    static let limit = 100

    /// First words that the generated C has for itself.
    private static let taken = ["vs", "voxelsmith"]

    /// An identifier for each name, in their order, all different.
    /// - Parameter names: any texts.
    package static func list(_ names: [String]) -> [String] {
        var used: Set<String> = []
        return names.map { name in
            let start = identifier(name)
            var (candidate, number) = (start, 1)
            while !used.insert(candidate).inserted {
                number += 1
                candidate = "\(start)_\(number)"
            }
            return candidate
        }
    }

    /// The ASCII letters and digits of a name, with an underscore for whatever stands between them: C++ keeps names with two underscores in a row
    /// for itself, and both languages those that begin with one.
    private static func identifier(_ name: String) -> String {
        let words = name.utf8.split { !isLetter($0) && !isDigit($0) }.map { String(decoding: $0, as: UTF8.self) }
        guard let first = words.first, let byte = first.utf8.first else { return "layer" }
        let isFree = isLetter(byte) && !taken.contains(first.lowercased())
        let text = (isFree ? words : ["layer"] + words).joined(separator: "_").utf8.prefix(limit)
        return String(decoding: text.last == UInt8(ascii: "_") ? text.dropLast() : text, as: UTF8.self)
    }

    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
