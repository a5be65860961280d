import VoxLayerSpec

/// The words of a schedule's text behind its family, each a name with numbers or a name alone. Whoever reads parameters from them compares the text
/// of what was read with the whole: so nothing is overlooked here by ignoring words.
struct ScheduleWords {
    private let words: [Substring]
    /// No parameter counts more than an axis has results. The text may come from a plugin of whatever origin, and families multiply a few parameters
    /// before they compare them with limits.
    private static let range = 0...2 * AxisGeometry.maximum

    /// - Returns: nil for the text of another family.
    init?(_ text: String, of family: any KernelFamily.Type) {
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        guard let first = words.first, first == family.label else { return nil }
        self.words = Array(words.dropFirst())
    }

    func has(_ word: String) -> Bool { words.contains { $0 == word } }

    /// 6 of `r6`, for the name r; nil where no word is this name and a number.
    func number(_ name: String) -> Int? {
        guard let numbers = numbers(name), numbers.count == 1 else { return nil }
        return numbers[0]
    }

    /// 1, 2 and 3 of `block1x2x3`, for the name block; nil where no word is this name and numbers.
    func numbers(_ name: String) -> [Int]? {
        for word in words where word.hasPrefix(name) {
            let parts = word.dropFirst(name.count).split(separator: "x", omittingEmptySubsequences: false)
            let numbers = parts.compactMap { Int($0) }
            if numbers.count == parts.count { return numbers.allSatisfy(Self.range.contains) ? numbers : nil }
        }
        return nil
    }

    /// The text behind `name=`; nil where no word begins so.
    func value(_ name: String) -> String? {
        words.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}
