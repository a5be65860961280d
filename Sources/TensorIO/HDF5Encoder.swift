import CVoxHDF5
import VoxLayerSpec
import VoxTensors

extension HDF5File {
    /// The bytes of an HDF5 file of the structure that `Structure.plain` reads: superblock version 0, groups of the old style, contiguous
    /// little-endian data, no times. Equal contents give equal bytes of one version of the library.
    /// - Parameter path: what errors call the file.
    /// - Throws: `TensorIOError.missingLibrary`, `.unwritableObject` for names that HDF5 lacks or that stand for two things, `.tensor` for
    ///   lack of memory.
    package static func encode(_ contents: HDF5Contents, name path: String) throws -> [UInt8] {
        let api = try library()
        // The library holds the file once, and gives it out once.
        do throws(TensorError) {
            try AvailableMemory.check(Checked.clampedProduct(2, contents.byteCount))
        } catch {
            throw TensorIOError.tensor(path: path, error)
        }
        return try lock.withLock { _ in
            _ = api.H5Eset_auto2(Int64(CHDF5_DEFAULT), nil, nil)
            let access = api.H5Pcreate(api.file_access_class)
            defer { _ = api.H5Pclose(access) }
            // In memory, and grown in one step: only bytes that are complete ever reach a disk.
            let step = Checked.clampedSum(contents.byteCount, 1 << 20)
            guard api.H5Pset_fapl_core(access, step, false) >= 0,
                api.H5Pset_libver_bounds(access, Int32(CHDF5_EARLIEST), Int32(CHDF5_V18)) >= 0
            else { throw TensorIOError.unwritableObject(path: path, object: "/", reason: "HDF5 does not write to memory") }
            let file = api.H5Fcreate(imageName(), UInt32(CHDF5_TRUNCATE), Int64(CHDF5_DEFAULT), access)
            if file < 0 { throw TensorIOError.unwritableObject(path: path, object: "/", reason: "HDF5 cannot make the file") }
            defer { _ = api.H5Fclose(file) }
            var encoder = HDF5Encoder(api: api, file: file, path: path)
            try encoder.add(contents)
            return try encoder.image()
        }
    }
}

/// Fills a file that is open. The library's lock is held, and every id is closed: an open one would keep the file in memory.
private struct HDF5Encoder {
    let api: chdf5_api
    let file: Int64
    let path: String
    private var groups: Set<String> = [""]
    private var datasets: Set<String> = []

    init(api: chdf5_api, file: Int64, path: String) { (self.api, self.file, self.path) = (api, file, path) }

    private static let none = Int64(CHDF5_DEFAULT)
    /// Deeper ones are not read again.
    private static let mostLevels = 60
    private static let mostNameBytes = 4095

    private func failure(_ object: String, _ reason: String) -> TensorIOError { .unwritableObject(path: path, object: object, reason: reason) }

    mutating func add(_ contents: HDF5Contents) throws(TensorIOError) {
        for (object, value) in contents.objects {
            switch value {
            case .group: try addGroup(components(object))
            case .dataset(let tensor): try addDataset(object, tensor)
            }
        }
        for attribute in contents.attributes { try add(attribute.value, named: attribute.name, to: attribute.object) }
    }

    /// Split by bytes, as the library reads a path.
    private func components(_ object: String) throws(TensorIOError) -> [String] {
        let parts = object.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        if object.utf8.contains(0) { throw failure(object, "a NUL is no part of a name") }
        if parts.contains(".") { throw failure(object, "\".\" is no name in HDF5") }
        if parts.contains(where: { $0.utf8.count > Self.mostNameBytes }) { throw failure(object, "a name has more than \(Self.mostNameBytes) bytes") }
        if parts.count > Self.mostLevels { throw failure(object, "it is nested more than \(Self.mostLevels) deep") }
        return parts
    }

    /// Makes a group and those above it, where they are not there yet.
    private mutating func addGroup(_ parts: [String]) throws(TensorIOError) {
        var object = ""
        for part in parts {
            object += object.isEmpty ? part : "/" + part
            if groups.contains(object) { continue }
            if datasets.contains(object) { throw failure(object, "it is a group and a dataset") }
            let id = api.H5Gcreate2(file, object, Self.none, Self.none, Self.none)
            if id < 0 { throw failure(object, "HDF5 cannot make the group") }
            _ = api.H5Oclose(id)
            groups.insert(object)
        }
    }

    private mutating func addDataset(_ name: String, _ tensor: Tensor) throws(TensorIOError) {
        let parts = try components(name)
        let object = parts.joined(separator: "/")
        if parts.isEmpty || groups.contains(object) || datasets.contains(object) { throw failure(name, "another object has that name") }
        try addGroup(parts.dropLast())
        let type = fileType(tensor.elementType)
        defer { _ = api.H5Tclose(type) }
        let space = space(tensor.shape)
        defer { _ = api.H5Sclose(space) }
        let creation = api.H5Pcreate(api.dataset_creation_class)
        defer { _ = api.H5Pclose(creation) }
        guard type >= 0, space >= 0, api.H5Pset_obj_track_times(creation, false) >= 0 else {
            throw failure(name, "HDF5 cannot store elements of \(tensor.elementType.rawValue) in the shape \(tensor.shape)")
        }
        let id = api.H5Dcreate2(file, object, type, space, Self.none, creation, Self.none)
        if id < 0 { throw failure(name, "HDF5 cannot make the dataset") }
        defer { _ = api.H5Oclose(id) }
        // Machines that this library runs on are little-endian: the elements in memory are those of the file.
        let status = tensor.withUnsafeBytes { bytes -> Int32 in
            guard let start = bytes.baseAddress, !bytes.isEmpty else { return 0 }
            return api.H5Dwrite(id, type, Self.none, Self.none, Self.none, start)
        }
        if status < 0 { throw failure(name, "HDF5 cannot write its elements") }
        datasets.insert(object)
        // HDF5 has no such type: Keras stores two opaque bytes and says what they are.
        if tensor.elementType == .bfloat16 { try add(.text(ElementType.bfloat16.rawValue), named: "dtype", to: name) }
    }

