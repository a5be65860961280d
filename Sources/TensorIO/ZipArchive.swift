import CVoxZip
import Glibc
import VoxLayerSpec

/// A zip archive opened for reading by libzip. Belongs to one task.
public final class ZipArchive {
    /// An entry of the archive's directory.
    public struct Member: Hashable, Sendable {
        /// With its folders, separated by slashes.
        public let name: String
        /// Bytes after decompression, as the archive's directory declares them.
        public let byteCount: UInt64
    }

    /// What errors call the archive.
    public let path: String
    /// In the order of the archive's directory.
    public let members: [Member]
    private let api: czip_api
    private let archive: UnsafeMutableRawPointer
    /// Bytes in the archive.
    private let byteCount: Int

    /// What reading the members may cost in memory, all copies and conversions counted: some bytes for everybody, and some for each
    /// byte of the archive. A few kilobytes can be packed so that they declare, and really become, gigabytes.
    package var memoryLimit: Int { (48 << 20) + 8 * min(byteCount, 1 << 50) }

    /// Deflate packs at most 1032 bytes into one.
    private var plausibleByteCount: UInt64 { UInt64(Checked.clampedProduct(byteCount, 1032)) }

    /// Most bytes read from one member unless told otherwise.
    public static let defaultLimit = 1 << 36

    /// - Throws: `TensorIOError.missingLibrary`, `.cannotOpen`, `.notZip`, `.duplicateMember`, `.escapingMember`.
    public convenience init(path: String) throws {
        _ = try Self.load()
        try self.init(InputFile(path))
    }

    /// Reads a file that is open, from its beginning.
    /// - Throws: as `init(path:)`.
    package convenience init(_ file: InputFile) throws {
        let api = try Self.load()
        // libzip cannot seek in a pipe.
        guard let size = file.size else { try self.init(bytes: file.readAll(), name: file.path); return }
        let copy = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
        if copy < 0 { throw TensorIOError.cannotOpen(path: file.path, reason: systemError()) }
        var code: Int32 = 0
        guard let archive = api.zip_fdopen(copy, 0, &code) else {
            close(copy)
            var error = czip_error()
            api.zip_error_init_with_code(&error, code)
            defer { api.zip_error_fini(&error) }
            throw TensorIOError.notZip(path: file.path, reason: String(cString: api.zip_error_strerror(&error)))
        }
        try self.init(api, archive, path: file.path, byteCount: size)
    }

    /// - Parameters:
    ///   - bytes: the contents of a whole file.
    ///   - name: what errors call these bytes.
    /// - Throws: as `init(path:)`.
    public convenience init(bytes: [UInt8], name: String) throws {
        let api = try Self.load()
        var error = czip_error()
        api.zip_error_init(&error)
        defer { api.zip_error_fini(&error) }
        // libzip reads the buffer until the archive is closed, then frees it.
        guard let buffer = malloc(max(bytes.count, 1)) else {
            throw TensorIOError.tensor(path: name, .outOfMemory(byteCount: bytes.count))
        }
        bytes.withUnsafeBytes { if let start = $0.baseAddress { buffer.copyMemory(from: start, byteCount: $0.count) } }
        guard let source = api.zip_source_buffer_create(buffer, UInt64(bytes.count), 1, &error) else {
            free(buffer)
            throw TensorIOError.notZip(path: name, reason: String(cString: api.zip_error_strerror(&error)))
        }
        guard let archive = api.zip_open_from_source(source, Int32(CZIP_READ_ONLY), &error) else {
            api.zip_source_free(source)
            throw TensorIOError.notZip(path: name, reason: String(cString: api.zip_error_strerror(&error)))
        }
        try self.init(api, archive, path: name, byteCount: bytes.count)
    }

