import Glibc
import Logging
import Synchronization

/// What the command line says to its user.
enum Console {
    /// One line on standard error, marked as this program's.
    static func note(_ text: String) { write("voxelsmith: \(text)\n", to: STDERR_FILENO) }

    static func warn(_ text: String) { note("warning: \(text)") }

    private static let showsProgress = isatty(STDERR_FILENO) == 1
    private static let isProgressShown = Atomic(false)

    /// A line on standard error that the next one overwrites; nothing unless standard error is a terminal.
    static func progress(_ text: String) {
        if !showsProgress { return }
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

/// Warnings and worse of the libraries, on standard error.
struct StandardErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        Console.endProgress()
        Console.note("\(event.level): \(event.message)")
    }
}
