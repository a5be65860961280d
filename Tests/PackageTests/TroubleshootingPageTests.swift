import Testing

/// `Documentation/troubleshooting.md` explains sentences that the program prints.
@Suite struct TroubleshootingPageTests {
    private static let page = "Documentation/troubleshooting.md"

    /// The fixed words of a quoted sentence, between the marks for names and numbers.
    private func words(_ sentence: String) -> [String] {
        sentence.split(separator: "…").map { String($0).replacing("\"", with: "\\\"") }.filter { $0.count > 1 }
    }

    /// Whether a line of a source has the words of a sentence, in their order.
    private func has(_ line: String, _ words: [String]) -> Bool {
        var rest = line[...]
        for word in words {
            guard let range = rest.firstRange(of: word) else { return false }
            rest = rest[range.upperBound...]
        }
        return !words.isEmpty
    }

    @Test func everySentenceIsPrinted() throws {
        let lines = try PackageFiles.lines(Self.page)
        let sentences = lines.filter { $0.hasPrefix("> ") }.map { String($0.dropFirst(2)) }
        #expect(sentences.count == 10)
        // The page begins with them.
        let heading = try #require(lines.firstIndex { $0.hasPrefix("## ") })
        #expect(!lines[heading...].contains { $0.hasPrefix("> ") })
        let sources = try PackageFiles.files(under: "Sources").filter { $0.hasSuffix(".swift") }.flatMap { try PackageFiles.lines($0) }
            .filter { $0.contains("\"") }
        for sentence in sentences { #expect(sources.contains { has($0, words(sentence)) }, "nothing prints: \(sentence)") }
    }

    /// The comparison finds what it is for.
    @Test func otherSentencesAreFound() {
        let line = #"        case .x(let a, let b): "Layer \"\(a)\" has \(b) axes; expected 3.""#
        #expect(has(line, words("Layer \"…\" has … axes; expected 3.")))
        for other in ["Layer \"…\" has … axis; expected 3.", "has … axes; Layer …", "…"] { #expect(!has(line, words(other)), "\(other)") }
    }
}