    private init(_ api: czip_api, _ archive: UnsafeMutableRawPointer, path: String, byteCount: Int) throws {
        do {
            // libzip takes no bytes at all for an archive without members.
            if byteCount == 0 { throw TensorIOError.notZip(path: path, reason: "no bytes") }
            members = try Self.list(api, archive, path: path)
        } catch {
            api.zip_discard(archive)
            throw error
        }
        self.api = api
        self.archive = archive
        self.path = path
        self.byteCount = byteCount
    }

    deinit { api.zip_discard(archive) }

    /// The contents of a member; its checksum is verified.
    /// - Parameters:
    ///   - name: of a member.
    ///   - limit: most bytes accepted; half of `memoryLimit` is never exceeded.
    /// - Throws: `TensorIOError.missingMember`, `.tooLarge`, `.zipMember` (damaged, encrypted, unknown compression).
    public func read(_ name: String, limit: Int = ZipArchive.defaultLimit) throws -> [UInt8] {
        guard let index = members.firstIndex(where: { $0.name == name }) else {
            throw TensorIOError.missingMember(path: path, member: name, present: members.map(\.name))
        }
        let size = members[index].byteCount
        let limit = min(UInt64(max(limit, 0)), plausibleByteCount, UInt64(memoryLimit / 2))
        if size > limit { throw TensorIOError.tooLarge(path: path, object: name, size: size, limit: Int(limit)) }
        guard let file = api.zip_fopen_index(archive, UInt64(index), 0) else {
            throw TensorIOError.zipMember(path: path, member: name, reason: String(cString: api.zip_strerror(archive)))
        }
        defer { _ = api.zip_fclose(file) }
        return try [UInt8](unsafeUninitializedCapacity: Int(size) + 1) { buffer, count in
            // Asking for one byte more makes libzip reach the end, where it compares the checksum.
            guard let start = buffer.baseAddress else { return }
            while count <= Int(size) {
                let received = api.zip_fread(file, start + count, UInt64(Int(size) + 1 - count))
                if received < 0 {
                    throw TensorIOError.zipMember(path: path, member: name, reason: String(cString: api.zip_file_strerror(file)))
                }
                if received == 0 { break }
                count += Int(received)
            }
            if count != Int(size) {
                throw TensorIOError.zipMember(path: path, member: name, reason: "received \(count) bytes; expected \(size)")
            }
        }
    }

    /// The bytes of an archive with these members, in this order, stored without compression and dated 1980-01-01 00:00 in
    /// every time zone: equal members give equal bytes.
    /// - Throws: `TensorIOError.missingLibrary`, `.duplicateMember`, `.invalidName`, `.cannotWrite`.
    public static func encode(_ members: [(name: String, bytes: [UInt8])], name path: String = "the archive") throws -> [UInt8] {
        let api = try load()
        var seen = Set<String>()
        for (name, _) in members {
            if !(1...1024).contains(name.utf8.count) || name.utf8.contains(0) { throw TensorIOError.invalidName(path: path, name: name) }
            if !seen.insert(name).inserted { throw TensorIOError.duplicateMember(path: path, member: name) }
        }
        if members.isEmpty { return emptyArchive }

        var error = czip_error()
        api.zip_error_init(&error)
        defer { api.zip_error_fini(&error) }
        guard let result = api.zip_source_buffer_create(nil, 0, 0, &error) else {
            throw TensorIOError.cannotWrite(path: path, reason: String(cString: api.zip_error_strerror(&error)))
        }
        api.zip_source_keep(result)  // ours beside the archive's
        defer { api.zip_source_free(result) }
        guard let archive = api.zip_open_from_source(result, Int32(CZIP_CREATE | CZIP_TRUNCATE), &error) else {
            api.zip_source_free(result)
            throw TensorIOError.cannotWrite(path: path, reason: String(cString: api.zip_error_strerror(&error)))
        }
        for (name, bytes) in members {
            guard add(name, bytes, to: archive, api) else {
                defer { api.zip_discard(archive) }
                throw TensorIOError.cannotWrite(path: path, reason: String(cString: api.zip_strerror(archive)))
            }
        }
        if api.zip_close(archive) != 0 {
            defer { api.zip_discard(archive) }
            throw TensorIOError.cannotWrite(path: path, reason: String(cString: api.zip_strerror(archive)))
        }
        return try contents(of: result, api, path: path)
    }

