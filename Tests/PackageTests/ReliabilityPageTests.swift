import Foundation
import Testing

/// `Documentation/reliability.md` names a test for every fault; each of them exists.
@Suite struct ReliabilityPageTests {
    private static let page = "Documentation/reliability.md"

    /// Suites of the tests, with the names of their tests.
    private func suites() throws -> [String: Set<String>] {
        var suites: [String: Set<String>] = [:]
        for path in try PackageFiles.files(under: "Tests") where path.hasSuffix("Tests.swift") {
            var suite: String?
            var isTest = false
            for line in try PackageFiles.lines(path) {
                if let match = line.firstMatch(of: /^(?:@Suite.*\s)?(?:struct|final class) (\w+)/) {
                    suite = String(match.1)
                    suites[String(match.1), default: []] = []
                }
                if line.contains("@Test") { isTest = true }
                if let suite, isTest, let match = line.firstMatch(of: /func (\w+)\(/) {
                    suites[suite, default: []].insert(String(match.1))
                    isTest = false
                }
            }
        }
        return suites
    }

    /// The last cells of the rows of tables about faults.
    private func cells() throws -> [(line: Int, text: String)] {
        var cells: [(Int, String)] = []
        var isTable = false
        for (index, line) in try PackageFiles.lines(Self.page).enumerated() {
            guard line.hasPrefix("|"), let cell = line.split(separator: "|").last else { isTable = false; continue }
            let text = cell.trimmingCharacters(in: .whitespaces)
            if text == "test" { isTable = true } else if isTable, !text.hasPrefix("--") { cells.append((index + 1, text)) }
        }
        return cells
    }

    /// A name is `Suite`, `Suite.test`, or `.test` of the suite named before it.
    @Test func everyNamedTestExists() throws {
        let suites = try suites()
        let cells = try cells()
        #expect(suites.count > 60 && cells.count > 50, "\(suites.count) suites, \(cells.count) rows")
        var suite = ""
        for (line, text) in cells {
            let names = text.matches(of: /`([^`]+)`/).map { String($0.1) }
            #expect(!names.isEmpty || text == "the same", "\(Self.page):\(line): no test is named")
            for name in names {
                let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
                if let first = parts.first, !first.isEmpty { suite = first }
                let tests = suites[suite]
                #expect(tests != nil, "\(Self.page):\(line): there is no suite \(suite)")
                if parts.count > 1 {
                    #expect(parts.count == 2 && tests?.contains(parts[1]) == true, "\(Self.page):\(line): \(suite) has no test \(parts[1])")
                }
            }
        }
    }
}
