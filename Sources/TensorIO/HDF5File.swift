import CVoxHDF5
import Synchronization
import VoxLayerSpec
import VoxTensors

/// An HDF5 file opened for reading. Objects are named by their path from the root, with or without a leading slash; only hard
/// links are followed, so a file cannot lead to another one. Calls from any thread; HDF5 works on one at a time.
///
/// The HDF5 library is not hardened against damaged files (1.10.8 can crash or loop on altered metadata). So only files of the
/// plain structure that Keras writes are handed to it, after `HDF5Structure` has checked them; `Structure.any` lifts that, for
/// files from a source you trust.
public final class HDF5File: Sendable {
    /// What stands at a path of the file.
    public enum Kind: String, Hashable, Sendable {
        case group
        case dataset
        case other
    }

    /// Which files are opened.
    public enum Structure: Sendable {
        /// Superblock version 0, groups of the old style, contiguous data without filters: what Keras and h5py write by
        /// themselves. Checked whole before the library reads anything.
        case plain
        /// Whatever the library reads.
        case any
    }

    /// HDF5 keeps global state and is not always built for threads.
    static let lock = Mutex(())

    /// What errors call the file.
    public let path: String
    private let file: Int64
    private let api: chdf5_api
    /// Most bytes a dataset of this file can hold: deflate packs at most 1032 into one.
    private let plausibleByteCount: UInt64

    /// - Throws: `TensorIOError.missingLibrary`, `.cannotOpen`, `.notHDF5`, `.hdf5Structure`.
    public convenience init(path: String, structure: Structure = .plain) throws {
        if structure == .plain { try self.init(image: InputFile.bytes(of: path), name: path); return }
        let input = try InputFile(path)
        guard let size = input.size else { try self.init(image: input.readAll(), name: path, structure: .any); return }
        try self.init(path, byteCount: size) { api in api.H5Fopen(path, UInt32(CHDF5_DEFAULT), Int64(CHDF5_DEFAULT)) }
    }

    /// Opens the bytes of an HDF5 file; they are copied.
    /// - Parameters:
    ///   - image: the bytes of a whole file.
    ///   - name: what errors call these bytes.
    ///   - structure: of the file.
    /// - Throws: `TensorIOError.missingLibrary`, `.notHDF5`, `.hdf5Structure`.
    public convenience init(image: [UInt8], name: String, structure: Structure = .plain) throws {
        if structure == .plain { try HDF5Structure.check(image, path: name) }
        try self.init(name, byteCount: image.count) { api in
            let list = api.H5Pcreate(api.file_access_class)
            defer { _ = api.H5Pclose(list) }
            var image = image
            guard !image.isEmpty, api.H5Pset_fapl_core(list, 1 << 16, false) >= 0,
                image.withUnsafeMutableBytes({ bytes in bytes.baseAddress.map { api.H5Pset_file_image(list, $0, bytes.count) } ?? -1 }) >= 0
            else { return -1 }
            return api.H5Fopen(Self.imageName(), UInt32(CHDF5_DEFAULT), list)
        }
    }

    private static let images = Atomic<UInt64>(0)

    /// A name for an image in memory. The library takes two images of one name for one file, and looks for a file of that name.
    static func imageName() -> String { "/nonexistent/voxelsmith-image-\(images.add(1, ordering: .relaxed).newValue)" }

    private init(_ path: String, byteCount: Int, _ open: (chdf5_api) -> Int64) throws {
        let api = try Self.library()
        self.api = api
        self.path = path
        plausibleByteCount = max(1 << 20, UInt64(Checked.clampedProduct(byteCount, 1032)))
        file = Self.lock.withLock { _ in
            _ = api.H5Eset_auto2(Int64(CHDF5_DEFAULT), nil, nil)
            return open(api)
        }
        if file < 0 { throw TensorIOError.notHDF5(path: path) }
    }

