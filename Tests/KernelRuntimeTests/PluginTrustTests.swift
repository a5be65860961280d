import Foundation
import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// What a plugin must not be or contain, each refused with its own error before anything of it is mapped.
struct PluginTrustTests {
    // MARK: Contents

    private func plugin(_ extra: String = "", linkerFlags: [String] = []) throws -> [UInt8] {
        try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), extra: extra, linkerFlags: linkerFlags).compile(in: TemporaryFolder())
    }

    /// The error of a plugin with these bytes and a true digest.
    private func refusal(_ bytes: [UInt8]) -> PluginError? {
        do throws(PluginError) {
            _ = try PluginFile(bytes: HandWrittenPlugin.sealed(bytes), path: "p")
            return nil
        } catch {
            return error
        }
    }

    @Test func whatTheCompilerCanBeAskedFor() throws {
        #expect(refusal(try plugin()) == nil)
        #expect(
            refusal(try plugin("static volatile int n; __attribute__((constructor)) static void f(void) { n++; }"))
                == .constructors(path: "p", entries: ["DT_INIT_ARRAY", "DT_INIT_ARRAYSZ"]))
        #expect(
            refusal(try plugin("static volatile int n; __attribute__((destructor)) static void f(void) { n++; }"))
                == .constructors(path: "p", entries: ["DT_FINI_ARRAY", "DT_FINI_ARRAYSZ"]))
        #expect(
            refusal(try plugin("void start(void); void start(void) {}", linkerFlags: ["-Wl,-init=start"]))
                == .constructors(path: "p", entries: ["DT_INIT"]))
        #expect(
            refusal(try plugin("extern int elsewhere(void) __attribute__((weak)); int (*f(void))(void); int (*f(void))(void) { return elsewhere; }"))
                == .undefinedSymbols(path: "p", names: ["elsewhere"]))
        #expect(
            refusal(try plugin("__attribute__((visibility(\"default\"))) int extra = 1;"))
                == .unexpectedExports(path: "p", names: ["extra"]))
        #expect(
            refusal(
                try plugin(
                    "static int one(void) { return 1; } static void *choose(void) { return one; }"
                        + "__attribute__((visibility(\"default\"), ifunc(\"choose\"))) int chosen(void);"))
                == .indirectFunction(path: "p", name: "chosen"))
        let state = "__attribute__((visibility(\"default\"))) __thread int state;"
        #expect(refusal(try plugin(state)) == .threadLocalStorage(path: "p"))
        #expect(
            refusal(try plugin(linkerFlags: ["-Wl,-soname,libm.so.6"]))
                == .unexpectedDynamicEntry(path: "p", tag: 14, value: UInt64(1 + "voxelsmith_plugin".count + 1)))
        #expect(
            refusal(try plugin(linkerFlags: ["-Wl,-z,execstack"])) == .writableCode(path: "p", what: "an executable stack"))
        #expect(
            refusal(try plugin(linkerFlags: ["-Wl,-N"])).map { if case .writableCode = $0 { true } else { false } } ?? false)

        // A library that really exists; its name is found in the strings of the plugin.
        let folder = try TemporaryFolder()
        let library = folder.path("libother.so")
        _ = try folder.write(try plugin(linkerFlags: ["-Wl,-soname,libother.so"]), as: "libother.so")
        #expect(
            refusal(try plugin(linkerFlags: ["-Wl,--no-as-needed", library])) == .neededLibraries(path: "p", names: ["libother.so"]))
    }

    /// Constant tables of pointers are relocated and stay allowed.
    @Test func constantTablesAreNoReason() throws {
        #expect(
            refusal(
                try plugin(
                    "static const int a = 1, b = 2; static const int *const table[] = {&a, &b};"
                        + "int at(long i); int at(long i) { return *table[i]; }")) == nil)
        #expect(try ElfPatch(bytes: plugin("static int f(int x) { return x; } int (*const table[])(int) = {f};")).relocations().count == 3)
    }

    @Test func patchedTables() throws {
        let sound = ElfPatch(bytes: try plugin())
        func expectRefusal(_ what: String, _ patch: (inout ElfPatch) throws -> Void, _ matches: (PluginError) -> Bool) throws {
            var patched = sound
            try patch(&patched)
            let error = refusal(patched.bytes)
            #expect(error.map(matches) == true, "\(what): \(String(describing: error))")
            #expect(error?.description.hasSuffix(".") == true, "\(what)")
        }
        // RELACOUNT is only a hint, so its entry can become any other.
        let spare: UInt64 = 0x6fff_fff9
        for (tag, name) in [(12, "DT_INIT"), (13, "DT_FINI"), (25, "DT_INIT_ARRAY"), (26, "DT_FINI_ARRAY"), (32, "DT_PREINIT_ARRAY")] {
            try expectRefusal(name, { $0.set(UInt64(tag), at: try $0.dynamicEntry(spare)) }) {
                $0 == .constructors(path: "p", entries: [name])
            }
        }
        try expectRefusal("a needed library", { $0.set(UInt64(1), at: try $0.dynamicEntry(spare)) }) {
            if case .neededLibraries(_, let names) = $0 { names.count == 1 } else { false }
        }
        try expectRefusal("relocated code", { $0.set(UInt64(22), at: try $0.dynamicEntry(spare)) }) {
            $0 == .writableCode(path: "p", what: "relocations of its code")
        }
        // RPATH, SYMBOLIC, REL, PLTREL, DEBUG, JMPREL, RUNPATH, RELR, VERSYM, AUDIT, FILTER
        for tag: UInt64 in [15, 16, 17, 20, 21, 23, 29, 36, 0x6fff_fff0, 0x6fff_fefc, 0x7fff_ffff] {
            try expectRefusal("dynamic entry \(tag)", { $0.set(tag, at: try $0.dynamicEntry(spare)) }) {
                $0 == .unexpectedDynamicEntry(path: "p", tag: tag, value: 2)
            }
        }
        try expectRefusal("flags", { $0.set(UInt64(30), at: try $0.dynamicEntry(spare)) }) {
            $0 == .unexpectedDynamicEntry(path: "p", tag: 30, value: 2)
        }

        try expectRefusal("an interpreter", { $0.set(UInt32(3), at: try $0.header(6)) }) {
            if case .interpreter = $0 { true } else { false }
        }
        try expectRefusal("thread-local storage", { $0.set(UInt32(7), at: try $0.header(6)) }) { $0 == .threadLocalStorage(path: "p") }
        try expectRefusal("writable code", { $0.set(UInt32(7), at: try $0.code() + 4) }) {
            $0 == .writableCode(path: "p", what: "a segment that is writable and executable")
        }
        try expectRefusal("an executable stack", { $0.set(UInt32(7), at: try $0.header(0x6474_e551) + 4) }) {
            $0 == .writableCode(path: "p", what: "an executable stack")
        }
        try expectRefusal("no word about the stack", { $0.set(UInt32(0), at: try $0.header(0x6474_e551)) }) {
            if case .writableCode(_, let what) = $0 { what.contains("no header") } else { false }
        }
        try expectRefusal("a note", { $0.set(UInt32(4), at: try $0.header(6)) }) {
            if case .malformedImage = $0 { true } else { false }
        }
        try expectRefusal("a segment beyond the file", { $0.set(UInt64(1) << 40, at: try $0.code() + 32) }) {
            if case .malformedImage(_, "a segment lies outside the file") = $0 { true } else { false }
        }
        try expectRefusal("overlapping segments", { $0.set(UInt64(1) << 20, at: try $0.header(1) + 40) }) {
            if case .malformedImage(_, "segments overlap") = $0 { true } else { false }
        }
        try expectRefusal("no dynamic table", { $0.set(UInt32(0), at: try $0.header(2)) }) {
            if case .malformedImage(_, "0 dynamic tables; expected 1") = $0 { true } else { false }
        }

        let first = try #require(try sound.relocations().first)
        for type: UInt32 in [1, 6, 7, 37, 1025, 1032] {  // absolute, GLOB_DAT, JUMP_SLOT, IRELATIVE, and those of the other machine
            try expectRefusal("relocation type \(type)", { $0.set(type, at: first + 8) }) {
                if case .unexpectedRelocation(_, _, let reason) = $0 { reason.hasPrefix("its type is \(type) ") } else { false }
            }
        }
        try expectRefusal("a relocation with a symbol", { $0.set(UInt32(1), at: first + 12) }) {
            if case .unexpectedRelocation(_, _, let reason) = $0 { reason.contains("with symbol 1") } else { false }
        }
        try expectRefusal("an entry point outside the code", { $0.set(UInt64(8), at: first + 16) }) {
            if case .unexpectedRelocation(_, _, "an entry point leads outside the code") = $0 { true } else { false }
        }
        // The magic of the object, the dynamic table, code, no segment at all.
        let object = sound.size(at: try sound.symbolTable() + 24 + 8)
        for place in [object, sound.size(at: try sound.header(2) + 16), sound.size(at: try sound.code() + 16), 1 << 50] {
            try expectRefusal("a relocation at \(place)", { $0.set(UInt64(place), at: first) }) {
                if case .unexpectedRelocation(_, place, "it changes what is no entry point and no constant") = $0 { true } else { false }
            }
        }
        try expectRefusal(
            "an entry point without relocation",
            {
                $0.set(UInt64(24), at: try $0.dynamicEntry(8) + 8)
                $0.set(UInt64(1), at: try $0.dynamicEntry(spare) + 8)
            }
        ) {
            $0 == .malformedDescriptor(path: "p", index: 0, reason: "it has no entry points")
        }

        try expectRefusal("no buckets", { $0.set(UInt32(0), at: try $0.hashTable()) }) {
            if case .malformedImage(_, "the hash table has impossible sizes") = $0 { true } else { false }
        }
        // Each of thousands of buckets could begin the same long chain.
        try expectRefusal("too many buckets", { $0.set(UInt32(257), at: try $0.hashTable()) }) {
            if case .malformedImage(_, "the hash table has impossible sizes") = $0 { true } else { false }
        }
        try expectRefusal("a name without end", { $0.set(UInt64(4), at: try $0.dynamicEntry(10) + 8) }) {
            if case .malformedImage(_, "a name has no end") = $0 { true } else { false }
        }
        try expectRefusal("a bucket that leads astray", { $0.set(UInt32.max, at: try $0.hashTable() + 24) }) {
            if case .malformedImage = $0 { true } else { false }
        }
        // glibc would call a function symbol's resolver, or take code for the object.
        try expectRefusal("a function instead of the object", { $0.set(UInt8(0x12), at: try $0.symbolTable() + 24 + 4) }) {
            if case .malformedImage(_, let reason) = $0 { reason.contains("no plain data object") } else { false }
        }
        try expectRefusal("an indirect function instead of the object", { $0.set(UInt8(0x1a), at: try $0.symbolTable() + 24 + 4) }) {
            $0 == .indirectFunction(path: "p", name: "voxelsmith_plugin")
        }
    }

    /// Bits of the tables flipped under a true digest: what the rules let through must be harmless to the dynamic linker.
    @Test func whatIsAcceptedCanBeMapped() throws {
        let folder = try TemporaryFolder()
        let bytes = try plugin()
        let code = ElfPatch(bytes: bytes)
        let codeHeader = try code.code()
        let codeBytes = code.size(at: codeHeader + 8)..<code.size(at: codeHeader + 8) + code.size(at: codeHeader + 32)
        var random = SeededRandom(seed: 71)
        var (refused, loaded) = (0, 0)
        for round in 0..<800 {
            var damaged = bytes
            let index = Int.random(in: 0..<bytes.count, using: &random)
            if codeBytes.contains(index) { continue }
            damaged[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let path = try folder.write(HandWrittenPlugin.sealed(damaged), as: "\(round).so")
            do throws(PluginError) {
                let image = try PluginImage(path: path)
                #expect(try image.kernels().count == 1, "bit of byte \(index)")
                loaded += 1
            } catch {
                #expect(!error.description.isEmpty)
                refused += 1
            }
        }
        #expect(refused > 50 && loaded > 150, "\(refused) refused, \(loaded) loaded")
    }

    // MARK: Owner and permissions

    @Test func onlyRootAndTheUserAreTrusted() throws {
        var status = stat()
        status.st_mode = S_IFREG | 0o644
        let trust = FileTrust(user: 1000) { nil }
        func check(_ owner: UInt32, _ mode: UInt32) -> PluginError? {
            status.st_uid = owner
            status.st_mode = mode
            do throws(PluginError) { try trust.check(status, plugin: "p", entry: "e") } catch { return error }
            return nil
        }
        for owner: UInt32 in [0, 1000] {
            for mode: UInt32 in [0o644, 0o755, 0o444, 0o600, 0o4755] { #expect(check(owner, S_IFREG | mode) == nil, "\(owner) \(mode)") }
            for mode: UInt32 in [0o664, 0o646, 0o777, 0o1666, 0o020, 0o002] {
                #expect(check(owner, S_IFREG | mode) == .writableByOthers(path: "p", entry: "e", mode: mode), "\(owner) \(mode)")
            }
            #expect(check(owner, S_IFDIR | 0o755) == nil)
            for mode: UInt32 in [0o775, 0o777, 0o757] { #expect(check(owner, S_IFDIR | mode) != nil, "\(owner) \(mode)") }
        }
        // The sticky bit helps in folders of root's only: another owner can rename what others put there.
        #expect(check(0, S_IFDIR | 0o1777) == nil)
        #expect(check(1000, S_IFDIR | 0o1777) == .writableByOthers(path: "p", entry: "e", mode: 0o1777))
        #expect(check(0, S_IFREG | 0o1666) != nil)
        for owner: UInt32 in [1, 999, 1001, 65534] {
            #expect(check(owner, S_IFREG | 0o644) == .foreignOwner(path: "p", entry: "e", owner: owner, user: 1000), "\(owner)")
            #expect(check(owner, S_IFDIR | 0o1777) == .foreignOwner(path: "p", entry: "e", owner: owner, user: 1000), "\(owner)")
        }
    }

    /// A plugin, the folder it stands in with all links followed, and why it is refused.
    private func plugin(in folder: TemporaryFolder) throws -> (path: String, parent: String, refusal: () -> PluginError?) {
        let path = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise()).build(in: folder)
        let place = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return (
            path, String(place.dropLast("/plugin.so".count)),
            {
                do throws(PluginError) { _ = try PluginImage(path: path) } catch { return error }
                return nil
            }
        )
    }

    @Test func filesAndFoldersOfOthers() throws {
        let folder = try TemporaryFolder()
        let (path, parent, refusal) = try plugin(in: folder)
        #expect(refusal() == nil)
        chmod(path, 0o666)
        #expect(refusal() == .writableByOthers(path: path, entry: path, mode: 0o666))
        #expect(refusal()?.description == "Plugin \(path) is not trusted: \(path) has mode 666, so others can change it; expected what chmod go-w gives.")
        chmod(path, 0o644)
        chmod(parent, 0o777)
        #expect(refusal() == .writableByOthers(path: path, entry: parent, mode: 0o777))
        chmod(parent, 0o755)
        #expect(refusal() == nil)

        // Through a link, the folder that counts is the one the file stands in.
        let other = try TemporaryFolder()
        let link = other.path("link.so")
        #expect(symlink(path, link) == 0)
        chmod(other.path(""), 0o777)
        _ = try PluginImage(path: link)
        chmod(parent, 0o777)
        #expect(throws: PluginError.writableByOthers(path: link, entry: parent, mode: 0o777)) { try PluginImage(path: link) }
        chmod(parent, 0o755)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func filesAndFoldersOfAnotherUser() throws {
        let folder = try TemporaryFolder()
        let (path, parent, refusal) = try plugin(in: folder)
        // A group this machine does not know.
        chown(path, 0, 12345)
        chmod(path, 0o664)
        #expect(refusal() == .writableByOthers(path: path, entry: path, mode: 0o664))
        #expect(
            refusal()?.description
                == "Plugin \(path) is not trusted: \(path) has mode 664, so others can change it; expected what chmod go-w gives, "
                + "or that its folder is named by --trust-folder, trustedFolders or VOXELSMITH_TRUSTED_FOLDERS.")
        _ = try PluginImage(path: path, trustedFolders: [parent])
        chmod(path, 0o644)
        chown(path, 12345, 0)
        #expect(refusal() == .foreignOwner(path: path, entry: path, owner: 12345, user: 0))
        #expect(
            refusal()?.description
                == "Plugin \(path) is not trusted: \(path) belongs to user 12345; expected user 0 or root, "
                + "or that its folder is named by --trust-folder, trustedFolders or VOXELSMITH_TRUSTED_FOLDERS.")
        chown(path, 0, 0)
        chown(parent, 12345, 0)
        #expect(refusal() == .foreignOwner(path: path, entry: parent, owner: 12345, user: 0))
        // A plugin in or below a named folder is trusted, with its owner's files and its group. Everything else is as it was.
        try namedFolders(path, parent)
        chown(path, 0, 0)
        chown(parent, 0, 0)
        chmod(parent, 0o1777)
        #expect(refusal() == nil)
    }

    /// A plugin of user 12345's, in a folder of theirs.
    private func namedFolders(_ path: String, _ parent: String) throws {
        for (entry, mode) in [(path, mode_t(0o664)), (parent, 0o775)] {
            chown(entry, 12345, 12345)
            chmod(entry, mode)
        }
        let above = String(parent[..<(parent.lastIndex(of: "/") ?? parent.startIndex)])
        let link = path + ".link"
        #expect(symlink(parent, link) == 0)
        for named in [parent, parent + "/", parent + "/.", link] {
            #expect(try PluginImage(path: path, trustedFolders: ["/nowhere", named]).kernels().count == 1, "\(named)")
            #expect(try KernelRegistry(trustedFolders: [named]).load(path: path).file.path == path, "\(named)")
        }
        // A named folder above it counts with its own owner, who may not be the plugin's. A name that begins alike does not count.
        for named in ["", ".", "/nowhere", parent + "x", String(parent.dropLast()), path, above, "/"] {
            #expect(throws: PluginError.foreignOwner(path: path, entry: path, owner: 12345, user: 0), "\(named)") {
                try PluginImage(path: path, trustedFolders: [named])
            }
        }
        // What anybody may write is never trusted, nor are third users.
        chmod(path, 0o666)
        #expect(throws: PluginError.writableByOthers(path: path, entry: path, mode: 0o666)) { try PluginImage(path: path, trustedFolders: [parent]) }
        chmod(path, 0o664)
        chown(path, 12346, 12345)
        #expect(throws: PluginError.foreignOwner(path: path, entry: path, owner: 12346, user: 0)) { try PluginImage(path: path, trustedFolders: [parent]) }
        for entry in [path, parent] {
            chown(entry, 0, 0)
            chmod(entry, entry == path ? 0o644 : 0o755)
        }
        unlink(link)
    }

    /// 1000 bits, each alone: the digest tells.
    @Test func everySingleBitFlipIsNoticed() throws {
        let bytes = HandWrittenPlugin.sealed(try plugin())
        var random = SeededRandom(seed: 70)
        for round in 0..<1000 {
            var damaged = bytes
            let index = Int.random(in: 0..<bytes.count, using: &random)
            damaged[index] ^= 1 << UInt8(round % 8)
            do throws(PluginError) {
                _ = try PluginFile(bytes: damaged, path: "p")
                Issue.record("bit \(round % 8) of byte \(index) went unnoticed")
            } catch {
                switch error {
                case .digestMismatch: break
                case .notELF where index < 4: break
                default: Issue.record("bit \(round % 8) of byte \(index): \(error)")
                }
            }
        }
    }
}
