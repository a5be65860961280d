import Testing

/// Products, sums and conversions of numbers from outside go through `Checked` (`Sources/LayerSpec/CheckedArithmetic.swift`); the others are
/// listed with the reason why they cannot be too large.
@Suite struct ArithmeticTests {
    @Test func onlyListedPlacesAreUnchecked() throws {
        var found: [ArithmeticRules.Finding] = []
        for path in try PackageFiles.files(under: "Sources") where path.hasSuffix(".swift") {
            found += try ArithmeticRules.findings(PackageFiles.lines(path), file: path)
        }
        #expect(found.count > 30, "the rules find what they look for")
        for finding in found where !ArithmeticRules.isAllowed(finding) { Issue.record("\(finding)") }
        for entry in ArithmeticRules.allowed {
            #expect(found.contains { $0.file == entry.file && ($0.text.contains(entry.part) || entry.part.isEmpty) }, "nothing is there any more: \(entry)")
        }
    }

    @Test func theRulesFindWhatTrapped() throws {
        for line in [
            "shape.reduce(first.dtype.byteCount, *)", "let needed = shapes.reduce(0) { $0 + $1.reduce(1, *) } * 4", "number * batch", "batch * items.count",
            "axes.reduce(1) { $0 * $1.stride }", "let shape = zip(a, b).map { ($0 + step - 1) / step }", "try await Task.sleep(for: .seconds(limit))",
            "Int(seconds.rounded(.up)) + 5", "flopCount * batch,", "count.multipliedReportingOverflow(by: 3)",
        ] {
            #expect(try !ArithmeticRules.findings(["    " + line], file: "f").isEmpty, "\(line)")
        }
        for line in [
            "// shape.reduce(1, *)", "values.reduce(0, +)", "Checked.clampedProduct(number, batch)", "ContinuousClock.now + .seconds(60)", "Int(text)",
        ] {
            #expect(try ArithmeticRules.findings([line], file: "f").isEmpty, "\(line)")
        }
    }
}
