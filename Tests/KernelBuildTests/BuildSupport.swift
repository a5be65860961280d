import Foundation
import Logging
import Synchronization
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

/// Small plugins written by hand: what they compute does not matter, what the compiler makes of them does.
enum HandWritten {
    static let table = CSource(
        fileName: "plugin.c",
        text: """
            __attribute__((visibility("default"), used, section(".voxelsmith")))
            const int voxelsmith_plugin[4] = {1, 2, 3, 4};

            """)

    /// A header with a vector of the target's width; it also shows that units find headers beside them.
    static func header(_ target: Target) -> CSource {
        CSource(
            fileName: "vector.h",
            text: "typedef float vec __attribute__((vector_size(\(target.vectorBytes)), aligned(4)));\n")
    }

    /// A loop with as many fused multiply-adds in its body as there are accumulators.
    static func multiplyAdd(_ name: String, accumulators: Int) -> CSource {
        CSource(
            fileName: name + ".c",
            text: """
                #include "vector.h"
                void \(name)(const float *x, const vec *w, vec *y, long n);
                void \(name)(const float *x, const vec *w, vec *y, long n) {
                    vec sums[\(accumulators)];
                #pragma clang loop unroll(full)
                    for (int j = 0; j < \(accumulators); j++) sums[j] = y[j];
                #pragma clang loop unroll(disable)
                    for (long i = 0; i < n; i++) {
                        vec weight = w[i];
                #pragma clang loop unroll(full)
                        for (int j = 0; j < \(accumulators); j++) sums[j] += weight * x[i + j * 7];
                    }
                #pragma clang loop unroll(full)
                    for (int j = 0; j < \(accumulators); j++) y[j] = sums[j];
                }

                """)
    }

    static func plugin(_ kernels: [CSource], target: Target, table: CSource = table) -> PluginSource {
        PluginSource(kernels: kernels, table: table, headers: [header(target)])
    }

    /// One unit with this text beside the table.
    static func plugin(_ text: String) -> PluginSource {
        PluginSource(kernels: [CSource(fileName: "unit.c", text: text)], table: table, headers: [])
    }
}

/// A folder of one test's own, gone when the test lets it go.
final class ScratchFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "voxelsmith-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes an executable shell script and returns its path.
    func script(_ name: String, _ body: String) throws -> String {
        let file = path + "/" + name
        try "#!/bin/sh\n\(body)\n".write(toFile: file, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        // A process started by another test in between inherits the open file for a moment, and the system runs no file that
        // is open for writing. It grants a read lease once nobody has.
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let setLease: Int32 = 1024
        for _ in 0..<2000 where fcntl(descriptor, setLease, Int32(F_RDLCK)) != 0 { usleep(1000) }
        _ = fcntl(descriptor, setLease, Int32(F_UNLCK))
        return file
    }

    /// A compiler that is clang and writes one line to `log` for each call that compiles or links.
    func countingCompiler() async throws -> (compiler: Compiler, log: String) {
        let log = path + "/calls"
        let real = try await Compiler.find()
        let file = try script(
            "clang", "case \"$1\" in --version) ;; *) echo call >> '\(log)' ;; esac\nexec '\(real.path)' \"$@\"")
        return (try await Compiler.find(explicit: file), log)
    }

    /// A program that names itself a compiler and then waits; `mark` is found in the command lines of its processes.
    func waitingCompiler(mark: Int) throws -> String {
        try script("clang", "[ \"$1\" = --version ] && { echo waiting version 1; exit 0; }\nsleep \(mark)\necho ended")
    }
}

func lineCount(_ path: String) -> Int {
    (try? String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count) ?? 0
}

/// Command lines, words separated by blanks, of running processes that contain `mark`.
func processes(containing mark: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.filter { Int($0) != nil }.compactMap { name in
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else { return nil }
        let line = String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
        return line.contains(mark) ? line : nil
    }
}

/// Whether no such process is left, now or soon: a killed process needs a moment to go.
func processesEnd(containing mark: String) async throws -> Bool {
    for _ in 0..<100 {
        if processes(containing: mark).isEmpty { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}

func fileMode(_ path: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
}

/// Keeps what is logged at warning level and above.
final class LogCollector: Sendable {
    private let kept = Mutex<[String]>([])

    var warnings: [String] { kept.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(collector: self) }
    }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            collector.kept.withLock { $0.append("\(event.message)") }
        }
    }
}
