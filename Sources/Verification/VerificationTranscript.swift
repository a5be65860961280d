/// What a process that verifies a kernel prints: a line for each check as it is done, its fields separated by tabs, and a last line that says
/// that all were done.
package enum VerificationTranscript {
    private static let end = "end"

    /// The line of a check.
    package static func line(_ check: VerificationCheck) -> String {
        check.failure.map { line("failed", check.name, $0) } ?? line("passed", check.name)
    }

    /// The last line.
    package static var lastLine: String { line(end) }

    private static func line(_ fields: String...) -> String {
        fields.map { field in field.map { $0 == "\t" || $0.isNewline ? " " : String($0) }.joined() }.joined(separator: "\t") + "\n"
    }

    /// The checks that were done, up to a line that is none.
    /// - Parameter output: all that the process printed.
    /// - Returns: the checks, and whether all were done.
    package static func read(_ output: String) -> (checks: [VerificationCheck], isComplete: Bool) {
        var checks: [VerificationCheck] = []
        for text in output.split(separator: "\n") {
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            switch (fields[0], fields.count) {
            case ("passed", 2): checks.append(VerificationCheck(name: fields[1], failure: nil))
            case ("failed", 3): checks.append(VerificationCheck(name: fields[1], failure: fields[2]))
            case (end, 1): return (checks, true)
            default: return (checks, false)
            }
        }
        return (checks, false)
    }
}