    /// - Throws: `TensorIOError.missingLibrary`.
    static func library() throws(TensorIOError) -> chdf5_api {
        var reason: UnsafePointer<CChar>?
        guard let api = chdf5_load(&reason)?.pointee else {
            throw .missingLibrary(
                name: "HDF5", packages: "libhdf5-310, libhdf5-103-1t64, libhdf5-103-1", reason: reason.map { String(cString: $0) } ?? "")
        }
        return api
    }

    deinit {
        if file >= 0 { Self.lock.withLock { _ in _ = api.H5Fclose(file) } }
    }

    // MARK: Objects

    /// What an object is, nil when there is none of that path.
    public func kind(of object: String) -> Kind? {
        locked {
            guard let id = open(object) else { return nil }
            defer { _ = api.H5Oclose(id) }
            return kind(of: id)
        }
    }

    /// The names of the members of a group, numbers in them ordered by value (vars/2 before vars/10).
    /// - Throws: `TensorIOError.missingObject` unless `group` is a group.
    public func members(of group: String = "/") throws -> [String] {
        try locked { try names(in: group) }
    }

    /// The paths of all datasets at and below a group, without a leading slash, numbers ordered by value.
    /// - Throws: `TensorIOError.missingObject` unless `group` is a group, `.hdf5Structure` for a nesting deeper than 64, or more than 32768 groups.
    public func datasets(below group: String = "/") throws -> [String] {
        try locked {
            var found: [String] = []
            var groups = 0
            try walk(Self.components(group), &found, &groups, depth: 0)
            return found
        }
    }

    /// The extents of a dataset.
    /// - Throws: `TensorIOError.missingObject`, `.hdf5Structure`.
    public func shape(of dataset: String) throws -> [Int] {
        try locked {
            let id = try openDataset(dataset)
            defer { _ = api.H5Oclose(id) }
            let space = api.H5Dget_space(id)
            defer { _ = api.H5Sclose(space) }
            return try extents(of: space, dataset)
        }
    }

    /// The elements of a dataset: float64 as they are, bfloat16 as Keras writes it (opaque, with an attribute dtype), other floats
    /// and integers as float32.
    /// - Throws: `TensorIOError.missingObject`, `.hdf5Type` (strings, compounds, other opaque data), `.tooLarge`, `.hdf5Structure`.
    public func tensor(_ dataset: String) throws -> Tensor { try tensor(dataset, bareOpaque: nil) }

    /// - Parameter bareOpaque: what opaque elements of its size are when no attribute says what they are.
    func tensor(_ dataset: String, bareOpaque: ElementType?) throws -> Tensor {
        let stored = opaqueType(of: dataset, bare: bareOpaque)
        return try locked {
            let id = try openDataset(dataset)
            defer { _ = api.H5Oclose(id) }
            let type = api.H5Dget_type(id)
            defer { _ = api.H5Tclose(type) }
            let space = api.H5Dget_space(id)
            defer { _ = api.H5Sclose(space) }
            let shape = try extents(of: space, dataset)
            let memory: (type: Int64, element: ElementType)
            switch api.H5Tget_class(type) {
            case Int32(CHDF5_OPAQUE):
                guard let stored, api.H5Tget_size(type) == stored.byteCount else {
                    throw TensorIOError.hdf5Type(
                        path: path, object: dataset, received: "opaque data of \(api.H5Tget_size(type)) bytes",
                        expected: "numbers, or opaque data of 2 bytes whose attribute dtype is bfloat16")
                }
                memory = (type, stored)
            case Int32(CHDF5_FLOAT) where api.H5Tget_size(type) == 8: memory = (api.native_double, .float64)
            case Int32(CHDF5_FLOAT), Int32(CHDF5_INTEGER): memory = (api.native_float, .float32)
            default: throw TensorIOError.hdf5Type(path: path, object: dataset, received: className(of: type), expected: "numbers")
            }
            try checkSize(shape, memory.element.byteCount, dataset)
            var tensor = try Tensor(for: "\(path):\(dataset)", shape, memory.element)
            let status = try tensor.withUnsafeMutableBytes { bytes -> Int32 in
                guard let start = bytes.baseAddress, !bytes.isEmpty else { return 0 }
                return api.H5Dread(id, memory.type, Int64(CHDF5_DEFAULT), Int64(CHDF5_DEFAULT), Int64(CHDF5_DEFAULT), start)
            }
            if status < 0 { throw TensorIOError.hdf5Structure(path: path, object: dataset, reason: "HDF5 cannot read its elements") }
            return tensor
        }
    }

