import Glibc
import Logging
import Synchronization

/// What the command line says to its user.
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

    /// Why the program ends, on standard error.
    static func fail(_ text: String) { line(text) }

    static func warn(_ text: String) { note("warning: \(text)") }

    /// One line on standard error; nothing with --quiet.
    static func note(_ text: String) {
        if level != .quiet { line(text) }
    }

    /// One line on standard error with --verbose only.
    static func detail(_ text: @autoclosure () -> String) {
        if level == .verbose { line("debug: \(text())") }
    }

    /// What was done, on standard output; nothing with --quiet.
    static func say(_ text: String, terminator: String = "\n") {
        if level != .quiet { show(text, terminator: terminator) }
    }

    /// A result for readers, on standard output.
    static func show(_ text: String, terminator: String = "\n") { print(text, terminator: terminator) }

    /// A line on standard error, marked as this program's.
    fileprivate static func line(_ text: String) {
        endProgress()
        write("voxelsmith: \(text)\n", to: STDERR_FILENO)
    }

    private static let showsProgress = isatty(STDERR_FILENO) == 1
    private static let isProgressShown = Atomic(false)

    /// A line on standard error that the next one overwrites; nothing unless standard error is a terminal.
    static func progress(_ text: String) {
        if !showsProgress || level == .quiet { return }
        isProgressShown.store(true, ordering: .relaxed)
        write("\r\u{1b}[K\(text)", to: STDERR_FILENO)
    }

    static func endProgress() {
        if isProgressShown.exchange(false, ordering: .relaxed) { write("\r\u{1b}[K", to: STDERR_FILENO) }
    }

    private static func write(_ text: String, to file: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
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
        Console.line("\(event.level): \(event.message)")
    }
}
