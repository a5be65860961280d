import Glibc
import Subprocess

/// A clang that was found and asked for its version.
public struct Compiler: Hashable, Sendable {
    /// The path it is started by.
    public let path: String
    /// The first line of its `--version`.
    public let version: String
    /// Changes whenever the compiler or its linker may have: version, size and time of both files. Part of every cache key.
    public let identity: String
    /// Given on every call: leaves out the configuration files of this machine and user, where this clang knows how.
    let options: [String]

    /// Finds clang: the one named, else the one of the Swift toolchain on PATH, else the first on PATH.
    ///
    /// - Parameters:
    ///   - explicit: a path, or a name looked up on PATH; nothing else is tried then.
    ///   - searchPath: what to take for PATH; nil means this process's.
    ///   - timeLimit: seconds it may take to say its version, 60 at most.
    /// - Throws: `KernelBuildError.compilerNotFound`, `.compilerUnusable`, `.compilerSilent`, `.fileSystem`; `CancellationError`.
    public static func find(explicit: String? = nil, searchPath: String? = nil, timeLimit: Double? = nil) async throws -> Compiler {
        let folders = searchPath?.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") } ?? searchFolders()
        let places = candidates(explicit: explicit, folders: folders)
        guard let path = places.first(where: isExecutableFile) else {
            throw KernelBuildError.compilerNotFound(lookedAt: places)
        }
        return try await identify(path, folders: folders, seconds: min(timeLimit ?? versionTimeLimit, versionTimeLimit))
    }

    /// Seconds; an answer takes 0.02.
    private static let versionTimeLimit = 60.0

    private static func candidates(explicit: String?, folders: [String]) -> [String] {
        if let explicit {
            // Compilations run in folders of their own, so a relative path would lead elsewhere.
            return explicit.utf8.contains(UInt8(ascii: "/")) ? [absolutePath(explicit)] : folders.map { $0 + "/" + explicit }
        }
        // `swift` on PATH is often a link into the toolchain, whose own clang is not on PATH.
        let toolchains = folders.flatMap { folder in ["swift", "swiftc"].map { folder + "/" + $0 } }
            .filter(isExecutableFile).compactMap(resolvedPath).map(parentFolder)
        var places: [String] = []
        for folder in toolchains + folders where !places.contains(folder + "/clang") { places.append(folder + "/clang") }
        return places
    }

    private static func identify(_ path: String, folders: [String], seconds: Double) async throws -> Compiler {
        func ask(_ options: [String]) async throws -> ChildProcess.Outcome {
            do {
                // Not in this process's folder, where a file may choose another toolchain than where kernels are compiled.
                return try await ChildProcess.run(
                    [path, "--version"] + options, what: "nothing", folder: "/",
                    environment: CompilerEnvironment.variables(temporary: nil), seconds: seconds)
            } catch KernelBuildError.compilationFailed(_, _, _, let reason) {
                throw KernelBuildError.compilerUnusable(path: path, reason: "gave no answer (\(reason))")
            } catch KernelBuildError.timedOut {
                throw KernelBuildError.compilerSilent(path: path, seconds: seconds)
            }
        }
        var options = ["--no-default-config"]
        var outcome = try await ask(options)
        if !outcome.succeeded {
            options = []
            outcome = try await ask(options)
        }
        guard outcome.succeeded else {
            throw KernelBuildError.compilerUnusable(path: path, reason: "ended with \(outcome.status)")
        }
        guard let line = outcome.standardOutput.split(separator: "\n").first(where: { $0.contains("version") }) else {
            throw KernelBuildError.compilerUnusable(path: path, reason: "printed no version")
        }
        // clang takes the linker beside it, else the first on PATH.
        let own = resolvedPath(path).map { parentFolder($0) + "/ld.lld" }
        let linker = ([own].compactMap(\.self) + folders.map { $0 + "/ld.lld" }).first(where: isExecutableFile)
        let parts = [outcome.standardOutput, stamp(path), linker.map(stamp) ?? "no linker"]
        return Compiler(
            path: path, version: String(line), identity: parts.joined(separator: "\n") + CompilerEnvironment.identity, options: options)
    }

    /// Size and modification time: reading 150 MB of compiler at every start would cost more than most compilations.
    private static func stamp(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "unknown" }
        return "\(status.st_size) bytes of \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
}
