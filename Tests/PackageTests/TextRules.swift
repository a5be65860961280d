/// Rules for the text of files; each returns what breaks it, with line numbers.
enum TextRules {
    /// Joined here so that this file keeps its own rule.
    private static let unfinished = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    private static let machineFolders = ["home", "root", "Users", "tmp", "work"].map { "/" + $0 + "/" }

    private static func isWordPart(_ character: Character?) -> Bool {
        character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
    }

    /// Marks of unfinished work, as whole words.
    static func unfinishedMarks(_ lines: [String]) -> [String] {
        found(lines, unfinished) { before, after in !isWordPart(before) && !isWordPart(after) }
    }

    /// Paths that exist on somebody's machine only.
    static func machinePaths(_ lines: [String]) -> [String] {
        found(lines, machineFolders) { before, _ in !isWordPart(before) && before != "." && before != "~" && before != "}" }
    }

    private static func found(_ lines: [String], _ words: [String], where fits: (Character?, Character?) -> Bool) -> [String] {
        lines.enumerated().flatMap { number, line in
            words.filter { word in
                line.ranges(of: word).contains { fits(line[..<$0.lowerBound].last, line[$0.upperBound...].first) }
            }.map { "\(number + 1): \($0)" }
        }
    }

    static func tabIndents(_ lines: [String]) -> [String] {
        lines.enumerated().filter { _, line in line.prefix { $0 == " " || $0 == "\t" }.contains("\t") }.map { number, _ in "\(number + 1): tab" }
    }

    /// Members whose meaning is that of a protocol of the standard library, of `KerasObject` and `KerasError`, or of `KernelFamily` and
    /// `ResolvedFamily`.
    private static let witnesses = [
        "var description: String", "static func == ", "static func < ", "func hash(into", "func encode(to", "init(from decoder",
        "init(integerLiteral", "init(stringLiteral", "init(booleanLiteral", "init(arrayLiteral", "init(dictionaryLiteral", "init(nilLiteral",
        "static let familyName = ", "static let policy = Policy.", "static let excludesOthers = ", "func resolved(_ spec: KernelSpec",
        "func neighbours(_ spec: KernelSpec", "var packingKey: String {", "static func planned(_ spec",
        "public init?(text: String) {", "var explanation: [String] {", "var tileMap: TileMap {",
        "var kerasModule: String? { ", "func getConfig() -> JSONObject {", "var kerasKind: KerasErrorKind {",
    ]

    /// Public declarations of Swift without a docstring above them. Overrides have their superclass's; enum cases and members
    /// of protocols carry no access word and are not looked at; extensions are not declarations of their own.
    static func undocumented(_ lines: [String]) -> [String] {
        let trimmed = lines.map { line in line.drop { $0 == " " } }
        return trimmed.enumerated().compactMap { number, line in
            var words = line.split(separator: " ")[...]
            while words.first?.hasPrefix("@") == true { words = words.dropFirst() }
            guard let access = words.first, access == "public" || access == "open" else { return nil }
            if words.contains("override") || words.dropFirst().first == "extension" || words.dropFirst().first == "import" { return nil }
            if witnesses.contains(where: { line.contains($0) }) { return nil }
            let above = trimmed[..<number].last { !$0.hasPrefix("@") }
            return above?.hasPrefix("///") == true ? nil : "\(number + 1): \(line)"
        }
    }

    /// Parameters in a docstring that no documentation tool recognises as such.
    static func looseParameters(_ lines: [String]) -> [String] {
        lines.enumerated().filter { _, line in
            let text = line.drop { $0 == " " }
            let isName = text.hasPrefix("/// - `") && text.dropFirst(7).first.map { $0.isLetter || $0 == "_" } == true
            return text.hasPrefix("/// Arguments:") || isName && text.contains("`: ")
        }.map { number, line in "\(number + 1): \(line.drop { $0 == " " })" }
    }

    /// Targets of the Markdown links and pictures that lead to files; code is passed over.
    static func fileLinks(_ lines: [String]) -> [String] {
        var links: [String] = []
        var isCode = false
        for line in lines {
            if line.hasPrefix("```") { isCode.toggle() }
            if isCode || line.hasPrefix("    ") { continue }
            for part in line.split(separator: "](", omittingEmptySubsequences: false).dropFirst() {
                let link = part.prefix { $0 != ")" && $0 != "#" && $0 != " " }
                if !link.isEmpty, !link.contains(":") { links.append(String(link)) }
            }
        }
        return links
    }

    /// The lines that hold nothing but a comment.
    static func comments(_ lines: [String]) -> [String] {
        lines.map { line in String(line.drop { $0 == " " }) }.filter(isComment)
    }

    /// Whether a line is a comment, or a line of one in C.
    static func isComment(_ line: String) -> Bool {
        let text = line.drop { $0 == " " }
        return ["//", "/*", "* "].contains { text.hasPrefix($0) }
    }

    /// Paths of this package that a page names in code quotes, such as `Sources/LayerSpec`.
    static func namedPaths(_ lines: [String]) -> [String] {
        lines.flatMap { line in
            line.split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { number, part in
                let isPath = number % 2 == 1 && !part.contains { " *<{,".contains($0) }
                let folder = part.prefix { $0 != "/" }
                return isPath && folder.count < part.count && PackageFiles.roots.contains(String(folder)) ? String(part) : nil
            }
        }
    }
}
