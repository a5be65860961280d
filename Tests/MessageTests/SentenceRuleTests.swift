import Foundation
import Testing

/// What the sources must keep to, so that a message that is added tomorrow escapes too.
@Suite struct SentenceRuleTests {
    private struct ErrorType {
        let name: String
        let file: String
        let cases: [String]
        let describesBySentence: Bool
    }

    /// The error enums of a source file: their cases with values, and whether `description` is built from a `Sentence`.
    private func errorTypes(_ lines: [String], file: String) -> [ErrorType] {
        var types: [ErrorType] = []
        for (number, line) in lines.enumerated() {
            guard let match = line.firstMatch(of: /^( *)(?:public |package )?enum (\w+): .*Error\b.*\{/) else { continue }
            let indent = match.1
            let body = lines[(number + 1)...].prefix { $0 != indent + "}" }
            let cases = body.compactMap { $0.firstMatch(of: /^ +(?:indirect )?case (\w+)\(/).map { String($0.1) } }
            let described = body.drop { !$0.contains("var description: String") }.dropFirst().first
            types.append(ErrorType(
                name: String(match.2), file: file, cases: cases, describesBySentence: described?.contains("Sentence") == true))
        }
        return types
    }

    private func sources() throws -> [(path: String, lines: [String])] {
        try FileManager.default.subpathsOfDirectory(atPath: "Sources").filter { $0.hasSuffix(".swift") }.sorted().map {
            ($0, try String(contentsOfFile: "Sources/\($0)", encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
        }
    }

    @Test func everyErrorIsASentenceAndEveryCaseIsTried() throws {
        let types = try sources().flatMap { errorTypes($0.lines, file: $0.path) }
        #expect(types.count > 18)
        for type in types { #expect(type.describesBySentence, "\(type.name) of \(type.file) does not describe itself by a Sentence") }
        var tried: [String: Set<String>] = [:]
        for error in ErrorCases.all {
            // Cases without values have no label.
            if let label = Mirror(reflecting: error).children.first?.label { tried["\(type(of: error))", default: []].insert(label) }
        }
        // The command's own errors belong to a program; they are seen from outside.
        for type in types where !type.file.hasPrefix("VoxelsmithCLI/") && type.name != "KernelLookupError" {
            let untried = Set(type.cases).subtracting(tried[type.name] ?? [])
                .subtracting(type.name == "KernelError" ? ["otherProblem"] : [])  // its texts are keys
            #expect(untried == [], "\(type.name)")
        }
    }

    /// The command prints through `Console`, which takes sentences.
    @Test func theCommandPrintsInOnePlace() throws {
        for (path, lines) in try sources() where path.hasPrefix("VoxelsmithCLI/") && !path.hasSuffix("Console.swift") {
            for (number, line) in lines.enumerated() {
                #expect(!line.contains(/(^|[^.\w])(print|fputs|puts|printf|debugPrint|dump)\(/), "\(path):\(number + 1): \(line)")
                #expect(!line.contains(/write\(STD|\bstd(out|err)\b/), "\(path):\(number + 1): \(line)")
            }
        }
    }

    /// Loggers are given sentences, or literals.
    @Test func loggersAreGivenSentences() throws {
        for (path, lines) in try sources() {
            for (number, line) in lines.enumerated() where line.contains(/logger\??\.(trace|debug|info|notice|warning|error|critical)\(/) {
                let isEscaped = line.contains("as Sentence)\")") || line.contains("Sentence(") || !line.contains("\\(")
                #expect(isEscaped, "\(path):\(number + 1): \(line)")
            }
        }
    }

    @Test func theRulesFindWhatTheyAreFor() {
        let lines = [
            "enum A: Error, CustomStringConvertible {", "    case a(String)", "    case b", "    var description: String {", "        switch self {", "}",
        ]
        let types = errorTypes(lines, file: "F")
        #expect(types.count == 1 && types[0].cases == ["a"] && !types[0].describesBySentence)
    }
}
