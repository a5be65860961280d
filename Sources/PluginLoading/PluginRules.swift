import VoxKernels

/// What a plugin must not contain, read from its bytes: anything that would run, look elsewhere or change code while it is
/// loaded, and anything the linker does not write for a self-contained object.
struct PluginRules {
    let path: String
    let machine: PluginFile.Machine
    let elf: ElfObject
    let table: ElfDynamicTable

    /// Checks everything but the relocations, which can only be judged once the descriptors are known.
    /// - Returns: the one symbol of the plugin.
    func check() throws(PluginError) -> ElfDynamicTable.Symbol {
        try checkSegments()
        try checkDynamicEntries()
        return try checkSymbols()
    }

    private func checkSegments() throws(PluginError) {
        typealias Kind = ElfObject.SegmentKind
        for segment in elf.segments {
            switch segment.kind {
            case Kind.loadable where segment.isWritable && segment.isExecutable:
                throw .writableCode(path: path, what: "a segment that is writable and executable")
            case Kind.stack where segment.isExecutable:
                throw .writableCode(path: path, what: "an executable stack")
            case Kind.interpreter:
                let end = segment.fileOffset + min(segment.fileSize, 256)
                let name = elf.reader.bytes[segment.fileOffset..<end].prefix { $0 != 0 }
                throw .interpreter(path: path, name: String(decoding: name, as: UTF8.self))
            case Kind.threadLocal:
                throw .threadLocalStorage(path: path)
            case 0, Kind.loadable, Kind.stack, Kind.dynamic, Kind.headers, Kind.unwindTable, Kind.readOnlyAfterRelocation: break
            case let kind: throw .malformedImage(path: path, reason: "a segment of type 0x\(String(kind, radix: 16))")
            }
        }
        // Without the header the dynamic linker makes the stacks of the whole process executable.
        guard elf.segments.contains(where: { $0.kind == Kind.stack }) else {
            throw .writableCode(path: path, what: "an executable stack (no header denies it)")
        }
        let readOnly = elf.segments.filter { $0.kind == Kind.readOnlyAfterRelocation }
        guard readOnly.count <= 1 else { throw .malformedImage(path: path, reason: "\(readOnly.count) segments to protect") }
    }

    private func checkDynamicEntries() throws(PluginError) {
        typealias Tag = ElfDynamicTable.Tag
        if !table.neededLibraries.isEmpty { throw .neededLibraries(path: path, names: table.neededLibraries) }
        let constructors = table.entries.keys.sorted().compactMap { Tag.constructors[$0] }
        if !constructors.isEmpty { throw .constructors(path: path, entries: constructors) }
        let textRelocationFlag: UInt64 = 4
        if table.entries[Tag.textRelocations] != nil || (table.entries[Tag.flags] ?? 0) & textRelocationFlag != 0 {
            throw .writableCode(path: path, what: "relocations of its code")
        }
        for tag in table.entries.keys.sorted() where !Tag.expected.contains(tag) {
            throw .unexpectedDynamicEntry(path: path, tag: tag, value: table.entries[tag] ?? 0)
        }
        // "Bind now" is what the loader asks for anyway.
        for (tag, allowed) in [(Tag.flags, UInt64(8)), (Tag.flags1, 1)] {
            guard let value = table.entries[tag], value & ~allowed != 0 else { continue }
            throw .unexpectedDynamicEntry(path: path, tag: tag, value: value)
        }
    }

    private func checkSymbols() throws(PluginError) -> ElfDynamicTable.Symbol {
        let undefined = table.symbols.filter { $0.isUndefined && !($0.isLocal && $0.name.isEmpty) }
        if !undefined.isEmpty { throw .undefinedSymbols(path: path, names: undefined.map(\.name)) }
        if let symbol = table.symbols.first(where: \.isIndirectFunction) { throw .indirectFunction(path: path, name: symbol.name) }
        if table.symbols.contains(where: \.isThreadLocal) { throw .threadLocalStorage(path: path) }
        let exported = table.symbols.filter { !$0.isLocal }
        let wanted = exported.filter { $0.name == PluginFile.symbolName }
        guard let symbol = wanted.first else { throw .symbolMissing(path: path) }
        guard exported.count == 1 else {
            throw .unexpectedExports(path: path, names: exported.map(\.name).filter { $0 != PluginFile.symbolName })
        }
        guard symbol.isGlobalObject else {
            throw .malformedImage(path: path, reason: "\(PluginFile.symbolName) is no plain data object")
        }
        return symbol
    }

    /// A plugin is relocated by adding its base address, nothing else, and in two places only: the entry points of its
    /// descriptors, which must lead to its code, and constant tables, which are read-only afterwards.
    /// - Parameter entryPoints: addresses of the two pointers of each descriptor, in the order of the descriptors.
    func checkRelocations(entryPoints: [Int]) throws(PluginError) {
        let relative: UInt32 =
            switch machine {
            case .x86_64: 8  // R_X86_64_RELATIVE
            case .aarch64: 1027  // R_AARCH64_RELATIVE
            }
        let constants = elf.segments.first { $0.kind == ElfObject.SegmentKind.readOnlyAfterRelocation }?.fileAddresses ?? 0..<0
        let code = elf.loads.filter { $0.isExecutable && !$0.isWritable }.map(\.fileAddresses)
        let image = elf.loads.map(\.addresses)
        let pointerByteCount = 8
        var missing = Set(entryPoints)
        for relocation in table.relocations {
            func refuse(_ reason: String) -> PluginError {
                .unexpectedRelocation(path: path, address: relocation.place, reason: reason)
            }
            guard relocation.type == relative, relocation.symbol == 0 else {
                throw refuse("its type is \(relocation.type) with symbol \(relocation.symbol); expected \(relative) with none")
            }
            if missing.remove(relocation.place) != nil {
                guard code.contains(where: { $0.contains(relocation.addend) }) else { throw refuse("an entry point leads outside the code") }
                continue
            }
            let place = relocation.place
            guard place % pointerByteCount == 0, place >= constants.lowerBound, constants.upperBound - pointerByteCount >= place,
                place >= table.addresses.upperBound || place + pointerByteCount <= table.addresses.lowerBound
            else { throw refuse("it changes what is no entry point and no constant") }
            guard image.contains(where: { $0.contains(relocation.addend) }) else { throw refuse("it leads outside the plugin") }
        }
        if let index = entryPoints.firstIndex(where: missing.contains) {
            throw .malformedDescriptor(path: path, index: index / 2, reason: "it has no entry points")
        }
    }
}
