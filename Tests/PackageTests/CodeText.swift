/// Swift or C without what is not code: comments, texts in quotes, and in C directives and the tags of templates too become blanks. Lines
/// and columns stay where they are.
struct CodeText {
    enum Language {
        case swift
        case c

        /// Nil for a file that is no code.
        init?(path: String) {
            if path.hasSuffix(".swift") { self = .swift }
            else if [".c", ".h", ".mustache"].contains(where: { path.hasSuffix($0) }) { self = .c }
            else { return nil }
        }
    }

    /// The code, byte for byte as long as the text.
    private(set) var bytes: [UInt8]
    private let language: Language
    private var place = 0

    /// With these begins what is no code.
    private static let marks = Array("/{#'\"".utf8)

    init(_ text: String, _ language: Language) {
        bytes = Array(text.utf8)
        self.language = language
        while place < bytes.count { step() }
    }

    private func begins(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        return place + count <= bytes.count && (0..<count).allSatisfy { bytes[place + $0] == word.utf8Start[$0] }
    }

    /// Takes some bytes away, but for the ends of lines.
    private mutating func blank(_ count: Int) {
        for _ in 0..<min(count, bytes.count - place) {
            if bytes[place] != UInt8(ascii: "\n") { bytes[place] = UInt8(ascii: " ") }
            place += 1
        }
    }

    private mutating func blank(through end: StaticString) {
        while place < bytes.count && !begins(end) { blank(1) }
        blank(end.utf8CodeUnitCount)
    }

    private mutating func step() {
        // Most bytes begin nothing.
        guard Self.marks.contains(bytes[place]) else {
            place += 1
            return
        }
        if begins("//") {
            while place < bytes.count && !begins("\n") { blank(1) }
        } else if begins("/*") {
            blank(2)
            blank(through: "*/")
        } else if language == .c && begins("{{") {
            blank(through: "}}")
        } else if language == .c && begins("#") {
            // A line that ends with a backslash goes on.
            while place < bytes.count && !begins("\n") { blank(begins("\\\n") ? 2 : 1) }
        } else if language == .c && begins("'") {
            blankText(quote: "'", hashes: 0)
        } else if begins("\"") || (language == .swift && begins("#")) {
            blankText()
        } else {
            place += 1
        }
    }

    /// A text in one or three quotes, maybe with number signs around it.
    private mutating func blankText() {
        let start = place
        while place < bytes.count && begins("#") { place += 1 }
        let hashes = place - start
        if begins("\"\"\"") && language == .swift {
            blankText(quote: "\"\"\"", hashes: hashes)
        } else if begins("\"") {
            blankText(quote: "\"", hashes: hashes)
        }
    }

    private mutating func blankText(quote: StaticString, hashes: Int) {
        blank(quote.utf8CodeUnitCount)
        while place < bytes.count {
            let rest = bytes[place...]
            let isEscape = begins("\\") && rest.dropFirst().prefix(hashes).allSatisfy { $0 == UInt8(ascii: "#") }
            if isEscape {
                blank(1 + hashes)
                if language == .swift && begins("(") { blankInterpolation() } else { blank(1) }
            } else if begins(quote), rest.dropFirst(quote.utf8CodeUnitCount).prefix(hashes).count(where: { $0 == UInt8(ascii: "#") }) == hashes {
                blank(quote.utf8CodeUnitCount + hashes)
                return
            } else if begins("\n") && quote.utf8CodeUnitCount == 1 {
                return
            } else {
                blank(1)
            }
        }
    }

    /// What stands in a text between `\(` and its `)`, texts inside included.
    private mutating func blankInterpolation() {
        var depth = 0
        repeat {
            if begins("\"") {
                blankText()
                continue
            }
            if begins("(") { depth += 1 }
            if begins(")") { depth -= 1 }
            blank(1)
        } while place < bytes.count && depth > 0
    }
}
