/// Names of files that are still being written: they stand beside the path they take by renaming once they are whole.
package enum StagingName {
    /// `.NAME.` and a random word, in the folder of `path`. The word has 64 random bits, since nothing else tells two writers
    /// apart: processes in containers of their own have equal numbers. It is still to be created with O_EXCL.
    package static func beside(_ path: String) -> String {
        // By bytes: a slash with an accent behind it is none to Swift; to the system it is one.
        let nameStart = path.utf8.lastIndex(of: UInt8(ascii: "/")).map(path.utf8.index(after:)) ?? path.startIndex
        // A long name, cut, leaves room for the word: file names have at most 255 bytes.
        let start = String(decoding: path[nameStart...].utf8.prefix(100), as: UTF8.self)
        return "\(path[..<nameStart]).\(start).\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }
}
