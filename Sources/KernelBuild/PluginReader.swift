import CVoxLLVM
import VoxLayerSpec

/// The processor an ELF file is for.
enum CodeMachine {
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

/// Why LLVM did not read a file.
struct Unread: Error {
    let reason: String
}

/// Reads the machine code of a plugin through LLVM.
struct PluginReader {
    let llvm: vs_llvm
    let binary: OpaquePointer
    let machine: CodeMachine

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

    /// Opens a plugin file's bytes for reading.
    /// - Returns: what `body` gives, or why the file was not read.
    static func read<Value>(_ bytes: [UInt8], _ body: (PluginReader) -> Result<Value, Unread>) -> Result<Value, Unread> {
        func unread(_ reason: String) -> Result<Value, Unread> { .failure(Unread(reason: reason)) }
        // LLVM ends the process when it meets a damaged file. So it sees no bytes but those whose digest is right, and only after their
        // structure was checked.
        guard PluginTrailer.isValid(bytes) else {
            return unread("the file does not end with the digest of its bytes")
        }
        let unsound: SectionTable.Unsound? = bytes.withUnsafeBytes { bytes in
            do throws(SectionTable.Unsound) { try SectionTable.check(bytes) } catch { return error }
            return nil
        }
        if let unsound { return unread("LLVM would not survive the file: \(unsound.reason)") }
        guard let library = vs_llvm_open() else {
            if vs_llvm_lacks_room() != 0 { return unread("the LLVM library needs 256 MiB of addresses, and fewer are free") }
            let tried = String(cString: vs_llvm_candidates())
            return unread("found no LLVM library, looked for \(tried.split(separator: " ").joined(separator: ", "))")
        }
        return bytes.withUnsafeBytes { bytes -> Result<Value, Unread> in
            guard let base = bytes.baseAddress else { return unread("the file is empty") }
            let llvm = library.pointee
            let buffer = llvm.create_buffer(base, bytes.count, "plugin", 0)
            defer { llvm.dispose_buffer(buffer) }
            var message: UnsafeMutablePointer<CChar>?
            guard let binary = llvm.create_binary(buffer, nil, &message) else {
                let reason = message.map { String(cString: $0) } ?? "no reason given"
                if let message { llvm.dispose_message(message) }
                return unread("LLVM cannot read the file: \(reason)")
            }
            defer { llvm.dispose_binary(binary) }
            return body(PluginReader(llvm: llvm, binary: binary, machine: CodeMachine(elf: bytes)))
        }
    }

    /// What a plugin holds, and for each source file its hottest loop where it has one, in the order of the functions.
    struct Findings {
        let plugin: InspectedPlugin
        let loops: [HotLoop]
    }

