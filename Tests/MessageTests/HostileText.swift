import Testing
import VoxLayerSpec

/// What someone would write into a file to speak through this program: a terminal's commands, lines of its own, marks that turn the
/// direction of writing, marks one does not see, the ends of a quotation.
enum HostileText {
    static let text = "a\u{1b}[2J\u{1b}]0;t\u{7}\nvoxelsmith: warning: forged\r\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}\u{feff}\u{2028}\u{2029}"
        + "\u{200b}\u{ad}\u{61c}\u{9b}31m\u{85}\u{7f}\u{0}\u{e0041}\t\"; expected\\"

    /// What of a message may not be shown.
    static func invisible(in message: String, lines: Bool = false) -> [Unicode.Scalar] {
        message.unicodeScalars.filter { !Escaping.isVisible($0) && !(lines && $0 == "\n") }
    }

    /// A message with the text in it is one line, and shows that there was an escape.
    static func check(_ message: String, lines: Bool = false, _ what: String) {
        #expect(invisible(in: message, lines: lines) == [], "\(what): \(escaped(message))")
        #expect(message.contains("\\u{1b}[2J"), "\(what): \(escaped(message))")
    }
}
