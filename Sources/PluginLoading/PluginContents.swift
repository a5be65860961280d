import CVoxKernelABI

/// The shared object in a plugin file, held against the rules for plugins, and the plugin object found in it.
struct PluginContents {
    let machine: PluginFile.Machine
    let rules: PluginRules
    /// Address of the plugin object.
    let address: Int
    /// Bytes of the plugin object, as long as its symbol says.
    let object: [UInt8]

    /// - Parameters:
    ///   - bytes: of the file, without the digest.
    ///   - path: of the file.
    /// - Throws: `PluginError`.
    init(_ bytes: [UInt8], path: String) throws(PluginError) {
        (machine, rules, address, object) = try MalformedPart.image.read(path) {
            let elf = try ElfObject(ByteReader(bytes: bytes))
            guard let machine = PluginFile.Machine(elf.machine) else {
                throw PluginError.foreignMachine(path: path, received: "ELF machine \(elf.machine)")
            }
            let rules = PluginRules(path: path, machine: machine, elf: elf, table: try ElfDynamicTable(elf))
            let symbol = try rules.check()
            let found = try elf.fileRange(at: symbol.address, count: symbol.byteCount, "the plugin object")
            return (machine, rules, symbol.address, Array(bytes[found]))
        }
    }
}

/// The first fields of a plugin object: how many descriptors follow, and how far apart.
struct PluginObjectHeader {
    static let byteCount = MemoryLayout<vs_plugin>.size

    /// Number of descriptors.
    let count: Int
    /// Bytes from one descriptor to the next.
    let stride: Int
    /// Bytes of the whole object.
    let total: Int

    /// - Parameters:
    ///   - bytes: the plugin object.
    ///   - path: of its file.
    /// - Throws: `PluginError`.
    init(_ bytes: [UInt8], path: String) throws(PluginError) {
        let reader = ByteReader(bytes: bytes)
        (count, stride, total) = try MalformedPart.object.read(path) {
            let magic = try reader.integer(UInt64.self, at: 0, "the magic")
            guard magic == vs_plugin_magic else { throw PluginError.wrongMagic(path: path, received: magic) }
            let major = Int(try reader.integer(UInt32.self, at: 8, "the ABI number"))
            guard major == PluginFile.abiMajor else { throw PluginError.unsupportedABI(path: path, received: major) }
            let stride = Int(try reader.integer(UInt32.self, at: 12, "the descriptor size"))
            let count = Int(try reader.integer(UInt32.self, at: 16, "the number of kernels"))
            let total = Int(try reader.integer(UInt32.self, at: 20, "the total size"))
            guard total <= bytes.count, total >= Self.byteCount else {
                throw ByteReader.Malformed(reason: "its total size is \(total); expected \(bytes.count)")
            }
            let alignment = MemoryLayout<vs_kernel_descriptor>.alignment
            guard stride >= MemoryLayout<vs_kernel_descriptor>.size, stride % alignment == 0 else {
                throw ByteReader.Malformed(
                    reason: "its descriptors have \(stride) bytes; expected at least \(MemoryLayout<vs_kernel_descriptor>.size)")
            }
            guard count >= 1, count <= (total - Self.byteCount) / stride else {
                throw ByteReader.Malformed(reason: "\(count) descriptors do not fit its \(total) bytes")
            }
            return (count, stride, total)
        }
    }
}

/// The part of a plugin file that is being read. It decides which error says that something is malformed.
enum MalformedPart {
    case image
    case object
    case descriptor(index: Int)

    /// Reads the part, and turns what is malformed in it into the error of the plugin.
    /// - Parameters:
    ///   - path: of the file.
    ///   - body: reads; throws `ByteReader.Malformed` or `PluginError`.
    /// - Throws: `PluginError`.
    func read<T>(_ path: String, _ body: () throws -> T) throws(PluginError) -> T {
        do {
            return try body()
        } catch let error as PluginError {
            throw error
        } catch {
            let reason = (error as? ByteReader.Malformed)?.reason ?? "\(error)"
            switch self {
            case .image: throw .malformedImage(path: path, reason: reason)
            case .object: throw .malformedObject(path: path, reason: reason)
            case .descriptor(let index): throw .malformedDescriptor(path: path, index: index, reason: reason)
            }
        }
    }
}
