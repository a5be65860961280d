import CVoxLLVM
import VoxLayerSpec

/// What the compiler made, read back from the plugin's machine code through LLVM.
///
/// As JSON one object: `status` is "inspected", with the fields of `InspectedPlugin` beside it, or "not inspected", with
/// `reason`.
public enum ObjectInspection: Hashable, Sendable {
    case inspected(InspectedPlugin)
    /// No LLVM library on this machine, or a file it cannot read.
    case notInspected(reason: String)

    /// Whether the registers of the target's full width are used at all; nil when not inspected.
    public func usesVectors(of target: Target) -> Bool? {
        guard case .inspected(let plugin) = self else { return nil }
        return plugin.usesVectors(of: target)
    }
}

/// The facts of one plugin.
public struct InspectedPlugin: Codable, Hashable, Sendable {
    /// The library that read the plugin, such as "libLLVM-14.so.1".
    public let inspector: String
    /// Names a loader sees, sorted.
    public let exportedSymbols: [String]
    /// Names a loader would have to find elsewhere, sorted.
    public let undefinedSymbols: [String]
    /// Sections with code that runs at load or unload, in the file's order.
    public let constructorSections: [String]
    /// In the order of their addresses.
    public let functions: [InspectedFunction]

    /// Whether any function touches a register of the target's full width.
    public func usesVectors(of target: Target) -> Bool {
        functions.contains { function in
            switch target.instructionSet {
            case .x86_64_v4: function.zmm > 0
            case .x86_64_v3: function.ymm > 0
            case .x86_64_v2: function.xmm > 0
            case .aarch64NEON: function.neon > 0
            }
        }
    }

    /// Fused multiply-adds of all functions.
    public var fusedMultiplyAdds: Int { functions.reduce(0) { $0 + $1.fusedMultiplyAdds } }

    /// Vector instructions of the loops of one source file that multiply and add, and touch a spilled register.
    public func loopSpills(inFile file: String) -> Int {
        functions.reduce(0) { $0 + ($1.file == file ? $1.loopSpills : 0) }
    }

    /// Vector instructions of all functions that touch a spilled register.
    public var vectorSpills: Int { functions.reduce(0) { $0 + $1.vectorSpills } }
}

/// Counts of one function's instructions, as they stand in the file (a loop's body counts once).
public struct InspectedFunction: Codable, Hashable, Sendable {
    /// The symbol, static functions included.
    public let name: String
    /// The source file it came from, such as the one kernel's; helpers of several kernels may have equal names.
    public let file: String
    /// Bytes of machine code.
    public let byteCount: Int
    /// All instructions that were decoded.
    public fileprivate(set) var instructions = 0
    /// Scalar ones included.
    public fileprivate(set) var fusedMultiplyAdds = 0
    /// Fused multiply-adds of one element.
    public fileprivate(set) var scalarFusedMultiplyAdds = 0
    /// Instructions whose widest register is a zmm; likewise below. On aarch64 all four kinds but `neon` are 0.
    public fileprivate(set) var zmm = 0
    /// Instructions whose widest register is a ymm.
    public fileprivate(set) var ymm = 0
    /// Instructions whose widest register is an xmm.
    public fileprivate(set) var xmm = 0
    /// Instructions that name v0 to v31 or q0 to q31.
    public fileprivate(set) var neon = 0
    /// Vector instructions that read or write a stack slot.
    public fileprivate(set) var vectorSpills = 0
    /// Those of them in innermost loops that hold fused multiply-adds.
    public fileprivate(set) var loopSpills = 0
    /// Bytes the disassembler did not understand.
    public fileprivate(set) var undecodedBytes = 0

    fileprivate init(name: String, file: String, byteCount: Int) {
        self.name = name
        self.file = file
        self.byteCount = byteCount
    }

