import Glibc

/// How many more files this process may open. The library that starts processes does not survive running out of them half-way, so the
/// number is looked at before.
enum FileDescriptors {
    /// Two pipes, the process's own handle, the event queue, and what is opened only for a moment.
    static let perProcess = 16
    /// For everything else that goes on meanwhile.
    private static let reserve = 8

    /// Files that may still be opened; a guess from above where the system does not list the open ones.
    static var free: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        guard let listing = opendir("/proc/self/fd") else { return [EMFILE, ENFILE].contains(errno) ? 0 : .max }
        defer { closedir(listing) }
        var open = -3  // ".", ".." and the listing itself
        while readdir(listing) != nil { open += 1 }
        return max(0, Int(clamping: limit.rlim_cur) - open)
    }

    /// How many processes may run at once, at least 1.
    static var processes: Int { max(1, (free - reserve) / perProcess) }

    /// - Throws: `KernelBuildError.fileSystem` when there are not enough for one process.
    static func require(toStart program: String) throws(KernelBuildError) {
        if free < perProcess + reserve { throw .fileSystem(operation: "open the pipes to", path: program, errorNumber: EMFILE) }
    }
}
