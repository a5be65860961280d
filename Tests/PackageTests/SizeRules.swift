/// How long a file and a function may be. A longer one says why in a comment that holds `Longer than 400 lines: ` or `Longer than 60 lines: `
/// and a sentence: for a file among its first lines, for a function in the lines of comment right above it.
struct SizeRules {
    var mostLines = 400
    var mostFunctionLines = 60

    struct Function: Hashable {
        /// Line of the name, from 0.
        let line: Int
        /// From the line of the name to that of the closing brace.
        let lineCount: Int
    }

    /// What is too long without a reason, and reasons beside what is not too long.
    func findings(_ text: String, _ language: CodeText.Language) -> [String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var findings: [String] = []
        var reasons = Set(lines.indices.filter { isReason(lines[$0]) })
        func check(_ what: String, isLong: Bool, comment: Range<Int>, most: Int) {
            guard isLong else { return }
            if let reason = comment.first(where: { isReason(lines[$0], most: most) }) { reasons.remove(reason) } else { findings.append(what) }
        }
        // The end of the last line begins no other.
        let lineCount = lines.count - (lines.last == "" ? 1 : 0)
        check("\(lineCount) lines", isLong: lineCount > mostLines, comment: 0..<min(8, lines.count), most: mostLines)
        for function in Self.functions(CodeText(text, language), language) {
            let first = lines[..<function.line].lastIndex { !Self.isBesideDeclaration($0) }.map { $0 + 1 } ?? 0
            check(
                "line \(function.line + 1): \(function.lineCount) lines: \(lines[function.line].drop { $0 == " " })",
                isLong: function.lineCount > mostFunctionLines, comment: first..<function.line, most: mostFunctionLines)
        }
        return findings + reasons.sorted().map { "line \($0 + 1): a reason, but nothing too long" }
    }

    /// Whether a line says in a comment why something is longer than it may be.
    private func isReason(_ line: String) -> Bool { isReason(line, most: mostLines) || isReason(line, most: mostFunctionLines) }

    private func isReason(_ line: String, most: Int) -> Bool {
        guard TextRules.isComment(line), let found = line.firstRange(of: "Longer than \(most) lines: ") else { return false }
        return line[found.upperBound...].split(separator: " ").count >= 4
    }

    private static func isBesideDeclaration(_ line: String) -> Bool { TextRules.isComment(line) || line.drop { $0 == " " }.hasPrefix("@") }

    /// Every function, initializer and computed property with its body; those inside others too. Of two in one line the first.
    static func functions(_ code: CodeText, _ language: CodeText.Language) -> [Function] {
        let bytes = code.bytes
        let column = column(language)
        var functions: [Function] = []
        var start = 0
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            defer { start += line.count + 1 }
            let text = String(decoding: line, as: UTF8.self)
            guard let column = column(text), let open = bodyStart(bytes, from: start + column),
                let close = closingBrace(bytes, from: open)
            else { continue }
            let lineCount = 1 + bytes[start..<close].count { $0 == UInt8(ascii: "\n") }
            functions.append(Function(line: number, lineCount: lineCount))
        }
        return functions
    }

    /// Gives where in a line the name of a function begins, in bytes; nil where none does. In C that is the first column, and the line has a
    /// parenthesis.
    private static func column(_ language: CodeText.Language) -> (String) -> Int? {
        switch language {
        case .swift:
            let pattern = /(^|[^.\w])(func [^ (]+|init[?!]?[(<]|deinit|subscript[(<]|var \w+: [^={]*\{)/
            return { line in
                guard ["func ", "init", "subscript", "var "].contains(where: { line.contains($0) }) else { return nil }
                return line.firstMatch(of: pattern).map { line.utf8.distance(from: line.startIndex, to: $0.2.startIndex) }
            }
        case .c:
            let pattern = /^(?!typedef|struct|enum|union)[A-Za-z_][^;{}=]*\(/
            return { line in line.firstMatch(of: pattern) == nil ? nil : 0 }
        }
    }

    /// The brace that opens the body of what is declared at a place; nil for a declaration without one.
    private static func bodyStart(_ bytes: [UInt8], from start: Int) -> Int? {
        var depth = 0
        for place in start..<bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return place
            case UInt8(ascii: "}") where depth == 0, UInt8(ascii: ";") where depth == 0: return nil
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func closingBrace(_ bytes: [UInt8], from open: Int) -> Int? {
        var depth = 0
        for place in open..<bytes.count {
            if bytes[place] == UInt8(ascii: "{") { depth += 1 }
            if bytes[place] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }
}