    fileprivate mutating func count(_ instruction: MachineInstruction) {
        instructions += 1
        if instruction.isFusedMultiplyAdd {
            fusedMultiplyAdds += 1
            if instruction.isScalar { scalarFusedMultiplyAdds += 1 }
        }
        if instruction.isSpill { vectorSpills += 1 }
        switch instruction.registers {
        case .none: break
        case .xmm: xmm += 1
        case .ymm: ymm += 1
        case .zmm: zmm += 1
        case .neon: neon += 1
        }
    }
}

extension ObjectInspection: Codable {
    private enum Key: String, CodingKey {
        case status, reason
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        let status = try values.decode(String.self, forKey: .status)
        switch status {
        case "inspected": self = .inspected(try InspectedPlugin(from: decoder))
        case "not inspected": self = .notInspected(reason: try values.decode(String.self, forKey: .reason))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .status, in: values,
                debugDescription: "Received status \"\(status)\"; expected \"inspected\" or \"not inspected\".")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch self {
        case .inspected(let plugin):
            try values.encode("inspected", forKey: .status)
            try plugin.encode(to: encoder)
        case .notInspected(let reason):
            try values.encode("not inspected", forKey: .status)
            try values.encode(reason, forKey: .reason)
        }
    }
}

extension ObjectInspection {
    /// Inspects a plugin file's bytes; executes nothing of them. Opens the LLVM library at its first call (about 10 ms).
    public static func inspect(_ bytes: [UInt8]) -> ObjectInspection {
        // LLVM ends the process when it meets a damaged file. So it sees no bytes but those whose digest is right, and only after their
        // structure was checked.
        guard PluginTrailer.isValid(bytes) else {
            return .notInspected(reason: "the file does not end with the digest of its bytes")
        }
        let unsound: SectionTable.Unsound? = bytes.withUnsafeBytes { bytes in
            do throws(SectionTable.Unsound) { try SectionTable.check(bytes) } catch { return error }
            return nil
        }
        if let unsound { return .notInspected(reason: "LLVM would not survive the file: \(unsound.reason)") }
        guard let library = vs_llvm_open() else {
            if vs_llvm_lacks_room() != 0 { return .notInspected(reason: "the LLVM library needs 256 MiB of addresses, and fewer are free") }
            let tried = String(cString: vs_llvm_candidates())
            return .notInspected(reason: "found no LLVM library, looked for \(tried.split(separator: " ").joined(separator: ", "))")
        }
        return bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return .notInspected(reason: "the file is empty") }
            let llvm = library.pointee
            let buffer = llvm.create_buffer(base, bytes.count, "plugin", 0)
            defer { llvm.dispose_buffer(buffer) }
            var message: UnsafeMutablePointer<CChar>?
            guard let binary = llvm.create_binary(buffer, nil, &message) else {
                let reason = message.map { String(cString: $0) } ?? "no reason given"
                if let message { llvm.dispose_message(message) }
                return .notInspected(reason: "LLVM cannot read the file: \(reason)")
            }
            defer { llvm.dispose_binary(binary) }
            return PluginReader(llvm: llvm, binary: binary, machine: Machine(elf: bytes)).inspect()
        }
    }
}

/// The processor an ELF file is for.
private enum Machine {
    case x86_64, aarch64, other

    /// `e_machine`, a little-endian 16-bit number at byte 18.
    init(elf bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 20 else {
            self = .other
            return
        }
        switch UInt16(bytes[18]) | UInt16(bytes[19]) << 8 {
        case 62: self = .x86_64
        case 183: self = .aarch64
        default: self = .other
        }
    }

    var triple: String { self == .aarch64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu" }
}

private struct PluginReader {
    let llvm: vs_llvm
    let binary: OpaquePointer
    let machine: Machine

    private struct Section {
        let name: String
        let address: UInt64
        let contents: UnsafeBufferPointer<UInt8>
    }

    private struct Symbol {
        let name: String
        let file: String
        let address: UInt64
        let size: UInt64
    }

    /// Decoding these takes seconds. The largest kernels have some 100 KiB; symbols that overlap can name the same bytes often.
    private static let largestCode: UInt64 = 16 << 20

