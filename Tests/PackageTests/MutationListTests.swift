import Foundation
import Testing

/// `Tools/mutations.json` must fit the code it breaks.
@Suite struct MutationListTests {
    private struct Mutation: Decodable {
        let name: String
        let file: String
        let before: String?
        let find: String
        let after: String?
        let replace: String
        let tests: [String]
        let scale: Double?
    }

    @Test func everyTextIsThereOnceAndEveryTestExists() throws {
        let mutations = try JSONDecoder().decode([Mutation].self, from: Data(contentsOf: URL(fileURLWithPath: "Tools/mutations.json")))
        #expect(mutations.count >= 25)
        #expect(Set(mutations.map(\.name)).count == mutations.count)
        var texts: [String: String] = [:]
        func text(_ path: String) throws -> String {
            if let text = texts[path] { return text }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            texts[path] = text
            return text
        }
        let tests = try FileManager.default.subpathsOfDirectory(atPath: "Tests").filter { $0.hasSuffix(".swift") }
            .map { try text("Tests/" + $0) }.joined()
        for mutation in mutations {
            let count = try text(mutation.file).components(separatedBy: (mutation.before ?? "") + mutation.find + (mutation.after ?? "")).count - 1
            #expect(count == 1, "\(mutation.name): its text occurs \(count) times in \(mutation.file); mend Tools/mutations.json")
            #expect(mutation.replace != mutation.find, "\(mutation.name)")
            #expect(!mutation.tests.isEmpty, "\(mutation.name)")
            for test in mutation.tests {
                #expect(tests.contains("func \(test)(") || tests.contains("struct \(test) "), "\(mutation.name): no test is called \(test)")
            }
        }
    }
}
