/// How text from outside may be shown: the one place for names, paths, headers of files and other programs' words.
///
/// Characters that move a terminal's cursor, begin a line, turn the direction of writing or cannot be seen are written as escapes: `\n`, `\r`, `\t`,
/// or the scalar's number as in `\u{1b}`. All others stay as they are, so a text that is escaped already does not change.
package struct Escaping: Sendable {
    /// The text stands between quotation marks. They and backslashes are escaped too, so that the original text can be told from what is
    /// shown.
    package var isQuoted = false
    /// The text may have several lines: `\n` stays.
    package var keepsLines = false
    /// Most scalars that are shown; a longer text is cut, and ends with the number of its bytes.
    package var limit = Escaping.defaultLimit

    /// More than a path may have.
    package static let defaultLimit = 4200
    /// Room for what a cut text ends with.
    private static let endCount = 40

    package init(isQuoted: Bool = false, keepsLines: Bool = false, limit: Int = Escaping.defaultLimit) {
        (self.isQuoted, self.keepsLines, self.limit) = (isQuoted, keepsLines, limit)
    }

    /// The text as it may be shown.
    package func callAsFunction(_ text: String) -> String {
        if text.utf8.count <= limit, text.utf8.allSatisfy(isPlain) { return text }
        var (shown, count, atEnd) = ("", 0, "")
        for scalar in text.unicodeScalars {
            let piece = escape(scalar) ?? String(scalar)
            count += piece.unicodeScalars.count
            if count > limit { return atEnd + "... (\(text.utf8.count) bytes)" }
            shown += piece
            if count <= limit - Self.endCount { atEnd = shown }
        }
        return shown
    }

    /// ASCII that is shown as it is.
    private func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7F && !(isQuoted && (byte == 0x22 || byte == 0x5C)) }

    /// nil for a scalar that is shown as it is.
    private func escape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "\n": return keepsLines ? nil : "\\n"
        case "\t": return "\\t"
        case "\r": return "\\r"
        case "\"", "\\": return isQuoted ? "\\\(scalar)" : nil
        default: return Self.isVisible(scalar) ? nil : "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    /// Whether a scalar stands for something one sees, or for an ordinary blank.
    package static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7F }
        if scalar.properties.isDefaultIgnorableCodePoint { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return false
        default: return true
        }
    }
}

/// Text from outside on one line, as it may be shown.
package func escaped(_ text: String) -> String { Escaping()(text) }

/// Bytes from outside on one line, as they may be shown: those that are not UTF-8 as `\xff`.
package func escaped(bytes: some Sequence<UInt8>) -> String {
    var (shown, decoder, rest) = ("", UTF8(), Array(bytes)[...])
    while !rest.isEmpty {
        var iterator = rest.makeIterator()
        if case .scalarValue(let scalar) = decoder.decode(&iterator) {
            shown += Escaping(isQuoted: true)(String(scalar))
            rest = rest.dropFirst(UTF8.width(scalar))
        } else {
            shown += "\\x" + (rest[rest.startIndex] < 16 ? "0" : "") + String(rest[rest.startIndex], radix: 16)
            rest = rest.dropFirst()
        }
        decoder = UTF8()
    }
    return Escaping()(shown)
}

/// A text as a JSON string (RFC 8259, section 7), its quotation marks included: what cannot be seen is written as `\u001b`.
package func jsonString(_ text: String) -> String { "\"" + text.unicodeScalars.map { jsonEscape($0) ?? String($0) }.joined() + "\"" }

/// JSON with the same values in which what cannot be seen is escaped; line breaks stay, which JSON has between its values only.
package func visibleJSON(_ json: String) -> String {
    json.unicodeScalars.map { $0 == "\n" || $0 == "\"" || $0 == "\\" ? String($0) : jsonEscape($0) ?? String($0) }.joined()
}

/// nil for a scalar that a JSON string may hold as it is.
private func jsonEscape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar {
    case "\"", "\\": return "\\\(scalar)"
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
        if Escaping.isVisible(scalar) { return nil }
        return String(scalar).utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}
