import Testing

/// What documents name in code quotes exists: files, types with their members, tests, names of the code.
@Suite struct DocumentNamesTests {
    /// Names that are not this package's: of Swift, of SwiftPM, of Keras's files.
    private static let foreign: Set<String> = [
        "Bundle.module", "DispatchQueue.concurrentPerform", "Int.max", "Test.cancel", "PACKAGE_TARGET.resources", "keras.json", "config.json",
        "metadata.json",
    ]

    private struct Quote {
        let place: String
        let text: String
    }

    /// What stands in code quotes on the pages, outside of listings. The changelog may name what is gone.
    private func quotes() throws -> [Quote] {
        try PackageFiles.pages().filter { $0 != "CHANGELOG.md" }.flatMap { page in
            var isListing = false
            return try PackageFiles.lines(page).enumerated().flatMap { number, line -> [Quote] in
                if line.hasPrefix("```") { isListing.toggle() }
                if isListing || line.hasPrefix("    ") { return [] }
                let parts = line.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
                return parts.map { Quote(place: "\(page):\(number + 1)", text: String($0.element)) }
            }
        }
    }

    /// The code of the package: by file, its words.
    private func code() throws -> [String: Set<String>] {
        let endings = [".swift", ".h", ".c", ".mustache", ".py"]
        var code: [String: Set<String>] = [:]
        for root in ["Sources", "Templates", "Plugins", "Tests", "Tools", "Examples", "Package.swift"] {
            for path in try PackageFiles.files(under: root) where endings.contains(where: { path.hasSuffix($0) }) {
                code[path] = DocumentNames.words(try PackageFiles.text(path))
            }
        }
        return code
    }

    @Test func everyNamedFileTypeMemberAndWordIsThere() throws {
        let (quotes, code) = (try quotes(), try code())
        let files = Set(try PackageFiles.roots.flatMap { try PackageFiles.files(under: $0) }.map { DocumentNames.fileName($0) })
        // Package.swift has the rooms; names of modules follow from them.
        let modules = try Manifest(PackageFiles.text("Package.swift")).dependencies.keys.map(ModuleName.name(ofRoom:))
        let words = code.values.reduce(into: Set(modules)) { $0.formUnion($1) }
        var types: [String: [String]] = [:]
        for path in code.keys where path.hasSuffix(".swift") {
            for type in DocumentNames.types(try PackageFiles.lines(path)) { types[type, default: []].append(path) }
        }
        var counts = (files: 0, members: 0, words: 0)
        for quote in quotes where !Self.foreign.contains(quote.text) {
            switch DocumentNames.kind(quote.text) {
            case .file(let name):
                counts.files += 1
                let isThere = files.contains(name)  // computed here, so that a failure does not print the whole set
                #expect(isThere, "\(quote.place): there is no file \(name)")
            case .member(let type, let member):
                counts.members += 1
                let declarations = types[type] ?? []
                let isThere = declarations.contains { code[$0]?.contains(member) == true }
                #expect(isThere, "\(quote.place): there is no \(type).\(member)")
            case .word(let word):
                counts.words += 1
                let isThere = words.contains(word)
                #expect(isThere, "\(quote.place): nothing is called \(word)")
            case .other: break
            }
        }
        #expect(counts.files > 20 && counts.members > 100 && counts.words > 100, "\(counts)")
    }

    /// `--filter` takes a part of a test's name.
    @Test func everyFilterFindsATest() throws {
        let tests = try PackageFiles.files(under: "Tests").filter { $0.hasSuffix("Tests.swift") }.map { try PackageFiles.text($0) }
        let targets = try PackageFiles.folders(in: "Tests")
        for page in try PackageFiles.pages() {
            for line in try PackageFiles.lines(page) {
                for match in line.matches(of: /--filter '?([A-Za-z|]+)/) {
                    for part in match.1.split(separator: "|") {
                        let isThere = targets.contains(String(part))
                            || tests.contains { $0.contains("struct \(part)") || $0.contains("func \(part)") || $0.contains("\(part)Tests") }
                        #expect(isThere, "\(page): --filter \(part)")
                    }
                }
            }
        }
    }

    @Test func rulesFindWhatTheyAreFor() {
        #expect(DocumentNames.kind("Planner.swift") == .file("Planner.swift"))
        #expect(DocumentNames.kind("voxelsmith.json") == .file("voxelsmith.json"))
        #expect(DocumentNames.kind("Activation.rounded(to:)") == .member(type: "Activation", member: "rounded"))
        #expect(DocumentNames.kind("ClassCounts.minima") == .member(type: "ClassCounts", member: "minima"))
        #expect(DocumentNames.kind("PreparedLayer") == .word("PreparedLayer"))
        #expect(DocumentNames.kind("inputNames") == .word("inputNames"))
        for text in ["relu", "--plugin", "Sources/A.swift", "model.so", "a b", "kernel_shape", "W.npz", "Tensor"] {
            #expect(DocumentNames.kind(text) == .other, "\(text)")
        }
        #expect(DocumentNames.types(["public struct A: B {", "    enum C {", "extension Target.D {", "// struct e"]) == ["A", "C", "Target"])
        #expect(DocumentNames.words("let a_b = c(d2)\n/// e-f") == ["let", "a_b", "c", "d2", "e", "f"])
    }
}

/// Tells what a text in code quotes names.
enum DocumentNames {
    enum Kind: Equatable {
        /// A file, without a folder.
        case file(String)
        case member(type: String, member: String)
        /// A name in the middle of which a capital follows a small letter: no word of any other language.
        case word(String)
        case other
    }

    static func kind(_ text: String) -> Kind {
        if text.wholeMatch(of: /[\w+\-]+\.(swift|md|h|c|json|mustache|py)/) != nil { return .file(text) }
        if let match = text.wholeMatch(of: /([A-Z]\w+)\.([a-z]\w*)(\(.*\))?/) {
            return .member(type: String(match.1), member: String(match.2))
        }
        if text.wholeMatch(of: /[A-Za-z]\w*[a-z][A-Z]\w*|[a-z][A-Z]\w*/) != nil { return .word(text) }
        return .other
    }

    private static let declarations: Set<String> = ["struct", "class", "enum", "protocol", "extension", "actor"]

    /// The types that lines declare or extend.
    static func types(_ lines: [String]) -> [String] {
        lines.filter { !$0.contains("//") }.compactMap { line in
            let words = line.split(separator: " ")
            guard let keyword = words.firstIndex(where: { declarations.contains(String($0)) }), keyword + 1 < words.count else { return nil }
            let name = words[keyword + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            return name.first?.isUppercase == true ? String(name) : nil
        }
    }

    static func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The identifiers and words of a text.
    static func words(_ text: String) -> Set<String> {
        func isPart(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || byte >= 128 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        return Set(text.utf8.split { !isPart($0) }.map { String(Substring($0)) })
    }
}