    /// What the opaque elements of a dataset are. HDF5 has no bfloat16: h5py writes its two bytes as opaque data. Keras names the type in
    /// an attribute, except in whole-model `.h5` files.
    private func opaqueType(of dataset: String, bare: ElementType?) -> ElementType? {
        do {
            guard let name = try string("dtype", of: dataset) else { return bare }
            return name == ElementType.bfloat16.rawValue ? .bfloat16 : nil
        } catch {
            return nil  // no such dataset, or an attribute that is no name
        }
    }

    // MARK: Attributes

    /// A string attribute of one element, nil when `object` has none of that name.
    /// - Throws: `TensorIOError.missingObject`, `.hdf5Type`, `.hdf5Structure`.
    public func string(_ attribute: String, of object: String = "/") throws -> String? {
        guard let all = try strings(attribute, of: object) else { return nil }
        guard all.count == 1 else {
            throw TensorIOError.hdf5Type(path: path, object: "\(object)@\(attribute)", received: "\(all.count) strings", expected: "one string")
        }
        return all[0]
    }

    /// The elements of a string attribute, of variable or fixed length, nil when `object` has none of that name. An attribute
    /// without elements is an empty list whatever its type (h5py writes an empty list as float64).
    /// - Throws: `TensorIOError.missingObject`, `.hdf5Type`, `.tooLarge`, `.hdf5Structure`.
    public func strings(_ attribute: String, of object: String = "/") throws -> [String]? {
        try withAttribute(attribute, of: object) { id, type, shape, name in
            if shape.contains(0) { return [] }
            let count = Checked.clampedCount(shape)  // within checkSize's limit
            guard api.H5Tget_class(type) == Int32(CHDF5_STRING) else {
                throw TensorIOError.hdf5Type(path: path, object: name, received: className(of: type), expected: "strings")
            }
            let failure = TensorIOError.hdf5Structure(path: path, object: name, reason: "HDF5 cannot read its strings")
            if api.H5Tis_variable_str(type) > 0 {
                let memory = api.H5Tcopy(api.c_string)
                defer { _ = api.H5Tclose(memory) }
                _ = api.H5Tset_size(memory, -1)  // H5T_VARIABLE, the largest size_t
                _ = api.H5Tset_cset(memory, api.H5Tget_cset(type))
                var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
                let status = pointers.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { api.H5Aread(id, memory, $0) } ?? -1 }
                defer { for case let pointer? in pointers { _ = api.H5free_memory(pointer) } }
                if status < 0 { throw failure }
                return pointers.map { pointer in pointer.map { String(cString: $0) } ?? "" }
            }
            let size = api.H5Tget_size(type)
            try checkSize(shape, size, name)
            var bytes = [UInt8](repeating: 0, count: count * size)
            let status = bytes.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { api.H5Aread(id, type, $0) } ?? -1 }
            if status < 0 { throw failure }
            let padding: UInt8? = api.H5Tget_strpad(type) == Int32(CHDF5_SPACE_PADDED) ? UInt8(ascii: " ") : nil
            return (0..<count).map { index in
                var text = bytes[(index * size)..<((index + 1) * size)].prefix { $0 != 0 }
                while let padding, text.last == padding { text.removeLast() }
                return String(decoding: text, as: UTF8.self)
            }
        }
    }

    /// The elements of an integer attribute (a shape, a count), nil when `object` has none of that name.
    /// - Throws: `TensorIOError.missingObject`, `.hdf5Type`, `.tooLarge`, `.hdf5Structure`.
    public func integers(_ attribute: String, of object: String = "/") throws -> [Int]? {
        try withAttribute(attribute, of: object) { id, type, shape, name in
            if shape.contains(0) { return [] }
            let count = Checked.clampedCount(shape)  // within checkSize's limit
            guard api.H5Tget_class(type) == Int32(CHDF5_INTEGER) else {
                throw TensorIOError.hdf5Type(path: path, object: name, received: className(of: type), expected: "integers")
            }
            var values = [Int64](repeating: 0, count: count)
            let status = values.withUnsafeMutableBytes { bytes in bytes.baseAddress.map { api.H5Aread(id, api.native_int64, $0) } ?? -1 }
            if status < 0 { throw TensorIOError.hdf5Structure(path: path, object: name, reason: "HDF5 cannot read its integers") }
            return values.map { Int($0) }
        }
    }

    // MARK: With the lock held

    private func locked<R>(_ body: () throws -> R) rethrows -> R {
        try Self.lock.withLock { _ in
            // Per thread in thread-safe builds. Errors stay available as negative results.
            _ = api.H5Eset_auto2(Int64(CHDF5_DEFAULT), nil, nil)
            return try body()
        }
    }

    /// By bytes, as the library reads a path: to Swift, a slash with an accent behind it is none, and the link before it would not be looked at.
    private static func components(_ object: String) -> [String] { object.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) } }

    /// The object at a path of hard links.
    private func open(_ object: String) -> Int64? {
        guard !object.utf8.contains(0) else { return nil }
        var prefix = ""
        for component in Self.components(object) {
            prefix += "/" + component
            var link = chdf5_link_info()
            guard component != ".", api.H5Lexists(file, prefix, Int64(CHDF5_DEFAULT)) > 0,
                api.H5Lget_info(file, prefix, &link, Int64(CHDF5_DEFAULT)) >= 0, link.type == Int32(CHDF5_LINK_HARD)
            else { return nil }
        }
        let id = api.H5Oopen(file, prefix.isEmpty ? "/" : prefix, Int64(CHDF5_DEFAULT))
        return id < 0 ? nil : id
    }

    private func kind(of id: Int64) -> Kind {
        switch api.H5Iget_type(id) {
        case Int32(CHDF5_IS_GROUP): .group
        case Int32(CHDF5_IS_DATASET): .dataset
        default: .other
        }
    }

    private func openDataset(_ object: String) throws(TensorIOError) -> Int64 {
        guard let id = open(object) else { throw .missingObject(path: path, object: object, expected: "a dataset of that path") }
        if kind(of: id) == .dataset { return id }
        _ = api.H5Oclose(id)
        throw .missingObject(path: path, object: object, expected: "a dataset of that path")
    }

    private func names(in group: String) throws(TensorIOError) -> [String] {
        guard let id = open(group) else { throw .missingObject(path: path, object: group, expected: "a group of that path") }
        defer { _ = api.H5Oclose(id) }
        var info = chdf5_group_info()
        guard kind(of: id) == .group, api.H5Gget_info(id, &info) >= 0 else {
            throw .missingObject(path: path, object: group, expected: "a group of that path")
        }
        if info.link_count > 1 << 20 { throw .hdf5Structure(path: path, object: group, reason: "received \(info.link_count) members") }
        var names: [String] = []
        for index in 0..<info.link_count {
            let index = CUnsignedLongLong(index)
            let count = api.H5Lget_name_by_idx(id, ".", 0, 0, index, nil, 0, Int64(CHDF5_DEFAULT))
            guard count > 0, count <= 1 << 16 else {
                throw .hdf5Structure(path: path, object: group, reason: "HDF5 cannot list its members")
            }
            var name = [CChar](repeating: 0, count: count + 1)
            guard api.H5Lget_name_by_idx(id, ".", 0, 0, index, &name, name.count, Int64(CHDF5_DEFAULT)) == count else {
                throw .hdf5Structure(path: path, object: group, reason: "HDF5 cannot list its members")
            }
            names.append(String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        return names.sorted(by: NaturalOrder.areInOrder)
    }

    /// Most groups a walk enters: a model of thousands of layers has some ten thousand.
    private static let groupLimit = 1 << 15

    private func walk(_ group: [String], _ found: inout [String], _ groups: inout Int, depth: Int) throws {
        let groupPath = group.joined(separator: "/")
        groups += 1
        // Hard links can form cycles, and with two of them more ways than anyone can walk.
        if depth > 64 || groups > Self.groupLimit || found.count > 1 << 20 {
            throw TensorIOError.hdf5Structure(
                path: path, object: groupPath, reason: "it is nested more than 64 deep or holds too many groups or datasets")
        }
        for name in try names(in: groupPath) {
            let member = (group + [name]).joined(separator: "/")
            guard let id = open(member) else { continue }
            let kind = kind(of: id)
            _ = api.H5Oclose(id)
            if kind == .dataset { found.append(member) }
            if kind == .group { try walk(group + [name], &found, &groups, depth: depth + 1) }
        }
    }

    private func extents(of space: Int64, _ object: String) throws(TensorIOError) -> [Int] {
        let rank = Int(api.H5Sget_simple_extent_ndims(space))
        guard space >= 0, rank >= 0, api.H5Sget_simple_extent_type(space) != Int32(CHDF5_SPACE_NULL) else {
            throw .hdf5Structure(path: path, object: object, reason: "it has no shape")
        }
        var extents = [CUnsignedLongLong](repeating: 0, count: rank)
        if rank > 0 && api.H5Sget_simple_extent_dims(space, &extents, nil) != Int32(rank) {
            throw .hdf5Structure(path: path, object: object, reason: "it has no shape")
        }
        return extents.map { Int(clamping: $0) }
    }

    /// A few bytes of file can declare any amount of elements; what the file cannot hold is refused before memory is asked for.
    private func checkSize(_ shape: [Int], _ byteCount: Int, _ object: String) throws(TensorIOError) {
        let size = UInt64(Checked.clampedCount(shape + [byteCount]))
        if size > plausibleByteCount { throw .tooLarge(path: path, object: object, size: size, limit: Int(clamping: plausibleByteCount)) }
    }

    private func withAttribute<R>(
        _ attribute: String, of object: String,
        _ body: (_ id: Int64, _ type: Int64, _ shape: [Int], _ name: String) throws -> R
    ) throws -> R? {
        try locked {
            guard let owner = open(object) else {
                throw TensorIOError.missingObject(path: path, object: object, expected: "an object of that path")
            }
            defer { _ = api.H5Oclose(owner) }
            guard api.H5Aexists(owner, attribute) > 0 else { return nil }
            let name = "\(object)@\(attribute)"
            let id = api.H5Aopen(owner, attribute, Int64(CHDF5_DEFAULT))
            if id < 0 { throw TensorIOError.hdf5Structure(path: path, object: name, reason: "HDF5 cannot open it") }
            defer { _ = api.H5Aclose(id) }
            let type = api.H5Aget_type(id)
            defer { _ = api.H5Tclose(type) }
            let space = api.H5Aget_space(id)
            defer { _ = api.H5Sclose(space) }
            let shape = try extents(of: space, name)
            try checkSize(shape, 8, name)
            return try body(id, type, shape, name)
        }
    }

    private func className(of type: Int64) -> String {
        let names = ["integers", "floats", "times", "strings", "bit fields", "opaque data", "compounds", "references", "enumerations", "lists", "arrays"]
        let index = Int(api.H5Tget_class(type))
        return names.indices.contains(index) ? names[index] : "an unknown type"
    }
}
