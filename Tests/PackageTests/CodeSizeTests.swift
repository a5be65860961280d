import Testing

@Suite struct CodeSizeTests {
    @Test func filesAndFunctionsAreShortOrSayWhyNot() throws {
        var fileCount = 0
        var functionCount = 0
        for path in try ["Sources", "Plugins", "Templates"].flatMap({ try PackageFiles.files(under: $0) }) {
            guard let language = CodeText.Language(path: path) else { continue }
            let text = try PackageFiles.text(path)
            for finding in SizeRules().findings(text, language) { Issue.record("\(path): \(finding)") }
            fileCount += 1
            // Reading a file twice takes time: one module stands for all.
            if path.hasPrefix("Sources/Scheduling/") { functionCount += SizeRules.functions(CodeText(text, language), language).count }
        }
        #expect(fileCount > 250)
        #expect(functionCount > 100, "the rules find what they measure: \(functionCount)")
    }

    private func swift(_ text: String) -> [String] { SizeRules(mostLines: 12, mostFunctionLines: 3).findings(text, .swift) }

    @Test func longFunctionsAreFound() {
        let short = "func a() {\n    b()\n}\n"
        let long = "func a(\n    b: Int\n) -> Int {\n    b\n}\n"
        #expect(swift(short) == [])
        #expect(swift(long) == ["line 1: 5 lines: func a("])
        #expect(swift("struct A {\n" + long + "}\n") == ["line 2: 5 lines: func a("])
        for start in [
            "init(b: Int) {", "init?<T>(_ b: T) {", "deinit {", "subscript(i: Int) -> Int {", "var b: [Int: Int] {", "func < (a: A, b: A) -> Bool {",
        ] {
            #expect(swift(start + "\n    1\n    2\n}\n") == ["line 1: 4 lines: \(start)"])
        }
        // Calls and declarations without a body are none.
        #expect(swift("self.init(a)\nsuper.init(b) {\n    1\n    2\n    3\n}\n") == [])
        #expect(swift("protocol A {\n    func b()\n    func c()\n    func d()\n    func e()\n}\n") == [])
    }

    @Test func textsAndCommentsHoldNoCode() {
        for line in [#"let t = "}" "#, "// }", "/* } */ 1", ##"let t = #"}\"# "##, #"let t = "\(a("}") + "x\("}")")" "#] {
            #expect(swift("func a() {\n    \(line)\n    b()\n}\n") == ["line 1: 4 lines: func a() {"], "\(line)")
        }
        #expect(swift("let t = \"\"\"\n    func a() {\n\n\n\n    }\n    \"\"\"\n") == [])
        #expect(swift("// func a() {\n\n\n\n\n// }\n") == [])
    }

    @Test func cAndTemplatesAreRead() {
        let rules = SizeRules(mostLines: 12, mostFunctionLines: 3)
        #expect(rules.findings("static int a(int b,\n             int c) {\n    d;\n}\n", .c) == ["line 1: 4 lines: static int a(int b,"])
        #expect(rules.findings("#define A(b) \\\n    { \\\n    b\nint a(void) {\n}\n", .c) == [])
        #expect(rules.findings("int a(void);\nstruct b {\n    int c;\n    int d;\n};\n", .c) == [])
        #expect(rules.findings("int {{name}}_a(void) {\n    '{';\n{{#b}}\n{{/b}}\n}\n", .c).count == 1)
    }

    @Test func aReasonStandsBesideWhatIsLong() {
        let long = "func a() {\n    1\n    2\n}\n"
        #expect(swift("// Longer than 3 lines: it says one thing after another.\n" + long) == [])
        #expect(swift("/// Doc. Longer than 3 lines: one sentence for each case.\n@inlinable\n" + long) == [])
        for other in ["// Longer than 3 lines: yes.\n", "// Longer than 4 lines: it says one thing after another.\n", "// It is long because it is long.\n"] {
            #expect(swift(other + long).count == 1, "\(other)")
        }
        #expect(swift("// Longer than 3 lines: it says one thing after another.\n\n" + long).count == 2, "the reason stands elsewhere")
        #expect(swift("// Longer than 3 lines: it says one thing after another.\nfunc a() {}\n").count == 1, "it is not long")
        let lines = String(repeating: "let a = 1\n", count: 13)
        #expect(swift(lines) == ["13 lines"])
        #expect(swift(String(repeating: "let a = 1\n", count: 12)) == [])
        #expect(swift("// Longer than 12 lines: it is one table of numbers.\n" + lines) == [])
    }
}
