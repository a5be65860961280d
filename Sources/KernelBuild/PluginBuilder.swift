import Glibc
import Logging
import VoxKernelEmission
import VoxLayerSpec

/// Compiles and links plugins, and checks what came out.
public struct PluginBuilder: Sendable {
    /// The clang that is called; its identity is part of every cache key.
    public let compiler: Compiler
    /// nil compiles everything each time.
    public let cache: PluginCache?
    /// Seconds one call of clang may take.
    public let timeLimit: Double
    /// Fails a build for a warning of clang's; otherwise warnings are logged.
    public let warningsAreErrors: Bool
    /// Whether this process has more urgent work: then one clang is called at a time, at a low priority, and LLVM stays out of the process.
    public let inBackground: Bool
    private let logger: Logger

    /// A kernel takes clang a second or two, the largest ones some ten.
    public static let defaultTimeLimit = 300.0

    /// The one symbol a plugin exports.
    static let exportedSymbol = "voxelsmith_plugin"

    /// A builder. It runs nothing and touches no file before `build`.
    /// - Parameters:
    ///   - compiler: the clang that is called.
    ///   - cache: nil compiles everything each time.
    ///   - logger: told of clang's warnings and of a cache that fails.
    ///   - timeLimit: seconds one call of clang may take.
    ///   - warningsAreErrors: fails a build for a warning of clang's.
    ///   - inBackground: whether this process has more urgent work. Then one clang is called at a time, at a low priority, and the machine code is not
    ///     inspected through LLVM: the loader refuses what an inspection would, and the library takes 50 MB and has destructors, which run
    ///     when the process ends, whatever its threads are doing.
    public init(
        compiler: Compiler, cache: PluginCache?, logger: Logger, timeLimit: Double = PluginBuilder.defaultTimeLimit, warningsAreErrors: Bool = false,
        inBackground: Bool = false
    ) {
        self.compiler = compiler
        self.cache = cache
        self.logger = logger
        self.timeLimit = timeLimit
        self.warningsAreErrors = warningsAreErrors
        self.inBackground = inBackground
    }

    /// The name of what a build makes, 64 hexadecimal digits: of everything that goes into it, which is the source (the kernels' C with their keys and
    /// schedules, the headers), the flags for the target, and the identity of the compiler.
    package func key(of source: PluginSource, target: Target) -> String { Plan(self, source, PluginTargets(target)).pluginKey }

    // Longer than 60 lines: the steps of a build in their order, which share what was planned, the folder and the count of finished steps.
    /// Compiles each unit that the cache does not know, as many at a time as there are cores, and links them all.
    ///
    /// Each kernel is compiled for the instructions that its file states. The table is read before anything is known of the processor; so it is
    /// compiled for the least one of the family, although it is data.
    ///
    /// Equal source, targets and compiler give equal bytes.
    /// - Parameters:
    ///   - source: the plugin's unit files.
    ///   - targets: what the kernels are for; those whose file states no instructions are for the least of these.
    ///   - onProgress: called with the number of finished steps and of all steps (every unit, and the link).
    ///   - check: called with the inspected plugin before anything made for it enters the cache; what it throws ends the build.
    /// - Throws: `KernelBuildError`; what `check` throws; `CancellationError`, after every process started here has ended.
    public func build(
        _ source: PluginSource, targets: PluginTargets, onProgress: (@Sendable (Int, Int) -> Void)? = nil,
        check: (BuiltPlugin) async throws -> Void = { _ in }
    ) async throws -> BuiltPlugin {
        let start = ContinuousClock.now
        let files = [source.table] + source.kernels + source.headers
        try Self.checkNames(files)
        try Self.checkTargets(source.kernels, targets)
        let plan = Plan(self, source, targets)
        let steps = plan.units.count + 1
        func checked(_ bytes: [UInt8], compiledUnits: Int, isFromCache: Bool) async throws -> BuiltPlugin {
            do {
                let inspection = try inspected(bytes, targets, plan)
                onProgress?(steps, steps)
                let built = BuiltPlugin(
                    bytes: bytes, targets: targets, inspection: inspection, compiledUnits: compiledUnits, isFromCache: isFromCache,
                    seconds: Self.seconds(since: start))
                try await check(built)
                return built
            } catch {
                // What failed may have come from the cache, where a build that checked less has put it. It is removed, so that the next
                // build starts anew.
                if !(error is CancellationError) {
                    cache?.remove(.plugin, plan.pluginKey)
                    for unit in plan.units { cache?.remove(.object, unit.key) }
                }
                throw error
            }
        }

        if let bytes = cache?.load(.plugin, plan.pluginKey, logger: logger), PluginTrailer.isValid(bytes) {
            logger.debug("\("the plugin is in the cache: \(plan.pluginKey)" as Sentence)")
            return try await checked(bytes, compiledUnits: 0, isFromCache: true)
        }

        let folder = try PrivateFolder()
        defer { folder.remove() }
        for file in files { try writePrivateFile(folder.path + "/" + file.fileName, file.text) }

        var missing: [Unit] = []
        for unit in plan.units {
            if let object = cache?.load(.object, unit.key, logger: logger) {
                logger.debug("\("\(unit.fileName) is in the cache: \(unit.key)" as Sentence)")
                try replaceFile(folder.path + "/" + unit.objectName, with: object, durably: false)
            } else {
                missing.append(unit)
            }
        }
        var done = plan.units.count - missing.count
        if done > 0 { onProgress?(done, steps) }
        try await withThrowingTaskGroup(of: Unit.self) { group in
            var waiting = missing.makeIterator()
            func startNext() {
                guard let unit = waiting.next() else { return }
                group.addTask {
                    try await call(unit.command, what: unit.fileName, makes: unit.objectName, in: folder.path)
                    return unit
                }
            }
            for _ in 0..<(inBackground ? 1 : min(Self.coreCount, FileDescriptors.processes)) { startNext() }
            while try await group.next() != nil {
                startNext()
                done += 1
                onProgress?(done, steps)
            }
        }

        do {
            try await call(plan.linkCommand, what: "the link", makes: Plan.linkedName, in: folder.path)
        } catch let error as KernelBuildError {
            guard case .compilationFailed(_, let command, _, let text) = error else { throw error }
            let names = Self.undefinedSymbols(text)
            throw names.isEmpty ? error : .undefinedSymbols(names, command: command)
        }
        let bytes = PluginTrailer.appended(to: try readFile(folder.path + "/" + Plan.linkedName))
        let built = try await checked(bytes, compiledUnits: missing.count, isFromCache: false)
        keep(bytes, missing, of: plan, in: folder)
        return built
    }