    func inspect() -> ObjectInspection {
        guard machine != .other else { return .notInspected(reason: "the file is for neither x86-64 nor aarch64") }
        guard let disassembler = llvm.create_disassembler(machine.triple, "", "", nil, 0, nil, nil) else {
            return .notInspected(reason: "\(String(cString: llvm.library)) has no disassembler for \(machine.triple)")
        }
        defer { llvm.dispose_disassembler(disassembler) }
        let sections = readSections(), symbols = readSymbols()
        guard !symbols.isEmpty else { return .notInspected(reason: "the file has no symbol table") }
        let code = symbols.reduce(UInt64(0)) { $0.addingReportingOverflow(min($1.size, Self.largestCode + 1)).partialValue }
        guard code <= Self.largestCode else {
            return .notInspected(reason: "its functions have more than \(Self.largestCode) bytes together")
        }
        // A linked plugin's .dynstr holds the names of its dynamic symbols and, without needed libraries, nothing else.
        let dynamic = sections.filter { $0.name == ".dynstr" }.flatMap { $0.contents.split(separator: 0) }
            .map { String(decoding: $0, as: UTF8.self) }.sorted()
        let defined = Set(symbols.map(\.name))
        let starters = [".init", ".fini", ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"]
        return .inspected(
            InspectedPlugin(
                inspector: String(cString: llvm.library),
                exportedSymbols: dynamic.filter(defined.contains),
                undefinedSymbols: dynamic.filter { !defined.contains($0) },
                constructorSections: sections.map(\.name).filter { name in
                    starters.contains { name == $0 || name.hasPrefix($0 + ".") }
                },
                functions: functions(sections, symbols, disassembler)))
    }

    private func readSections() -> [Section] {
        guard let iterator = llvm.copy_sections(binary) else { return [] }
        defer { llvm.dispose_sections(iterator) }
        var sections: [Section] = []
        while llvm.sections_at_end(binary, iterator) == 0 {
            let name = llvm.section_name(iterator).map { String(cString: $0) } ?? ""
            // Only these are read; others may have no bytes in the file.
            let hasContents = name == ".dynstr" || name.hasPrefix(".text")
            let contents = hasContents ? llvm.section_contents(iterator) : nil
            sections.append(
                Section(
                    name: name, address: llvm.section_address(iterator),
                    contents: contents.map { start in
                        let count = Int(llvm.section_size(iterator))
                        return start.withMemoryRebound(to: UInt8.self, capacity: count) {
                            UnsafeBufferPointer(start: $0, count: count)
                        }
                    } ?? UnsafeBufferPointer(start: nil, count: 0)))
            llvm.next_section(iterator)
        }
        return sections
    }

    /// The symbols that lie in a section, by address.
    private func readSymbols() -> [Symbol] {
        guard let iterator = llvm.copy_symbols(binary), let section = llvm.copy_sections(binary) else { return [] }
        defer {
            llvm.dispose_symbols(iterator)
            llvm.dispose_sections(section)
        }
        var symbols: [Symbol] = []
        var file = ""
        while llvm.symbols_at_end(binary, iterator) == 0 {
            let name = llvm.symbol_name(iterator).map { String(cString: $0) } ?? ""
            llvm.find_section(section, iterator)
            if llvm.sections_at_end(binary, section) == 0 {
                symbols.append(
                    Symbol(
                        name: name, file: file, address: llvm.symbol_address(iterator), size: llvm.symbol_size(iterator)))
            } else if !name.isEmpty {
                // The linker puts each file's name before its local symbols, which all functions of a plugin are.
                file = name
            }
            llvm.next_symbol(iterator)
        }
        return symbols.sorted { ($0.address, $0.name) < ($1.address, $1.name) }
    }

    private func functions(
        _ sections: [Section], _ symbols: [Symbol], _ disassembler: OpaquePointer
    ) -> [InspectedFunction] {
        symbols.compactMap { symbol in
            guard symbol.size > 0,
                let section = sections.first(where: {
                    symbol.address >= $0.address && symbol.size <= UInt64($0.contents.count)
                        && symbol.address - $0.address <= UInt64($0.contents.count) - symbol.size
                })
            else { return nil }
            let start = Int(symbol.address - section.address)
            let code = UnsafeBufferPointer(rebasing: section.contents[start..<start + Int(symbol.size)])
            return function(symbol, code, disassembler)
        }
    }

    private func function(
        _ symbol: Symbol, _ code: UnsafeBufferPointer<UInt8>, _ disassembler: OpaquePointer
    ) -> InspectedFunction {
        var result = InspectedFunction(name: symbol.name, file: symbol.file, byteCount: code.count)
        var text = [CChar](repeating: 0, count: 256)
        var offset = 0
        var hasFramePointer = false
        var loops = LoopCounter()
        while offset < code.count, let base = code.baseAddress {
            let length = llvm.disassemble(
                disassembler, base + offset, UInt64(code.count - offset), symbol.address &+ UInt64(offset), &text, text.count)
            guard length > 0 else {
                // Every aarch64 instruction has four bytes; on x86-64 the next one may begin anywhere.
                let step = min(machine == .aarch64 ? 4 : 1, code.count - offset)
                result.undecodedBytes += step
                offset += step
                continue
            }
            let words = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let instruction =
                machine == .aarch64
                ? MachineInstruction(aarch64: words, hasFramePointer: hasFramePointer)
                : MachineInstruction(x86: words, hasFramePointer: hasFramePointer)
            hasFramePointer = hasFramePointer || instruction.setsFramePointer
            result.count(instruction)
            loops.add(instruction, at: offset, jumpBase: machine == .aarch64 ? offset : offset + length)
            offset += length
        }
        result.loopSpills = loops.spills
        return result
    }
}

/// Finds the innermost loops of a function: what lies between a jump backwards and where it leads, with no such pair inside.
private struct LoopCounter {
    private var backward: Set<ClosedRange<Int>> = []
    private var spillPlaces: [Int] = []
    private var multiplyAddPlaces: [Int] = []

