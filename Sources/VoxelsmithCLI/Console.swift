import Glibc
import Logging
import Synchronization
import VoxLayerSpec

/// What the command line says to its user: sentences, in which all that came from outside is escaped. Nothing is printed elsewhere.
enum Console {
    /// How much is said besides errors and what was asked for.
    enum Level: Int, AtomicRepresentable {
        case quiet, usual, verbose
    }

    private static let chosenLevel = Atomic(Level.usual)

    static var level: Level {
        get { chosenLevel.load(ordering: .relaxed) }
        set { chosenLevel.store(newValue, ordering: .relaxed) }
    }

    /// Why the program ends, on standard error; of several lines where it tells a compiler's words.
    static func fail(_ words: Sentence) { line(words) }

    static func warn(_ line: Sentence) { note("warning: \(line)") }

    /// One line on standard error; nothing with --quiet.
    static func note(_ line: Sentence) {
        if level != .quiet { self.line(line) }
    }

    /// One line on standard error with --verbose only.
    static func detail(_ line: @autoclosure () -> Sentence) {
        if level == .verbose { self.line("debug: \(line())") }
    }

    /// What was done, on standard output; nothing with --quiet.
    static func say(_ line: Sentence) {
        if level != .quiet { show(line) }
    }

    /// One line of a result for readers, on standard output; nothing when that is for a report.
    static func show(_ line: Sentence) { output(line.text + "\n") }

    /// Lines of a result that were put together elsewhere, such as a table.
    static func show(lines: String) { output(Sentence(lines: lines).text) }

    /// One line for the program that asked for it: fields with a tab after each but the last.
    static func show(fields: [String]) { output(fields.map { escaped($0) }.joined(separator: "\t") + "\n") }

    private static func output(_ text: String) {
        if !isOutputTaken.load(ordering: .relaxed) { deliver(text) }
    }

    private static let isOutputTaken = Atomic(false)

    /// From here on standard output is for the program that reads the report.
    static func takeOutput() { isOutputTaken.store(true, ordering: .relaxed) }

    /// A report, as `jsonText` gives it, on standard output.
    static func report(_ text: String) { deliver(text) }

    /// The `errno` of the first text that standard output did not take; 0 while it took all.
    private static let outputError = Atomic<Int32>(0)

    /// Writes a text to standard output at once, so that whether it arrived is known before the program ends.
    private static func deliver(_ text: String) {
        let number = write(text, to: STDOUT_FILENO)
        if number != 0 { _ = outputError.compareExchange(expected: 0, desired: number, ordering: .relaxed) }
    }

    /// - Throws: `CommandFailure.fileSystem` when standard output did not take all that was for it: a part would pass for the whole.
    static func checkOutput() throws(CommandFailure) {
        let number = outputError.load(ordering: .relaxed)
        if number != 0 { throw .fileSystem(operation: "write", path: "standard output", reason: String(cString: strerror(number))) }
    }

    /// A line on standard error, marked as this program's.
    fileprivate static func line(_ line: Sentence) {
        endProgress()
        _ = write("voxelsmith: \(line.text)\n", to: STDERR_FILENO)
    }

    private static let showsProgress = isatty(STDERR_FILENO) == 1
    private static let isProgressShown = Atomic(false)

    /// A line on standard error that the next one overwrites; nothing unless standard error is a terminal.
    static func progress(_ line: Sentence) {
        if !showsProgress || level == .quiet { return }
        isProgressShown.store(true, ordering: .relaxed)
        _ = write("\r\u{1b}[K\(line.text)", to: STDERR_FILENO)
    }

    static func endProgress() {
        if isProgressShown.exchange(false, ordering: .relaxed) { _ = write("\r\u{1b}[K", to: STDERR_FILENO) }
    }

    /// - Returns: the `errno` of what failed; 0 when all was written.
    private static func write(_ text: String, to file: Int32) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            let number = errno
            if count < 0, number == EINTR { continue }
            if count <= 0 { return count < 0 ? number : EIO }
            bytes = bytes.dropFirst(count)
        }
        return 0
    }
}

/// What the libraries log, on standard error: warnings and worse, unless --quiet or --verbose say otherwise.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level =
        switch Console.level {
        case .quiet: .error
        case .usual: .warning
        case .verbose: .debug
        }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        Console.line("\(event.level): \(lines: "\(event.message)")")
    }
}