    /// Builds a plugin for one target, as `build(_:targets:onProgress:check:)` does.
    public func build(
        _ source: PluginSource, target: Target, onProgress: (@Sendable (Int, Int) -> Void)? = nil,
        check: (BuiltPlugin) async throws -> Void = { _ in }
    ) async throws -> BuiltPlugin {
        try await build(source, targets: PluginTargets(target), onProgress: onProgress, check: check)
    }

    /// Puts a plugin and the objects made for it into the cache. A cache that refuses them causes a warning, never a failed build.
    private func keep(_ bytes: [UInt8], _ made: [Unit], of plan: Plan, in folder: PrivateFolder) {
        guard let cache else { return }
        do {
            for unit in made { try cache.store(.object, unit.key, try readFile(folder.path + "/" + unit.objectName)) }
            try cache.store(.plugin, plan.pluginKey, bytes)
        } catch {
            logger.warning("\("The cache in \(cache.folder) cannot be written, so nothing is kept for later builds. \(error)" as Sentence)")
        }
        cache.evict()
    }

    private func call(_ command: [String], what: String, makes result: String, in folder: String) async throws {
        logger.debug("\("compiling \(what): \(whole: command.joined(separator: " "))" as Sentence)")
        let outcome = try await ChildProcess.run(
            command, what: what, folder: folder, environment: CompilerEnvironment.variables(temporary: folder), seconds: timeLimit,
            inBackground: inBackground)
        // Its owner may read it, whatever the umask.
        let isComplete = outcome.succeeded && chmod(folder + "/" + result, 0o600) == 0
        guard isComplete else {
            let status = outcome.succeeded ? "status 0 but no file \(result)" : outcome.status
            throw KernelBuildError.compilationFailed(what: what, command: command, status: status, standardError: outcome.standardError)
        }
        if !outcome.standardError.isEmpty { logger.warning("\("clang on \(what): \(lines: outcome.standardError)" as Sentence)") }
    }

    /// A plugin that calls out, runs code at load or misses its table or its vectors must not leave this module.
    private func inspected(_ bytes: [UInt8], _ targets: PluginTargets, _ plan: Plan) throws(KernelBuildError) -> ObjectInspection {
        if inBackground { return .notInspected(reason: "it was built in the background") }
        let inspection = ObjectInspection.inspect(bytes)
        guard case .inspected(let plugin) = inspection else { return inspection }
        guard plugin.undefinedSymbols.isEmpty else { throw .undefinedSymbols(plugin.undefinedSymbols, command: plan.linkCommand) }
        guard plugin.constructorSections.isEmpty else { throw .constructors(sections: plugin.constructorSections) }
        guard plugin.exportedSymbols == [Self.exportedSymbol] else {
            throw .wrongExports(received: plugin.exportedSymbols, expected: Self.exportedSymbol)
        }
        for target in targets.all {
            let part = plugin.part { (plan.instructionSets[$0] ?? targets.least.instructionSet) == target.instructionSet }
            guard part.fusedMultiplyAdds == 0 || part.usesVectors(of: target) else {
                throw .narrowVectors(target: target.instructionSet.rawValue, expected: Self.registers(of: target.instructionSet))
            }
        }
        return inspection
    }

