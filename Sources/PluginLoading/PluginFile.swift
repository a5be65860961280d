import CVoxKernelABI
import Glibc
import VoxHashing
import VoxKernels
import VoxLayerSpec

/// A plugin file as bytes: digest checked, contents held against the rules for plugins, object found, descriptors read. Nothing
/// in it is executed or mapped.
public struct PluginFile: Sendable {
    /// Machines whose plugins can be read; only the host's can be loaded.
    public typealias Machine = Target.ProcessorFamily

    /// Where the file was read.
    public let path: String
    /// Size of the file, digest included.
    public let byteCount: Int
    /// SHA-256 of everything before the digest, hexadecimal.
    public let digest: String
    /// The processor family of its machine code.
    public let machine: Machine
    /// The kernels, in the order of the file; at least one.
    public let descriptors: [KernelDescriptor]

    /// Bytes of the plugin object before relocation.
    let object: [UInt8]
    /// Bytes from one descriptor to the next.
    let descriptorStride: Int

    /// The one symbol a plugin exports.
    public static let symbolName = "voxelsmith_plugin"
    /// The ABI this version reads; others are refused.
    public static let abiMajor = Int(VS_ABI_MAJOR)
    /// An ELF header and a digest.
    static let minimumByteCount = ElfObject.headerByteCount + Int(VS_DIGEST_BYTES)
    /// The largest generated kernels have some 100 KiB of code; this bounds what a wrong path can make us read.
    package static let maximumByteCount = 256 << 20
    /// How many bytes the texts of all descriptors may have beyond the length of the object.
    private static let freeTextByteCount = 1 << 20

    /// - Parameters:
    ///   - path: of the file.
    ///   - trustedFolders: as `KernelRegistry`'s.
    /// - Throws: `PluginError` when the file is no regular file, may have been written by others, is damaged, contains what a
    ///   plugin must not, or is no plugin of a known ABI.
    public init(path: String, trustedFolders: [String] = []) throws(PluginError) {
        try self.init(bytes: Self.bytes(of: path, trustedFolders: trustedFolders), path: path)
    }

    /// The bytes of a file that may be trusted, read once for all who look at them.
    /// - Throws: `PluginError` when the file is no regular file, or may have been written by others.
    package static func bytes(of path: String, trustedFolders: [String]) throws(PluginError) -> [UInt8] {
        try OpenPlugin(path: path, trust: .current(trustedFolders: trustedFolders)).read()
    }

    /// - Parameter path: used in error sentences only.
    package init(bytes: [UInt8], path: String) throws(PluginError) {
        self.path = path
        byteCount = bytes.count
        guard bytes.starts(with: ElfObject.magic) else { throw .notELF(path: path) }
        guard bytes.count >= Self.minimumByteCount else { throw .tooSmall(path: path, byteCount: bytes.count) }

        let (contents, stored) = (bytes.dropLast(Int(VS_DIGEST_BYTES)), bytes.suffix(Int(VS_DIGEST_BYTES)))
        let computed = SHA256.digest(of: contents)
        digest = hexadecimalText(computed)
        guard computed.elementsEqual(stored) else {
            throw .digestMismatch(path: path, computed: digest, stored: hexadecimalText(stored))
        }

        let found = try PluginContents(Array(contents), path: path)
        let header = try PluginObjectHeader(found.object, path: path)
        machine = found.machine
        object = Array(found.object[..<header.total])
        descriptorStride = header.stride
        descriptors = try Self.descriptors(in: object, header, path: path)

        guard let pointers = MemoryLayout<vs_kernel_descriptor>.offset(of: \.pack) else { return }
        let first = found.address + PluginObjectHeader.byteCount + pointers
        try found.rules.checkRelocations(
            entryPoints: (0..<header.count).flatMap { index in
                [first + index * header.stride, first + index * header.stride + MemoryLayout<UInt64>.size]
            })
    }

