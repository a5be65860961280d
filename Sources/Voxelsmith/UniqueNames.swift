import Synchronization

/// Automatic layer names, as Keras 3 gives them: the class name in snake case, then the same with _1, _2, ... Names given by
/// the user do not advance the count.
package final class UniqueNames: Sendable {
    package static let shared = UniqueNames()

    private let counts = Mutex<[String: Int]>([:])
    private let digitsAreSmall: Bool

    /// - Parameter digitsAreSmall: names as tf.keras gives them.
    package init(digitsAreSmall: Bool = false) { self.digitsAreSmall = digitsAreSmall }

    /// The next automatic name of a class of layers. A generic class counts without its parameters.
    func next(for type: Layer.Type) -> String { next(forClass: String("\(type)".prefix { $0 != "<" })) }

    /// The next automatic name of a class.
    package func next(forClass className: String) -> String {
        let stem = Self.snakeCase(className, digitsAreSmall: digitsAreSmall)
        let count = counts.withLock { counts in
            defer { counts[stem, default: 0] += 1 }
            return counts[stem, default: 0]
        }
        return count == 0 ? stem : "\(stem)_\(count)"
    }

    /// "Conv3DTranspose" as "conv3d_transpose".
    /// - Parameter digitsAreSmall: whether digits belong to the word before them, as in tf.keras: "ConvLSTM2D" as "conv_lst_m2d" instead of
    ///   "conv_lstm2d".
    /// - Note: `keras/src/utils/naming.py`, `to_snake_case`: the two substitutions `(.)([A-Z][a-z]+)` and `([a-z])([A-Z])`.
    package static func snakeCase(_ name: String, digitsAreSmall: Bool = false) -> String {
        let characters = Array(name)
        var words: [Character] = []
        var index = 0
        while index < characters.count {
            words.append(characters[index])
            // A capital with small letters is a word; the character before is used up with it, as in the substitution.
            let end = endOfWord(characters, from: index + 1, digitsAreSmall: digitsAreSmall)
            if end > index + 2 {
                words.append("_")
                words += characters[index + 1..<end]
                index = end
            } else {
                index += 1
            }
        }
        var result = ""
        for (index, character) in words.enumerated() {
            if index > 0, isSmall(words[index - 1]), isCapital(character) { result.append("_") }
            result.append(contentsOf: character.lowercased())
        }
        return result
    }

    private static func isSmall(_ character: Character) -> Bool { ("a"..."z").contains(character) }
    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
    private static func isCapital(_ character: Character) -> Bool { ("A"..."Z").contains(character) }

    /// The index after a capital and the small letters that follow it; `start` where there is no capital.
    private static func endOfWord(_ characters: [Character], from start: Int, digitsAreSmall: Bool) -> Int {
        guard start < characters.count, isCapital(characters[start]) else { return start }
        var end = start + 1
        while end < characters.count, isSmall(characters[end]) || digitsAreSmall && isDigit(characters[end]) { end += 1 }
        return end
    }
}
