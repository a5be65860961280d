import Testing
import VoxLayerSpec

@Suite struct EscapingTests {
    @Test func whatIsSeenStays() {
        for text in ["", "a b", "größe-5_π/日本語.npy", "C:\\x \"y\"", "e\u{301}", "a\u{a0}b", "\u{1f600}"] { #expect(escaped(text) == text) }
    }

    @Test func whatIsNotSeenIsWritten() {
        for (text, expected) in [
            ("\u{1b}[2J", "\\u{1b}[2J"), ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"), ("\u{0}\u{7}\u{8}\u{7f}", "\\u{0}\\u{7}\\u{8}\\u{7f}"),
            ("\u{9b}31m\u{85}\u{90}", "\\u{9b}31m\\u{85}\\u{90}"),  // C1: CSI, NEL, DCS
            ("\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{61c}", "\\u{200e}\\u{200f}\\u{202a}\\u{202e}\\u{2066}\\u{2069}\\u{61c}"),
            ("\u{2028}\u{2029}\u{feff}\u{200b}\u{200d}\u{ad}\u{2060}", "\\u{2028}\\u{2029}\\u{feff}\\u{200b}\\u{200d}\\u{ad}\\u{2060}"),
            ("\u{3164}\u{115f}\u{34f}", "\\u{3164}\\u{115f}\\u{34f}"),  // fillers, which are letters one does not see
            ("\u{e0041}\u{e000}\u{ffff}\u{10ffff}", "\\u{e0041}\\u{e000}\\u{ffff}\\u{10ffff}"),
        ] {
            #expect(escaped(text) == expected)
            #expect(escaped(expected) == expected)
        }
    }

    /// Of every scalar, the visible ones stay as they are and the others become ASCII.
    @Test func everyScalar() {
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = escaped(String(scalar))
            let isSafe = shown.unicodeScalars.elementsEqual([scalar]) ? Escaping.isVisible(scalar) : shown.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
            if !isSafe { Issue.record("U+\(String(value, radix: 16))") }
        }
    }

    /// Between quotation marks two texts never look alike.
    @Test func quotedTextsCanBeTold() {
        let quoted = Escaping(isQuoted: true)
        let texts = ["\u{1b}", "\\u{1b}", "\\\\u{1b}", "\"", "\\\"", "\n", "\\n", "\t", "\\t"]
        #expect(Set(texts.map { quoted($0) }).count == texts.count)
        #expect(quoted("a\"b\\") == "a\\\"b\\\\")
    }

    @Test func linesAreKeptWhereTheyBelong() {
        #expect(Escaping(keepsLines: true)("a\n\tb\r\u{1b}") == "a\n\\tb\\r\\u{1b}")
        #expect(Sentence(lines: "a\n\u{202e}").text == "a\n\\u{202e}")
    }

    @Test func longTextsAreCut() {
        let limited = Escaping(limit: 100)
        #expect(limited(String(repeating: "a", count: 100)) == String(repeating: "a", count: 100))
        #expect(limited(String(repeating: "a", count: 101)) == String(repeating: "a", count: 60) + "... (101 bytes)")
        // Never within an escape, and a cut text is not cut again.
        let cut = limited(String(repeating: "\u{1b}", count: 50))
        #expect(cut == String(repeating: "\\u{1b}", count: 10) + "... (50 bytes)")
        #expect(limited(cut) == cut)
        #expect(escaped(String(repeating: "é", count: 1 << 20)).utf8.count < 9000)
    }

    @Test func bytesThatAreNoText() {
        #expect(escaped(bytes: [0x79, 0xff, 0x2e] + Array("npy".utf8)) == "y\\xff.npy")
        #expect(escaped(bytes: Array("é\n".utf8) + [0xc3, 0x28, 0xed, 0xa0, 0x80]) == "é\\n\\xc3(\\xed\\xa0\\x80")
        #expect(escaped(bytes: Array("y\\xff".utf8)) == "y\\\\xff")
    }

    @Test func sentencesEscapeTheirValuesAlone() {
        let name = "x\n\u{1b}\"\\"
        let sentence: Sentence = "Layer \"\(name)\" of \(name),\n\(3) \([1, 2]) \(quoted: [name, "b"])"
        #expect(sentence.text == "Layer \"x\\n\\u{1b}\\\"\\\\\" of x\\n\\u{1b}\"\\,\n3 [1, 2] \"x\\n\\u{1b}\\\"\\\\\", \"b\"")
        let outer: Sentence = "\(sentence)"
        #expect(outer.text == sentence.text.replacing("\n", with: "\\n"))
        let words: Sentence = "\(whole: "a\nb")\(lines: "a\nb\u{9b}")"
        #expect(words.text == "a\\nba\nb\\u{9b}")
    }
}
