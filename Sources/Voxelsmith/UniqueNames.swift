import Synchronization

/// Automatic layer names, as Keras 3 gives them: the class name in snake case, then the same with _1, _2, ... Names given by
/// the user do not advance the count.
package final class UniqueNames: Sendable {
    package static let shared = UniqueNames()

    private let counts = Mutex<[String: Int]>([:])

    package init() {}

    /// The next automatic name of a class.
    package func next(forClass className: String) -> String {
        let stem = Self.snakeCase(className)
        let count = counts.withLock { counts in
            defer { counts[stem, default: 0] += 1 }
            return counts[stem, default: 0]
        }
        return count == 0 ? stem : "\(stem)_\(count)"
    }

    /// "Conv3DTranspose" as "conv3d_transpose": an underscore before a capital that is followed by a small letter or digit,
    /// and between a small letter and a capital.
    /// - Note: `keras/src/utils/naming.py`, `to_snake_case`.
    package static func snakeCase(_ name: String) -> String {
        let characters = Array(name)
        var result = ""
        for (index, character) in characters.enumerated() {
            if character.isUppercase, index > 0, result.last != "_" {
                let next = index + 1 < characters.count ? characters[index + 1] : character
                // Conv3D: the D after a digit begins no word unless a small letter or a digit follows.
                if next.isLowercase || next.isNumber || characters[index - 1].isLowercase { result.append("_") }
            }
            result.append(contentsOf: character.lowercased())
        }
        return result
    }
}
