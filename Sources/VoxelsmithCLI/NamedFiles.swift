import Glibc
import VoxForge
import VoxTensorIO

/// What a command was told to read and to write, held against each other before any work: no output takes the place of what is no
/// regular file, of an input, or of another output. Every verb lists its files; `Program` checks them.
struct NamedFiles {
    private struct Entry {
        /// The option or argument, for sentences.
        let name: String
        let path: String
    }

    private var inputs: [Entry] = []
    private var outputs: [Entry] = []
    private var folders: [Entry] = []
    private var streams: [Entry] = []

    /// - Parameter path: nil when the option was not given.
    mutating func reads(_ path: String?, _ name: String) {
        if let path { inputs.append(Entry(name: name, path: path)) }
    }

    /// - Parameter takesStream: whether `-` stands for standard output.
    mutating func writes(_ path: String?, _ name: String, takesStream: Bool = false) {
        guard let path else { return }
        if takesStream && path == Self.stream { streams.append(Entry(name: name, path: path)) } else { outputs.append(Entry(name: name, path: path)) }
    }

    /// What a build puts in place: the plugin, and the record of its verification beside it.
    mutating func writesPlugin(_ path: String) {
        writes(path, "--output")
        if !path.isEmpty && path != Self.stream { writes(VerificationRecord.path(beside: path), "the record of the verification") }
    }

    /// A folder that is made where it is missing, and whose files are named later.
    mutating func writesFolder(_ path: String?, _ name: String, takesStream: Bool = false) {
        guard let path else { return }
        if takesStream && path == Self.stream { streams.append(Entry(name: name, path: path)) } else { folders.append(Entry(name: name, path: path)) }
    }

    /// Standard output, where it may be named.
    static let stream = "-"

    /// What a path leads to: the same file under whatever name, or a name that is free in the same folder.
    private enum Place: Hashable {
        case file(device: UInt, number: UInt)
        case free(device: UInt, number: UInt, name: [UInt8])
        case unknown(path: [UInt8])

        init(_ status: stat) { self = .file(device: UInt(status.st_dev), number: UInt(status.st_ino)) }

        init(_ path: String) {
            var status = stat()
            if stat(path, &status) == 0 {
                self.init(status)
            } else if stat(StagedFile.folder(of: path), &status) == 0 {
                let name = Array(path.utf8.reversed().prefix { $0 != UInt8(ascii: "/") })
                self = .free(device: UInt(status.st_dev), number: UInt(status.st_ino), name: name)
            } else {
                self = .unknown(path: Array(path.utf8))
            }
        }
    }

    /// - Throws: `CommandFailure`.
    func check() throws(CommandFailure) {
        for entry in inputs + outputs + folders {
            if entry.path == Self.stream { throw .noStream(entry.name, isInput: inputs.contains { $0.name == entry.name }) }
            if entry.path.isEmpty { throw .emptyPath(entry.name) }
        }
        if streams.count > 1 { throw .sameFile(streams[0].name, streams[1].name, path: Self.stream) }
        for output in outputs {
            if let reason = StagedFile.obstacle(at: output.path) { throw .notReplaceable(output.name, path: output.path, reason: reason) }
        }
        for folder in folders {
            var status = stat()
            let exists = stat(folder.path, &status) == 0 || lstat(folder.path, &status) == 0
            if exists && status.st_mode & S_IFMT != S_IFDIR {
                throw .noFolder(folder.name, path: folder.path)
            }
        }
        try checkIdentities()
    }

    private func checkIdentities() throws(CommandFailure) {
        var taken: [Place: String] = [:]
        for (descriptor, name) in [(STDIN_FILENO, "standard input"), (STDOUT_FILENO, "standard output"), (STDERR_FILENO, "standard error")] {
            var status = stat()
            if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG { taken[Place(status)] = name }
        }
        var pipes: [Place: String] = [:]
        for input in inputs {
            let place = Place(input.path)
            taken[place] = input.name
            var status = stat()
            // What comes through a pipe is read once.
            guard stat(input.path, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { continue }
            if let other = pipes.updateValue(input.name, forKey: place) { throw .readTwice(other, input.name, path: input.path) }
        }
        for output in outputs {
            if let other = taken.updateValue(output.name, forKey: Place(output.path)) { throw .sameFile(other, output.name, path: output.path) }
        }
    }
}