    /// A new type, little-endian in the file.
    private func fileType(_ type: ElementType) -> Int64 {
        switch type {
        case .float32: return api.H5Tcopy(api.little_float)
        case .float64: return api.H5Tcopy(api.little_double)
        case .bfloat16: return api.H5Tcreate(Int32(CHDF5_OPAQUE), type.byteCount)
        case .float16:
            // IEEE 754 binary16: places and sizes of sign, exponent and fraction, then the bias of the exponent.
            let half = api.H5Tcopy(api.little_float)
            guard api.H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0, api.H5Tset_size(half, type.byteCount) >= 0, api.H5Tset_ebias(half, 15) >= 0 else {
                _ = api.H5Tclose(half)
                return -1
            }
            return half
        }
    }

    private func space(_ shape: [Int]) -> Int64 {
        shape.isEmpty ? api.H5Screate(Int32(CHDF5_SCALAR)) : api.H5Screate_simple(Int32(clamping: shape.count), shape.map { CUnsignedLongLong($0) }, nil)
    }

    // MARK: Attributes

    private func add(_ value: HDF5Contents.Attribute, named name: String, to object: String) throws(TensorIOError) {
        let place = "\(object)@\(name)"
        let owner = api.H5Oopen(file, try components(object).isEmpty ? "/" : object, Self.none)
        if owner < 0 { throw failure(place, "there is no such object") }
        defer { _ = api.H5Oclose(owner) }
        let status: Int32
        switch value {
        case .text(let text):
            if text.utf8.contains(0) { throw failure(place, "a NUL is no part of a text") }
            status = write(text, name, owner)
        case .texts(let texts):
            if texts.contains(where: { $0.utf8.contains(0) }) { throw failure(place, "a NUL is no part of a text") }
            // The library would refuse it and keep the file open.
            let limit = HDF5Contents.listLimit
            if texts.contains(where: { $0.utf8.count > limit }) { throw failure(place, "a text of a list has more than \(limit) bytes") }
            status = write(texts, name, owner)
        }
        if status < 0 { throw failure(place, "HDF5 cannot write it") }
    }

    /// A text of variable length, which lies outside of the header.
    private func write(_ text: String, _ name: String, _ owner: Int64) -> Int32 {
        let type = textType(byteCount: -1)  // H5T_VARIABLE, the largest size_t
        defer { _ = api.H5Tclose(type) }
        return withAttribute(name, of: owner, type, shape: []) { id in
            text.withCString { start in
                var start: UnsafePointer<CChar>? = start
                return withUnsafeBytes(of: &start) { bytes in bytes.baseAddress.map { api.H5Awrite(id, type, $0) } ?? -1 }
            }
        }
    }

    /// Texts padded to the length of the longest. Of none, h5py makes numbers, of which there are none.
    private func write(_ texts: [String], _ name: String, _ owner: Int64) -> Int32 {
        let width = max(1, texts.map(\.utf8.count).max() ?? 0)
        let type = texts.isEmpty ? api.H5Tcopy(api.little_double) : textType(byteCount: width)
        defer { _ = api.H5Tclose(type) }
        return withAttribute(name, of: owner, type, shape: [texts.count]) { id in
            if texts.isEmpty { return 0 }
            let bytes = texts.flatMap { Array($0.utf8) + [UInt8](repeating: 0, count: width - $0.utf8.count) }
            return bytes.withUnsafeBytes { bytes in bytes.baseAddress.map { api.H5Awrite(id, type, $0) } ?? -1 }
        }
    }

    private func textType(byteCount: Int) -> Int64 {
        let type = api.H5Tcopy(api.c_string)
        _ = api.H5Tset_size(type, byteCount)
        _ = api.H5Tset_cset(type, Int32(CHDF5_UTF8))
        if byteCount > 0 { _ = api.H5Tset_strpad(type, Int32(CHDF5_NULL_PADDED)) }
        return type
    }

    private func withAttribute(_ name: String, of owner: Int64, _ type: Int64, shape: [Int], _ body: (Int64) -> Int32) -> Int32 {
        let space = space(shape)
        defer { _ = api.H5Sclose(space) }
        let id = api.H5Acreate2(owner, name, type, space, Self.none, Self.none)
        if id < 0 { return -1 }
        defer { _ = api.H5Aclose(id) }
        return body(id)
    }

    // MARK: Result

    func image() throws(TensorIOError) -> [UInt8] {
        let count = api.H5Fflush(file, Int32(CHDF5_DEFAULT)) >= 0 ? api.H5Fget_file_image(file, nil, 0) : -1
        if count <= 0 { throw failure("/", "HDF5 does not return the file") }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            let received = buffer.baseAddress.map { api.H5Fget_file_image(file, $0, count) } ?? -1
            written = received == count ? count : 0
        }
        if bytes.isEmpty { throw failure("/", "HDF5 does not return the file") }
        return bytes
    }
}