    mutating func add(_ instruction: MachineInstruction, at offset: Int, jumpBase: Int) {
        if instruction.isSpill { spillPlaces.append(offset) }
        if instruction.isFusedMultiplyAdd { multiplyAddPlaces.append(offset) }
        if let jump = instruction.jump, case let target = jumpBase &+ jump, target <= offset, target >= 0 {
            backward.insert(target...offset)
        }
    }

    /// Spills in innermost loops with multiply-adds. Places come in ascending order.
    var spills: Int {
        // Sorted by their ends. A loop has another one inside when some loop that ends before it, or with it, begins after its beginning.
        let loops = backward.sorted { ($0.upperBound, $1.lowerBound) < ($1.upperBound, $0.lowerBound) }
        var computing: [ClosedRange<Int>] = []
        var latestBeginning = -1
        for loop in loops {
            if latestBeginning < loop.lowerBound, Self.count(multiplyAddPlaces, in: loop) > 0 { computing.append(loop) }
            latestBeginning = max(latestBeginning, loop.lowerBound)
        }
        // None of these lies inside another, so they are sorted by their beginnings too. What two of them share counts once.
        var (result, end) = (0, -1)
        for loop in computing {
            let start = max(loop.lowerBound, end + 1)
            if start <= loop.upperBound { result += Self.count(spillPlaces, in: start...loop.upperBound) }
            end = loop.upperBound
        }
        return result
    }

    private static func count(_ places: [Int], in range: ClosedRange<Int>) -> Int {
        firstIndex(of: places, from: range.upperBound + 1) - firstIndex(of: places, from: range.lowerBound)
    }

    /// The first place at or behind `start`, by halving.
    private static func firstIndex(of places: [Int], from start: Int) -> Int {
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
