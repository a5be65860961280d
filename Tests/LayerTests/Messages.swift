import Logging
import Synchronization

/// What a library says to its logger.
final class Messages: Sendable {
    let texts = Mutex<[String]>([])
    var logger: Logger { Logger(label: "test") { _ in Handler(messages: self) } }

    private struct Handler: LogHandler {
        let messages: Messages
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { messages.texts.withLock { $0.append("\(event.level): \(event.message)") } }
    }
}
