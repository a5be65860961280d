/// A message to people: literals, which are this package's own words, and between them values, which are escaped. So no text from outside, such as
/// a layer's name, a path or the header of a file, can end a line, begin another, or reach a terminal as a command.
///
/// A value right after a quotation mark is taken to stand between two: `"no layer \"\(name)\""`.
package struct Sentence: ExpressibleByStringInterpolation, Hashable, Sendable, CustomStringConvertible {
    /// What may be shown.
    package let text: String
    package var description: String { text }

    package init(stringLiteral text: String) { self.text = text }
    package init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Words of another program or of an error, of one line or more.
    package init(lines text: String) { self.text = Escaping(keepsLines: true, limit: .max)(text) }

    /// Most scalars of a value that stands between quotation marks.
    static let nameLimit = 300

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var text: String

        package init(literalCapacity: Int, interpolationCount: Int) {
            text = ""
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        package mutating func appendLiteral(_ literal: String) { text += literal }

        /// Any value: a text, a number, another sentence, an error.
        package mutating func appendInterpolation(_ value: some Any) {
            let isQuoted = text.utf8.last == 0x22
            text += Escaping(isQuoted: isQuoted, limit: isQuoted ? Sentence.nameLimit : Escaping.defaultLimit)(String(describing: value))
        }

        /// Names, between quotation marks each.
        package mutating func appendInterpolation(quoted names: [String]) {
            text += names.map { "\"" + Escaping(isQuoted: true, limit: Sentence.nameLimit)($0) + "\"" }.joined(separator: ", ")
        }

        /// One line of any length, such as a command.
        package mutating func appendInterpolation(whole value: String) { text += Escaping(limit: .max)(value) }

        /// Words of another program, which may have several lines and any length.
        package mutating func appendInterpolation(lines value: String) { text += Escaping(keepsLines: true, limit: .max)(value) }
    }
}