    /// The registers of an instruction set's full width.
    private static func registers(of set: Target.InstructionSet) -> String {
        switch set {
        case .x86_64_v4: "zmm"
        case .x86_64_v3: "ymm"
        case .x86_64_v2: "xmm"
        case .aarch64NEON: "v0 to v31"
        }
    }

    private static func checkTargets(_ kernels: [CSource], _ targets: PluginTargets) throws(KernelBuildError) {
        for kernel in kernels {
            guard let set = kernel.instructionSet, !targets.all.contains(where: { $0.instructionSet == set }) else { continue }
            throw .unlistedTarget(file: kernel.fileName, received: set.rawValue, expected: targets.names)
        }
    }

    private static func checkNames(_ files: [CSource]) throws(KernelBuildError) {
        var seen: Set<String> = [Plan.linkedName]
        for file in files {
            let names = [file.fileName, Unit.objectName(file.fileName)]
            // A leading dash would be an option of clang's, a leading @ a file of options. By bytes, as an accent behind them does not change that.
            let bytes = file.fileName.utf8
            guard let first = bytes.first, !"-@.".utf8.contains(first), !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0),
                names.allSatisfy({ seen.insert($0).inserted })
            else { throw .fileNameTaken(file.fileName) }
        }
    }

    /// The names lld complains of, in its order, each once.
    private static func undefinedSymbols(_ linkerOutput: String) -> [String] {
        var names: [String] = []
        for line in linkerOutput.split(separator: "\n") where line.contains(" undefined ") {
            guard let mark = line.firstRange(of: " symbol: ") else { continue }
            let name = String(line[mark.upperBound...])
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    private static func seconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .seconds(1)
    }
}

extension InspectedPlugin {
    /// The same with the functions of some source files only.
    fileprivate func part(ofFiles isIncluded: (String) -> Bool) -> InspectedPlugin {
        InspectedPlugin(
            inspector: inspector, exportedSymbols: exportedSymbols, undefinedSymbols: undefinedSymbols, constructorSections: constructorSections,
            functions: functions.filter { isIncluded($0.file) })
    }
}

/// One call of clang that makes one object.
private struct Unit: Sendable {
    let fileName: String
    let objectName: String
    let command: [String]
    let key: String

    static func objectName(_ fileName: String) -> String { fileName + ".o" }
}

/// The commands of one build and the names of their results in the cache.
///
/// Commands use file names without folders and run in the folder with the files, so no path reaches the output.
private struct Plan {
    static let linkedName = "plugin.so"

    let units: [Unit]
    /// What each kernel's file is compiled for.
    let instructionSets: [String: Target.InstructionSet]
    let linkCommand: [String]
    let pluginKey: String

    init(_ builder: PluginBuilder, _ source: PluginSource, _ targets: PluginTargets) {
        let linkFlags = builder.compiler.options + CompilerFlags.link(targets.least)
        let identity = builder.compiler.identity
        let kernels = source.kernels.map { (file: $0, set: $0.instructionSet ?? targets.least.instructionSet) }
        let units = ([(file: source.table, set: targets.family.least)] + kernels).map { file, set in
            let compileFlags = builder.compiler.options + CompilerFlags.compile(Target(set), warningsAreErrors: builder.warningsAreErrors)
            let objectName = Unit.objectName(file.fileName)
            var digest = FieldDigest()
            digest.add(["object", identity])
            digest.add(compileFlags)
            for file in [file] + source.headers { digest.add([file.fileName, file.text]) }
            return Unit(
                fileName: file.fileName, objectName: objectName,
                command: [builder.compiler.path] + compileFlags + ["-c", file.fileName, "-o", objectName],
                key: digest.hexadecimal())
        }
        self.units = units
        instructionSets = Dictionary(kernels.map { ($0.file.fileName, $0.set) }) { first, _ in first }
        linkCommand = [builder.compiler.path] + linkFlags + units.map(\.objectName) + ["-o", Self.linkedName]
        var digest = FieldDigest()
        digest.add(["plugin", identity])
        digest.add(linkFlags)
        digest.add(targets.all.map(\.instructionSet.rawValue))
        digest.add(units.map(\.key))
        pluginKey = digest.hexadecimal()
    }
}
