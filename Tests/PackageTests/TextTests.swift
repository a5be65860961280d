import Foundation
import Testing

@Suite struct TextTests {
    @Test func everyFileIsFinishedUTF8WithoutPathsOfAMachine() throws {
        let paths = try PackageFiles.texts()
        #expect(paths.count > 150)
        for path in paths {
            guard let lines = try? PackageFiles.lines(path) else {
                Issue.record("\(path) is not UTF-8")
                continue
            }
            let (marks, places) = (TextRules.unfinishedMarks(lines), TextRules.machinePaths(lines))
            #expect(marks == [], "\(path)")
            #expect(places == [], "\(path)")
        }
    }

    @Test func swiftFilesAreShortAndIndentedByBlanks() throws {
        for path in try PackageFiles.texts() where path.hasSuffix(".swift") {
            let lines = try PackageFiles.lines(path)
            #expect(lines.count < 600, "\(path)")
            let tabs = TextRules.tabIndents(lines)
            #expect(tabs == [], "\(path)")
        }
    }

    @Test func everyPublicDeclarationHasADocstring() throws {
        for path in try PackageFiles.files(under: "Sources") + PackageFiles.files(under: "Templates") where path.hasSuffix(".swift") {
            let undocumented = TextRules.undocumented(try PackageFiles.lines(path))
            #expect(undocumented == [], "\(path)")
            let loose = TextRules.looseParameters(try PackageFiles.lines(path))
            #expect(loose == [], "\(path): expected - Parameter or - Parameters:")
        }
    }

    @Test func everyLinkLeadsToAFile() throws {
        var targets: Set<String> = []
        for page in try PackageFiles.pages() {
            let folder = (page as NSString).deletingLastPathComponent
            let lines = try PackageFiles.lines(page)
            for link in TextRules.fileLinks(lines) {
                let target = ((folder as NSString).appendingPathComponent(link) as NSString).standardizingPath
                #expect(PackageFiles.exists(target), "\(page) links to \(link)")
                targets.insert(target)
            }
            for path in TextRules.namedPaths(lines) { #expect(PackageFiles.exists(path), "\(page) names \(path)") }
        }
        for page in try PackageFiles.pages() where page != "README.md" { #expect(targets.contains(page), "no page links to \(page)") }
    }

    /// Comments name files too.
    @Test func everyFileThatACommentNamesIsThere() throws {
        for path in try PackageFiles.texts() where [".swift", ".h", ".c", ".mustache"].contains(where: { path.hasSuffix($0) }) {
            for named in TextRules.namedPaths(TextRules.comments(try PackageFiles.lines(path))) {
                #expect(PackageFiles.exists(named), "\(path) names \(named)")
            }
        }
    }

    /// The rules find what they are for, and leave alone what only looks like it.
    @Test func rulesFindWhatTheyAreFor() {
        let mark = "TO" + "DO"
        #expect(TextRules.unfinishedMarks(["a", "// \(mark): b", "\(mark)S", "mkdtemp(X" + "XXXXX)"]) == ["2: \(mark)"])
        let home = "/" + "home/"
        #expect(TextRules.machinePaths(["see \(home)me/x", "at.org\(home)", "~\(home)"]) == ["1: \(home)"])
        #expect(TextRules.tabIndents(["    a", "  \tb", "c\t"]) == ["2: tab"])
        let lines = [
            "public struct A {", "    /// Doc.", "    @inlinable", "    public var b: Int", "    public let c = 1", "    public override func d()",
            "    public var description: String { e }", "    open class F {}", "    public init(integerLiteral v: Int)", "}", "public extension A {}",
        ]
        #expect(
            TextRules.undocumented(lines) == ["1: public struct A {", "5: public let c = 1", "8: open class F {}"])
        #expect(TextRules.looseParameters(["/// Arguments:", "  /// - `a`, `b`: c", "/// - Parameter a: `b`: c", "/// - `a`"]).count == 2)
        #expect(
            TextRules.fileLinks(["[a](b.md#c) ![d](e.png) [f](https://g) [h](#i)", "```", "[j](k)", "```", "    [l](m)"])
                == ["b.md", "e.png"])
        #expect(TextRules.comments(["let a = 1", " /// b", "/* c", " * d */", "x * y"]) == ["/// b", "/* c", "* d */"])
        #expect(TextRules.namedPaths(["`Sources/A` and `Tools/run -x`, `a/b`, Sources/C, `Sources/<x>`"]) == ["Sources/A"])
    }
}
