import Glibc

/// How much more memory this process may take. The system grants more than it has and ends processes that use it, so large requests
/// are compared with this first.
package enum AvailableMemory {
    /// Requests below this are not worth the question, which costs some 50 µs.
    static let worthAsking = 64 << 20

    /// Bytes: the least of what the machine has free, what this process's control groups leave, and what its limit of addresses
    /// leaves; `Int.max` where the system says nothing.
    package static var byteCount: Int { min(machine, controlGroups, addressSpace) }

    /// - Throws: `TensorError.outOfMemory` when a large request would exceed it.
    package static func check(_ request: Int) throws(TensorError) {
        if request >= worthAsking && request > byteCount { throw .outOfMemory(byteCount: request) }
    }

    // MARK: What the system says

    /// `MemAvailable:   22857 kB`: free memory, and what caches would give back.
    private static var machine: Int {
        let lines = lines(of: "/proc/meminfo")
        guard let line = lines.first(where: { $0.hasPrefix("MemAvailable:") }) else { return .max }
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 } ?? .max
    }

    /// Bytes of addresses that the process's limit leaves; `Int.max` without a limit.
    package static var addressSpace: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur < UInt(Int.max),
            let pages = lines(of: "/proc/self/statm").first?.split(separator: " ").first.flatMap({ Int($0) })
        else { return .max }
        return max(0, Int(limit.rlim_cur) - pages * Int(getpagesize()))
    }

    /// What the control groups leave: each group that this process is in, and those above it, which limit it too.
    private static var controlGroups: Int {
        var least = Int.max
        for line in lines(of: "/proc/self/cgroup") {
            // number:controllers:path; version 2 has no controllers.
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, fields[1].isEmpty || fields[1].split(separator: ",").contains("memory") else { continue }
            let isVersion2 = fields[1].isEmpty
            let root = isVersion2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            var path = String(fields[2])
            while true {
                let group = root + (path == "/" ? "" : path)
                least = min(least, isVersion2 ? room(group, "memory.max", "memory.current", "inactive_file")
                    : room(group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
                guard let slash = path.lastIndex(of: "/"), path.count > 1 else { break }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
        }
        return least
    }

    /// What one group leaves; the cached files it would give back count as free.
    private static func room(_ group: String, _ limitFile: String, _ usageFile: String, _ cached: String) -> Int {
        guard let limit = lines(of: group + "/" + limitFile).first.flatMap({ Int($0) }), limit < 1 << 60,  // "max", or 2^63 less a page
            let usage = lines(of: group + "/" + usageFile).first.flatMap({ Int($0) })
        else { return .max }
        let line = lines(of: group + "/memory.stat").first { $0.hasPrefix(cached + " ") }
        let returnable = line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
        return max(0, limit - usage + returnable)
    }

    /// The lines of one of the system's own short files; none when it cannot be read.
    private static func lines(of path: String) -> [String] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        if file < 0 { return [] }
        defer { close(file) }
        let text = String(unsafeUninitializedCapacity: 1 << 14) { buffer in
            var done = 0
            while done < buffer.count {
                let count = read(file, buffer.baseAddress?.advanced(by: done), buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                done += count
            }
            return done
        }
        return text.split(separator: "\n").map(String.init)
    }
}
