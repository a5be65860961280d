import ArgumentParser
import Logging
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxelsmithModelIO

extension Policy: ExpressibleByArgument {}
extension KernelMode: ExpressibleByArgument {}

/// `--target`.
struct TargetOption: ParsableArguments {
    static let choices = "native, or one of \(Target.named.map(\.name).joined(separator: ", "))"

    @Option(help: "\(TargetOption.choices).", transform: { try TargetOption.target($0) })
    var target: Target = HostCPU.nativeTarget

    /// - Throws: `SpecError.unknownTarget`.
    static func target(_ name: String) throws(SpecError) -> Target {
        name == HostCPU.nativeTarget.name ? HostCPU.nativeTarget : try Target(named: name)
    }
}

/// `--target` of a verb that makes one file for one target or several.
struct TargetsOption: ParsableArguments {
    @Option(
        name: .customLong("target"),
        help: ArgumentHelp(
            """
            \(TargetOption.choices). May be given again: one file then has kernels for several targets of one processor family, and a machine loads \
            the best that it can run. (default: native)
            """, valueName: "target"),
        transform: { try TargetOption.target($0) })
    var listed: [Target] = []

    func validate() throws {
        do { _ = try targets() } catch { throw ValidationError("\(error)") }
    }

    /// - Throws: `SpecError` for targets that cannot be in one file.
    func targets() throws(SpecError) -> PluginTargets { try PluginTargets(listed.isEmpty ? [HostCPU.nativeTarget] : listed) }
}

/// `--trust-folder`.
struct TrustOptions: ParsableArguments {
    @Option(
        name: .customLong("trust-folder"),
        help: ArgumentHelp(
            "A folder whose owner and group may write plugins too, in it and below. May be given again.", valueName: "DIR"))
    var trustedFolders: [String] = []
}

/// `--plugin`, and what comes of it.
struct PluginsOption: ParsableArguments {
    @Option(
        name: .customLong("plugin"), parsing: .upToNextOption,
        help: ArgumentHelp("Plugins made by `voxelsmith build`; the last that fits a layer wins.", valueName: "P.so"))
    var plugins: [String] = []

    @OptionGroup var trust: TrustOptions

    func list(in files: inout NamedFiles) {
        for plugin in plugins { files.reads(plugin, "--plugin") }
    }

    /// The kernels of the plugins. In mode `auto` a plugin that cannot be used is warned about and left out; so is, in every mode, a
    /// kernel that this processor cannot run, unless its plugin has another one for the same problem.
    /// - Throws: `PluginError` in mode `specialized`.
    func registry(mode: KernelMode) throws -> KernelRegistry {
        let registry = KernelRegistry(trustedFolders: trust.trustedFolders)
        if mode == .interpreter { return registry }
        for plugin in plugins {
            do {
                for omission in try registry.load(path: plugin).omitted {
                    if omission.isReplaced { Console.detail("\(omission.reason)") } else { Console.warn("\(omission.reason) Going on without it.") }
                }
            } catch {
                if mode == .specialized { throw error }
                Console.warn("\(error) Going on without it.")
            }
        }
        return registry
    }
}

/// `--threads`.
struct ThreadsOption: ParsableArguments {
    @Option(help: "Threads to use; the result is bitwise the same for any number. Default: one per core.")
    var threads = ThreadPool.defaultThreadCount

    func validate() throws { try Self.check(threads) }

    /// - Throws: `ValidationError` for a number of threads that no call has.
    static func check(_ threads: Int) throws {
        if !(1...ThreadPool.maximumThreads).contains(threads) {
            throw ValidationError("Received \(threads) threads; expected at least 1 and at most \(ThreadPool.maximumThreads).")
        }
    }
}

/// `--effort`.
enum Effort: String, CaseIterable, ExpressibleByArgument {
    case estimate, measure
}

/// Options of the verbs that compile.
struct CompilerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The compiler. Default: the Swift toolchain's clang, else the first on PATH.", valueName: "PATH"))
    var clang: String?

    @Option(
        name: .customLong("compiler-time-limit"),
        help: ArgumentHelp("Seconds one call of the compiler may take.", valueName: "seconds"))
    var compilerTimeLimit = PluginBuilder.defaultTimeLimit

    @Flag(name: .customLong("no-cache"), help: "Compile everything anew.")
    var withoutCache = false

    func validate() throws {
        if !(compilerTimeLimit > 0 && compilerTimeLimit <= 1e9) {
            throw ValidationError("Received --compiler-time-limit \(compilerTimeLimit); expected more than 0 and at most 1e9 seconds.")
        }
    }

    /// A name without a folder is looked up on PATH.
    func list(in files: inout NamedFiles) { files.reads(clang.flatMap { $0.utf8.contains(UInt8(ascii: "/")) || $0.isEmpty ? $0 : nil }, "--clang") }

    /// - Throws: `KernelBuildError` when there is no compiler.
    func builder() async throws -> PluginBuilder {
        let compiler = try await Compiler.find(explicit: clang, timeLimit: compilerTimeLimit)
        let cache = withoutCache ? nil : PluginCache.standard()
        Console.detail("compiler: \(compiler.path), \(compiler.version); cache: \(cache?.folder ?? "none")")
        return PluginBuilder(
            compiler: compiler, cache: cache,
            logger: Logger(label: "voxelsmith.build"), timeLimit: compilerTimeLimit)
    }
}

/// Options of the verbs that measure schedules.
struct TuningOptions: ParsableArguments {
    @Option(help: "Threads that schedules are measured with. Default: one per core.")
    var threads = ThreadPool.defaultThreadCount

    @Option(
        name: .customLong("time-limit"),
        help: ArgumentHelp("Seconds for all measurements; layers they do not suffice for keep the estimate.", valueName: "seconds"))
    var timeLimit: Double?

    func validate() throws {
        try ThreadsOption.check(threads)
        if let timeLimit, !(timeLimit > 0 && timeLimit <= 1e9) {
            throw ValidationError("Received --time-limit \(timeLimit); expected more than 0 and at most 1e9 seconds.")
        }
    }
}