    private static func load() throws(TensorIOError) -> czip_api {
        var reason: UnsafePointer<CChar>?
        guard let api = czip_load(&reason) else {
            throw .missingLibrary(name: "libzip", packages: "libzip5, libzip4t64, libzip4", reason: reason.map { String(cString: $0) } ?? "")
        }
        return api.pointee
    }

    private static func list(_ api: czip_api, _ archive: UnsafeMutableRawPointer, path: String) throws(TensorIOError) -> [Member] {
        var members: [Member] = []
        var seen = Set<String>()
        for index in 0..<UInt64(max(0, api.zip_get_num_entries(archive, 0))) {
            var status = czip_stat()
            let wanted = UInt64(CZIP_STAT_NAME | CZIP_STAT_SIZE)
            guard api.zip_stat_index(archive, index, 0, &status) == 0, status.valid & wanted == wanted, let name = status.name else {
                throw .zipMember(path: path, member: "number \(index)", reason: String(cString: api.zip_strerror(archive)))
            }
            let member = Member(name: String(cString: name), byteCount: status.size)
            if !seen.insert(member.name).inserted { throw .duplicateMember(path: path, member: member.name) }
            // Nothing is ever unpacked to a file here; but an archive with such names was made to harm those who do.
            if !isInside(member.name) { throw .escapingMember(path: path, member: member.name) }
            members.append(member)
        }
        return members
    }

    /// Whether a name stays below the folder it would be unpacked to. By bytes: a slash with an accent behind it is none to Swift; to the system it is
    /// one.
    private static func isInside(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.first?.isEmpty == false && !parts.contains { $0.elementsEqual("..".utf8) } && !name.utf8.contains(UInt8(ascii: "\\"))
    }

    /// libzip deletes an archive that would be empty instead of writing its end record.
    private static let emptyArchive: [UInt8] = [0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)

    private static func add(_ name: String, _ bytes: [UInt8], to archive: UnsafeMutableRawPointer, _ api: czip_api) -> Bool {
        // Read by zip_close, then freed by libzip.
        guard let copy = malloc(max(bytes.count, 1)) else { return false }
        bytes.withUnsafeBytes { if let start = $0.baseAddress { copy.copyMemory(from: start, byteCount: $0.count) } }
        guard let source = api.zip_source_buffer(archive, copy, UInt64(bytes.count), 1) else {
            free(copy)
            return false
        }
        let index = api.zip_file_add(archive, name, source, UInt32(CZIP_NAME_UTF8))
        if index < 0 {
            api.zip_source_free(source)
            return false
        }
        let firstOfJanuary1980: UInt16 = 1 << 5 | 1  // years since 1980, month, day
        return api.zip_set_file_compression(archive, UInt64(index), Int32(CZIP_METHOD_STORE), 0) == 0
            && api.zip_file_set_dostime(archive, UInt64(index), 0, firstOfJanuary1980, 0) == 0
    }

    private static func contents(of source: UnsafeMutableRawPointer, _ api: czip_api, path: String) throws -> [UInt8] {
        var status = czip_stat()
        guard api.zip_source_stat(source, &status) == 0, status.valid & UInt64(CZIP_STAT_SIZE) != 0,
            api.zip_source_open(source) == 0
        else { throw TensorIOError.cannotWrite(path: path, reason: "libzip does not return the archive") }
        defer { _ = api.zip_source_close(source) }
        return try [UInt8](unsafeUninitializedCapacity: Int(status.size)) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            while count < buffer.count {
                let received = api.zip_source_read(source, start + count, UInt64(Int(status.size) - count))
                if received <= 0 { break }
                count += Int(received)
            }
            if count != Int(status.size) { throw TensorIOError.cannotWrite(path: path, reason: "libzip does not return the archive") }
        }
    }
}