    private static func descriptors(
        in object: [UInt8], _ header: PluginObjectHeader, path: String
    ) throws(PluginError) -> [KernelDescriptor] {
        let reader = ByteReader(bytes: object)
        var descriptors: [KernelDescriptor] = []
        var textBytes = 0
        for index in 0..<header.count {
            let place = PluginObjectHeader.byteCount + index * header.stride
            try MalformedPart.descriptor(index: index).read(path) {
                let descriptor = try KernelDescriptor(reading: reader, at: place, stride: header.stride)
                // Descriptors may share texts, and a few may share all of them; a text of 64 KiB in each of thousands is something else.
                textBytes += descriptor.textByteCount
                guard textBytes <= freeTextByteCount + 2 * object.count else { throw ByteReader.Malformed(reason: "its texts are too long") }
                descriptors.append(descriptor)
            }
        }
        return descriptors
    }

    /// Whether this process can run any kernel of the plugin.
    /// - Parameter features: what the processor has.
    /// - Throws: `PluginError.foreignMachine`; where no kernel can be run, `.missingFeatures` of the one that lacks the fewest features, or
    ///   `.unknownFeatures` of the first where each needs features that this version does not know.
    public func checkMachine(features: Set<Target.Feature> = HostCPU.features) throws(PluginError) {
        guard machine == Machine.host else { throw .foreignMachine(path: path, received: machine.rawValue) }
        var first: PluginError?
        var least: (obstacle: PluginError, missing: Int)?
        for descriptor in descriptors {
            guard let obstacle = obstacle(to: descriptor, features: features) else { return }
            first = first ?? obstacle
            // Of a file for several machines, this is the kernel that the processor is nearest to running.
            guard case .missingFeatures(_, _, let missing) = obstacle, missing.count < least?.missing ?? .max else { continue }
            least = (obstacle, missing.count)
        }
        if let obstacle = least?.obstacle ?? first { throw obstacle }
    }

    /// Why a processor of this machine cannot run one of the kernels; nil when it can.
    package func obstacle(to kernel: KernelDescriptor, features: Set<Target.Feature>) -> PluginError? {
        if kernel.unknownFeatureBits != 0 { return .unknownFeatures(path: path, kernel: kernel.name, bits: kernel.unknownFeatureBits) }
        let missing = kernel.features.missing(from: features)
        return missing.isEmpty ? nil : .missingFeatures(path: path, kernel: kernel.name, features: missing)
    }
}

extension Target.ProcessorFamily {
    /// That of this process; nil where there are no kernels for it.
    package static var host: Target.ProcessorFamily? {
        #if arch(x86_64)
            .x86_64
        #elseif arch(arm64)
            .aarch64
        #else
            nil
        #endif
    }

    /// From the machine number of the ELF header.
    init?(_ number: UInt16) {
        switch number {
        case 62: self = .x86_64
        case 183: self = .aarch64
        default: return nil
        }
    }
}

/// A plugin file opened once, its owner and permissions checked; everything that is read and checked comes from this one descriptor.
final class OpenPlugin {
    private let path: String
    private let descriptor: Int32
    private let byteCount: Int

    init(path: String, trust: FileTrust) throws(PluginError) {
        // O_NONBLOCK: opening a FIFO must not wait for a writer; regular files do not mind.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { throw .cannotOpen(path: path, reason: String(cString: strerror(errno))) }
        self.path = path
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            byteCount = 0  // complete, so that deinit closes the descriptor
            throw .cannotOpen(path: path, reason: String(cString: strerror(errno)))
        }
        byteCount = Int(status.st_size)
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        try trust.check(descriptor: descriptor, status: status, plugin: path)
        guard byteCount <= PluginFile.maximumByteCount else { throw .tooLarge(path: path, byteCount: byteCount) }
    }

    deinit { close(descriptor) }

    func read() throws(PluginError) -> [UInt8] {
        var done = 0
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            while done < byteCount, let base = buffer.baseAddress {
                let part = pread(descriptor, base + done, byteCount - done, done)
                if part < 0 && errno == EINTR { continue }
                if part < 0 { failure = errno }
                if part <= 0 { break }
                done += part
            }
            count = done
        }
        if failure != 0 { throw .cannotRead(path: path, reason: String(cString: strerror(failure))) }
        if done < byteCount { throw .cannotRead(path: path, reason: "it ended after \(done) of \(byteCount) bytes") }
        return bytes
    }
}
