import Testing
import VoxLayerSpec

/// Lists that documents repeat from the code.
@Suite struct DocumentTablesTests {
    private let names = "Documentation/kernel-names.md"
    private let testing = "Documentation/testing.md"

    /// What follows `name = ` in the grammar of SpecKeys, continued lines included.
    private func rule(_ name: String) throws -> String {
        var rule: String?
        for line in try PackageFiles.lines(names) {
            let words = line.split(separator: " ")
            if words.count > 2, words[0] == name, words[1] == "=" {
                rule = words.dropFirst(2).joined(separator: " ")
            } else if let begun = rule {
                guard words.first == "|" else { return begun }
                rule = begun + " " + words.joined(separator: " ")
            }
        }
        return try #require(rule, "\(names) has no rule \(name)")
    }

    /// The texts in quotation marks.
    private func quoted(_ rule: String) -> Set<String> {
        Set(rule.split(separator: "\"", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) })
    }

    @Test func theGrammarOfSpecKeysIsThatOfTheCode() throws {
        #expect(quoted(try rule("op")) == Set(KernelOp.allCases.map(\.rawValue)))
        #expect(quoted(try rule("policy")) == Set(Policy.allCases.map(\.rawValue)))
        #expect(quoted(try rule("type")).count == ElementType.arithmeticTypes.count)
        #expect(quoted(try rule("layout")).count == Layout.allCases.count)
        // Names with a number in parentheses stand in a rule of their own.
        let (activation, one) = (quoted(try rule("activation")), quoted(try rule("one")))
        var whole: Set<String> = ["(", ")", ",", "none"]
        var withNumber: Set<String> = []
        for sample in Activation.samples {
            switch sample.parameters.count {
            case 0: whole.insert(sample.token)
            case 1: withNumber.insert(sample.name)
            default: whole.insert(sample.name + "(")
            }
        }
        #expect(activation == whole)
        #expect(one == withNumber)
    }

    /// Every key that a page shows is one.
    @Test func exampleKeysAreKeys() throws {
        var count = 0
        for page in try PackageFiles.pages() where page != "CHANGELOG.md" {
            for line in try PackageFiles.lines(page) {
                for word in line.split(separator: " ") where word.split(separator: ";").count == 15 {
                    count += 1
                    #expect((try? SpecKey(parsing: String(word)).text) == String(word), "\(page): \(word)")
                }
            }
        }
        #expect(count > 0)
    }

    /// The first cells and the second ones of a page's table rows.
    private func rows(_ page: String) throws -> [(first: String, second: String)] {
        try PackageFiles.lines(page).filter { $0.hasPrefix("|") }.compactMap { line -> (first: String, second: String)? in
            let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
            return cells.count < 2 ? nil : (first: cells[0], second: cells[1])
        }
    }

    @Test func everyTestTargetIsDescribed() throws {
        let manifest = Manifest(try PackageFiles.text("Package.swift"))
        let described = try rows(testing).map(\.first).joined(separator: " ")
        #expect(manifest.testTargets.count > 10)
        for target in manifest.testTargets.sorted() { #expect(described.contains("`\(target)`"), "\(testing) has no row for \(target)") }
    }

    @Test func theKindsOfRandomProblemsAreThoseThatAreDrawn() throws {
        let source = try PackageFiles.text("Tests/DifferentialTests/ProblemKinds.swift")
        let drawn = source.matches(of: /ProblemKind\(name: "([^"]+)", share: (\d+)\)/).map { "\($0.1) \($0.2) %" }
        #expect(drawn.count >= 5)
        let rows = try rows(testing).map { "\($0.first) \($0.second)" }
        for kind in drawn { #expect(rows.contains(kind), "\(testing): \(kind)") }
        #expect(rows.count { $0.hasSuffix(" %") } == drawn.count)
    }
}
