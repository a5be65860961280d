import CVoxHostFiles
import CVoxKernelABI
import Glibc
import Synchronization

/// The machine code of a plugin in memory: a private copy of the bytes that were checked. It is mapped once, however often the plugin is loaded, and
/// unmapped when nothing holds this object any more.
///
/// The file itself is not mapped. Whoever may write it could change code after it was checked, and a file that is cut short while it
/// is mapped ends the process.
package final class PluginMapping: @unchecked Sendable {
    // Unchecked: both are constant after init, and what they point to is never written.
    private let handle: UnsafeMutableRawPointer
    /// The plugin object, relocated.
    let object: UnsafeRawPointer

    /// Where a copy can stand.
    package enum Place: Hashable, CustomStringConvertible {
        /// A sealed file in memory.
        case memory
        /// A file without a name, which nobody else can open.
        case folder(String)

        package static let all: [Place] = [.memory, .folder("/dev/shm"), .folder("/tmp"), .folder("/var/tmp")]

        package var description: String {
            switch self {
            case .memory: "memory"
            case .folder(let folder): folder
            }
        }

        /// - Returns: a descriptor, -1 with errno where there is no such place.
        fileprivate func copy(_ bytes: [UInt8]) -> Int32 {
            switch self {
            case .memory: vs_sealed_copy(bytes, bytes.count)
            case .folder(let folder): vs_unnamed_copy(folder, bytes, bytes.count)
            }
        }
    }

    /// - Parameters:
    ///   - bytes: those `file` was read from.
    ///   - places: tried in this order.
    /// - Throws: `PluginError.loadFailed` when the system has no place for a copy, or does not let any be mapped as code;
    ///   `.imageDiffers`.
    package init(_ file: PluginFile, bytes: [UInt8], places: [Place] = Place.all) throws(PluginError) {
        var reasons: [String] = []
        for place in places {
            let copy = place.copy(bytes)
            if copy < 0 {
                reasons.append("\(place): \(String(cString: strerror(errno)))")
                continue
            }
            defer { close(copy) }
            guard let handle = dlopen(Self.uniqueName(of: copy), RTLD_NOW | RTLD_LOCAL) else {
                reasons.append("\(place): \(dlerror().map { String(cString: $0) } ?? "no reason given")")
                continue
            }
            guard let symbol = dlsym(handle, PluginFile.symbolName) else {
                dlclose(handle)
                throw .loadFailed(path: file.path, reason: "the mapped image does not export \(PluginFile.symbolName)")
            }
            guard Self.isRelocated(file.object, at: symbol, count: file.descriptors.count, stride: file.descriptorStride) else {
                dlclose(handle)
                throw .imageDiffers(path: file.path)
            }
            self.handle = handle
            object = UnsafeRawPointer(symbol)
            return
        }
        throw .loadFailed(path: file.path, reason: "no private copy of it can be mapped (\(reasons.joined(separator: "; ")))")
    }

    deinit { dlclose(handle) }

    // MARK: One mapping for equal bytes

    private struct Reference {
        weak var mapping: PluginMapping?
    }

    private static let mapped = Mutex<[String: Reference]>([:])

    /// The mapping of these bytes: that of an earlier load, if there is one.
    /// - Throws: as `init`.
    static func shared(_ file: PluginFile, bytes: [UInt8]) throws(PluginError) -> PluginMapping {
        try mapped.withLock { (mapped) throws(PluginError) in
            if let mapping = mapped[file.digest]?.mapping { return mapping }
            let mapping = try PluginMapping(file, bytes: bytes)
            mapped = mapped.filter { $0.value.mapping != nil }
            mapped[file.digest] = Reference(mapping: mapping)
            return mapping
        }
    }

    // MARK: Names

    private static let loads = Atomic<UInt64>(0)

    /// A path of the open file that no other load of this process has.
    ///
    /// glibc finds loaded objects by name before it looks at the file, and descriptor numbers are used again: with the plain name
    /// /proc/self/fd/N it answers with another plugin's code when that was loaded as N and is still mapped. So the number of the load
    /// is written into the path, in binary: "./" for 1, "/" for 0, which lead nowhere else. The name is not needed, and
    /// leads to nothing, once the file is mapped.
    private static func uniqueName(of descriptor: Int32) -> String {
        let number = loads.add(1, ordering: .relaxed).newValue
        return "/proc/self/fd/" + String(number, radix: 2).map { $0 == "1" ? "./" : "/" }.joined() + "\(descriptor)"
    }

    /// Whether the mapped object is the one that was read: equal in every byte but the two pointers of each descriptor.
    private static func isRelocated(_ object: [UInt8], at mapped: UnsafeRawPointer, count: Int, stride: Int) -> Bool {
        guard let pointers = MemoryLayout<vs_kernel_descriptor>.offset(of: \.pack) else { return false }
        let pointerBytes = 2 * MemoryLayout<UnsafeRawPointer>.size
        return object.withUnsafeBytes { bytes in
            guard let file = bytes.baseAddress else { return false }
            var start = 0
            for index in 0..<count {
                let place = MemoryLayout<vs_plugin>.size + index * stride + pointers
                if memcmp(file + start, mapped + start, place - start) != 0 { return false }
                start = place + pointerBytes
            }
            return memcmp(file + start, mapped + start, bytes.count - start) == 0
        }
    }
}
