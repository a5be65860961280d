/// Names of files that are still being written: they stand beside the path they take by renaming once they are whole.
package enum StagingName {
    /// `.NAME.` and a random word, in the folder of `path`. The word has 64 random bits, since nothing else tells two writers
    /// apart: processes in containers of their own have equal numbers. It is still to be created with O_EXCL.
    package static func beside(_ path: String) -> String {
        let (folder, name) = path.lastIndex(of: "/").map { (path[...$0], path[path.index(after: $0)...]) } ?? ("", path[...])
        // A long name, cut, leaves room for the word: file names have at most 255 bytes.
        let start = String(decoding: name.utf8.prefix(100), as: UTF8.self)
        return "\(folder).\(start).\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }
}