    /// - Parameter findsLoops: whether loops are looked for, which needs room for all instructions of a function.
    func inspect(findsLoops: Bool) -> Result<Findings, Unread> {
        disassembled { code in
            var loops: [HotLoop] = []
            let functions = code.functions.map { function in
                let (facts, loop) = inspected(function, code.disassembler, findsLoop: findsLoops)
                if let loop {
                    if let place = loops.firstIndex(where: { $0.file == loop.file }) {
                        if loop.surpasses(loops[place]) { loops[place] = loop }
                    } else {
                        loops.append(loop)
                    }
                }
                return facts
            }
            // A linked plugin's .dynstr holds the names of its dynamic symbols and, without needed libraries, nothing else.
            let dynamic = code.sections.filter { $0.name == ".dynstr" }.flatMap { $0.contents.split(separator: 0) }
                .map { String(decoding: $0, as: UTF8.self) }.sorted()
            let defined = Set(code.symbols.map(\.name))
            let starters = [".init", ".fini", ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors"]
            let plugin = InspectedPlugin(
                inspector: String(cString: llvm.library),
                exportedSymbols: dynamic.filter(defined.contains),
                undefinedSymbols: dynamic.filter { !defined.contains($0) },
                constructorSections: code.sections.map(\.name).filter { name in
                    starters.contains { name == $0 || name.hasPrefix($0 + ".") }
                },
                functions: functions)
            return Findings(plugin: plugin, loops: loops)
        }
    }

    /// Everything that functions are read from.
    private struct Code {
        let sections: [Section]
        let symbols: [Symbol]
        let functions: [Function]
        let disassembler: OpaquePointer
    }

    /// Gives the file's functions to `body`, with what disassembles them.
    private func disassembled<Value>(_ body: (Code) -> Value) -> Result<Value, Unread> {
        func unread(_ reason: String) -> Result<Value, Unread> { .failure(Unread(reason: reason)) }
        guard machine != .other else { return unread("the file is for neither x86-64 nor aarch64") }
        guard let disassembler = llvm.create_disassembler(machine.triple, "", "", nil, 0, nil, nil) else {
            return unread("\(String(cString: llvm.library)) has no disassembler for \(machine.triple)")
        }
        defer { llvm.dispose_disassembler(disassembler) }
        let sections = readSections(), symbols = readSymbols()
        guard !symbols.isEmpty else { return unread("the file has no symbol table") }
        let code = symbols.reduce(UInt64(0)) { $0.addingReportingOverflow(min($1.size, Self.largestCode + 1)).partialValue }
        guard code <= Self.largestCode else { return unread("its functions have more than \(Self.largestCode) bytes together") }
        return .success(
            body(Code(sections: sections, symbols: symbols, functions: functions(sections, symbols), disassembler: disassembler)))
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

    /// A function with its machine code.
    private struct Function {
        let symbol: Symbol
        let code: UnsafeBufferPointer<UInt8>
    }

    private func functions(_ sections: [Section], _ symbols: [Symbol]) -> [Function] {
        symbols.compactMap { symbol in
            guard symbol.size > 0,
                let section = sections.first(where: {
                    symbol.address >= $0.address && symbol.size <= UInt64($0.contents.count)
                        && symbol.address - $0.address <= UInt64($0.contents.count) - symbol.size
                })
            else { return nil }
            let start = Int(symbol.address - section.address)
            return Function(symbol: symbol, code: UnsafeBufferPointer(rebasing: section.contents[start..<start + Int(symbol.size)]))
        }
    }

    /// The counts of a function, and its hottest loop where it has one and is asked for it.
    private func inspected(_ function: Function, _ disassembler: OpaquePointer, findsLoop: Bool) -> (facts: InspectedFunction, loop: HotLoop?) {
        let (name, file) = (function.symbol.name, function.symbol.file)
        var facts = InspectedFunction(name: name, file: file, byteCount: function.code.count)
        var loops = InnermostLoops()
        var lines: [CodeLine] = []
        facts.undecodedBytes = decode(function, disassembler) { line in
            facts.count(line.instruction)
            loops.add(line)
            if findsLoop { lines.append(line) }
        }
        facts.loopSpills = loops.spills
        guard findsLoop, let range = loops.hottest else { return (facts, nil) }
        return (facts, HotLoop(function: name, file: file, lines: lines.filter { range.contains($0.offset) }))
    }

    /// Gives the instructions of a function to `visit`, in their order.
    /// - Returns: the bytes that are no instruction.
    private func decode(_ function: Function, _ disassembler: OpaquePointer, _ visit: (CodeLine) -> Void) -> Int {
        let (symbol, code) = (function.symbol, function.code)
        var text = [CChar](repeating: 0, count: 256)
        var offset = 0
        var undecodedBytes = 0
        var hasFramePointer = false
        while offset < code.count, let base = code.baseAddress {
            let length = llvm.disassemble(
                disassembler, base + offset, UInt64(code.count - offset), symbol.address &+ UInt64(offset), &text, text.count)
            guard length > 0 else {
                // Every aarch64 instruction has four bytes; on x86-64 the next one may begin anywhere.
                let step = min(machine == .aarch64 ? 4 : 1, code.count - offset)
                undecodedBytes += step
                offset += step
                continue
            }
            let words = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            let instruction =
                machine == .aarch64
                ? MachineInstruction(aarch64: words, hasFramePointer: hasFramePointer)
                : MachineInstruction(x86: words, hasFramePointer: hasFramePointer)
            hasFramePointer = hasFramePointer || instruction.setsFramePointer
            visit(CodeLine(offset: offset, jumpBase: machine == .aarch64 ? offset : offset + length, words: words, instruction: instruction))
            offset += length
        }
        return undecodedBytes
    }
}
