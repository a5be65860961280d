import CVoxHostFiles
import Glibc
import Synchronization

/// The users and groups of a machine. They must all be known, since the question is whether anybody else is in a group.
package struct Accounts: Sendable {
    private struct User {
        let name: String
        let number: UInt32
        let primaryGroup: UInt32
    }

    private struct Group {
        let number: UInt32
        let members: [String]
    }

    private var users: [User] = []
    private var groups: [Group] = []

    /// Whether nobody but `owner` is in the group: it is the owner's primary group, lists nobody else, and is no other user's primary group.
    package func isPrivate(group: UInt32, of owner: UInt32) -> Bool {
        let owners = users.filter { $0.number == owner }, listed = groups.filter { $0.number == group }
        guard !owners.isEmpty, owners.allSatisfy({ $0.primaryGroup == group }), !listed.isEmpty else { return false }
        if users.contains(where: { $0.primaryGroup == group && $0.number != owner }) { return false }
        return listed.allSatisfy { group in group.members.allSatisfy { member in owners.contains { $0.name == member } } }
    }

    /// The accounts of this machine; nil when there may be more than it lists, as with accounts of a network.
    static func ofThisMachine() -> Accounts? {
        guard let passwd = contents("/etc/passwd"), let group = contents("/etc/group"), let services = contents("/etc/nsswitch.conf") else {
            return nil
        }
        return Accounts(passwd: passwd, group: group, services: services, others: listedByTheSystem)
    }

    /// From the texts of the files.
    /// - Parameters:
    ///   - services: of nsswitch.conf, which says where else accounts are.
    ///   - others: called when accounts are kept in another place too, and that place lists them all; adds those.
    package init?(passwd: String, group: String, services: String, others: (inout Accounts) -> Bool = { _ in false }) {
        guard let elsewhere = Self.hasOtherSources(services) else { return nil }
        for fields in Self.lines(passwd) {
            guard fields.count >= 4, let number = UInt32(fields[2]), let primary = UInt32(fields[3]) else { return nil }
            users.append(User(name: fields[0], number: number, primaryGroup: primary))
        }
        for fields in Self.lines(group) {
            guard fields.count >= 3, let number = UInt32(fields[2]) else { return nil }
            let members = fields.count > 3 ? fields[3].split(whereSeparator: { $0 == "," || $0 == " " || $0 == "\t" }).map(String.init) : []
            groups.append(Group(number: number, members: members))
        }
        if elsewhere, !others(&self) { return nil }
    }

    /// The fields of each line. Lines that begin with + or - refer to a network; they have no numbers, and so nobody takes them for
    /// accounts.
    private static func lines(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { line in line.drop { $0 == " " || $0 == "\t" } }.filter { !$0.isEmpty && !$0.hasPrefix("#") }.map { line in
            line.hasPrefix("+") || line.hasPrefix("-") ? [] : line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }

    /// Whether accounts are kept anywhere but in the two files; nil when they are kept where not all of them can be listed.
    private static func hasOtherSources(_ services: String) -> Bool? {
        let listing: Set<String> = ["systemd", "altfiles", "extrausers", "usrfiles"]
        var found = false
        for line in services.split(separator: "\n") {
            let line = line.prefix { $0 != "#" }
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, ["passwd", "group", "initgroups"].contains(parts[0].filter { $0 != " " && $0 != "\t" }) else { continue }
            var isReaction = false  // such as [NOTFOUND=return]
            for word in parts[1].split(whereSeparator: { $0 == " " || $0 == "\t" }) {
                if word.hasPrefix("[") { isReaction = true }
                if isReaction {
                    if word.hasSuffix("]") { isReaction = false }
                } else if listing.contains(String(word)) {
                    found = true
                } else if word != "files" && word != "compat" {
                    return nil
                }
            }
        }
        return found
    }

    // MARK: What the system lists

    /// The C library keeps one position in each list for the whole process, so only one thread may list at a time. Where another part of the
    /// process lists accounts at the same moment, some may be missed; therefore those in the files are not read through the C library.
    private static let listing = Mutex(())

    /// Adds the accounts that are not in the files.
    private static func listedByTheSystem(_ accounts: inout Accounts) -> Bool {
        listing.withLock { _ in
            setpwent()
            defer { endpwent() }
            setgrent()
            defer { endgrent() }
            var buffer = [CChar](repeating: 0, count: 1 << 20)
            while true {
                var entry = passwd(), result: UnsafeMutablePointer<passwd>?
                let status = getpwent_r(&entry, &buffer, buffer.count, &result)
                if status == ENOENT || status == 0 && result == nil { break }
                guard status == 0, let name = entry.pw_name else { return false }
                accounts.users.append(User(name: String(cString: name), number: entry.pw_uid, primaryGroup: entry.pw_gid))
            }
            while true {
                var entry = group(), result: UnsafeMutablePointer<group>?
                let status = vs_next_group(&entry, &buffer, buffer.count, &result)
                if status == ENOENT || status == 0 && result == nil { break }
                guard status == 0 else { return false }
                var members: [String] = [], next = entry.gr_mem
                while let place = next, let member = place.pointee {
                    members.append(String(cString: member))
                    next = place + 1
                }
                accounts.groups.append(Group(number: entry.gr_gid, members: members))
            }
            return true
        }
    }

    /// The text of a file; "" when there is none, nil when it cannot be read or is longer than a megabyte.
    private static func contents(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { return errno == ENOENT ? "" : nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { return String(decoding: bytes[..<done], as: UTF8.self) }
            done += count
        }
        return nil
    }
}
