import Foundation
import Testing
import VoxKernelRuntime

/// Which groups are as good as their owner, by what a machine says of its accounts.
struct AccountsTests {
    private static let passwd = """
        # users
        root:x:0:0:root:/root:/bin/bash
        toor:x:0:0::/root:/bin/sh
        alice:x:1000:1000:Alice,,,:/nowhere/alice:/bin/bash
        bob:x:1001:1001::/nowhere/bob:/bin/bash
        carol:x:1002:1001::/nowhere/carol:/bin/bash
        dave:x:1003:100::/nowhere/dave:/bin/bash
        erin:x:1004:1004::/nowhere/erin:/bin/bash
        frank:x:1005:1999::/nowhere/frank:/bin/bash

        """
    private static let group = """
        root:x:0:
        users:x:100:
        alice:x:1000:alice
        bob:x:1001:
        erin:x:1004:erin,alice
        shared:x:2000:alice
        """
    private static let services = "# where\npasswd:         files\ngroup: files [NOTFOUND=return]\nhosts: files dns\n"

    @Test func aGroupOfTheOwnersAloneIsTheOwner() throws {
        let accounts = try #require(Accounts(passwd: Self.passwd, group: Self.group, services: Self.services))
        let trusted: [(group: UInt32, owner: UInt32)] = [(0, 0), (1000, 1000)]
        let refused: [(group: UInt32, owner: UInt32, why: String)] = [
            (1001, 1001, "another's primary group"), (1001, 1002, "another's primary group"), (1004, 1004, "lists another"),
            (2000, 1000, "not the primary one"), (1000, 1001, "another's"), (1000, 0, "another's"),
            (1999, 1005, "not listed at all"), (1234, 1234, "an unknown user"), (0, 1000, "root's"),
        ]
        for (group, owner) in trusted { #expect(accounts.isPrivate(group: group, of: owner), "\(group) \(owner)") }
        for (group, owner, why) in refused {
            #expect(!accounts.isPrivate(group: group, of: owner), "\(group) \(owner): \(why)")
        }
        // The rule for files: the group may write, nobody else.
        var status = stat()
        let trust = FileTrust(user: 1000) { accounts }
        func check(_ mode: UInt32, group: UInt32 = 1000, accessList: Bool = false) -> PluginError? {
            (status.st_uid, status.st_gid, status.st_mode) = (1000, group, mode)
            do throws(PluginError) { try trust.check(status, plugin: "p", entry: "e") { accessList } } catch { return error }
            return nil
        }
        for mode: UInt32 in [S_IFDIR | 0o775, S_IFDIR | 0o2775, S_IFREG | 0o664, S_IFREG | 0o660] { #expect(check(mode) == nil, "\(mode)") }
        for mode: UInt32 in [S_IFDIR | 0o777, S_IFREG | 0o666, S_IFREG | 0o646] { #expect(check(mode) != nil, "\(mode)") }
        #expect(check(S_IFDIR | 0o775, group: 2000) == .writableByOthers(path: "p", entry: "e", mode: 0o775))
        #expect(check(S_IFDIR | 0o775, accessList: true) != nil)
    }

    /// Accounts that cannot be listed may have anybody in the group.
    @Test func accountsThatCannotBeKnown() throws {
        func accounts(_ services: String, passwd: String = Self.passwd, group: String = Self.group, lists: Bool = false) -> Accounts? {
            Accounts(passwd: passwd, group: group, services: services) { _ in lists }
        }
        for services in ["", "hosts: dns", Self.services, "passwd: compat\ngroup:\tfiles", "passwd: files [!UNAVAIL=return] # ldap"] {
            #expect(accounts(services) != nil, "\(services)")
        }
        for source in ["ldap", "sss", "nis", "winbind", "db", "systemd", "oslogin"] {
            for database in ["passwd", "group", "initgroups"] {
                #expect(accounts("\(database): files [SUCCESS=merge] \(source)") == nil, "\(database) \(source)")
                #expect((accounts("\(database): files \(source)", lists: true) != nil) == (source == "systemd"), "\(database) \(source)")
            }
        }
        for line in ["+", "+::::::", "-mallory", "+@netgroup", "broken", "name:x:number:1"] {
            #expect(accounts("", passwd: Self.passwd + line) == nil, "\(line)")
            #expect(accounts("", group: Self.group + "\n" + line) == nil, "\(line)")
        }
        #expect(accounts("", passwd: "")?.isPrivate(group: 0, of: 0) == false)
    }
}
