import Foundation
import Logging
import Synchronization
import Testing
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// Folders, compilers and problems for the tests of `OnDemandKernels`.
struct OnDemandBench {
    let folder: TemporaryFolder
    let log = LogCollector()

    init() throws { folder = try TemporaryFolder() }

    /// Beside the tests, or where a release build puts it.
    static let verifier: String = {
        let beside = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("voxelsmith-verify").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : Fixture.root + "/.build/release/voxelsmith-verify"
    }()

    var cache: PluginCache { PluginCache(folder: folder.path("cache")) }

    /// Options with everything in the folder of the test.
    /// - Parameter compiler: nil for clang.
    func options(compiler: String? = nil) -> OnDemandOptions {
        var options = OnDemandOptions()
        options.loaded = KernelRegistry()
        options.compiler = compiler
        options.verifier = Self.verifier
        options.cache = cache
        options.logger = log.logger
        return options
    }

    /// A small problem whose sums are plain, so that small integers have exact results; another one for each number.
    static func config(_ number: Int = 0) throws -> LayerConfig {
        try LayerConfig(
            name: "up", filters: 5 + number, kernelSize: [2, 3, 3], strides: [2, 2, 1], padding: .same(outputPadding: nil), activation: .relu)
    }

    static let inputShape = [2, 3, 4, 5, 3]

    static func spec(_ number: Int = 0) throws -> KernelSpec { try config(number).spec(inputShape: inputShape, policy: .direct) }

    /// The file of the only kernel in the cache.
    func entry() throws -> String {
        let files = try entries()
        try #require(files.count == 1, "\(files)")
        return files[0]
    }

    /// The kernels in the cache.
    func entries() throws -> [String] {
        let folder = cache.folder + "/verified"
        return (FileManager.default.subpaths(atPath: folder) ?? []).map { folder + "/" + $0 }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    /// An executable script of the shell's, written by a process of its own: were it open here, a process that another test starts just then
    /// would hold it open for a moment, and it could not be executed.
    func script(_ name: String, _ body: String) throws -> String {
        let (text, file) = (try folder.write(Array("#!/bin/sh\n\(body)\n".utf8), as: name + ".text"), folder.path(name))
        let copying = Process()
        copying.executableURL = URL(fileURLWithPath: "/bin/sh")
        copying.arguments = ["-c", "cp \"$0\" \"$1\" && chmod 755 \"$1\"", text, file]
        try copying.run()
        copying.waitUntilExit()
        return file
    }

    /// A compiler that writes a line to the file `calls` each time it is to compile or to link, and does then what the script says.
    /// - Parameter body: `$clang` is the real one.
    func compiler(_ body: String = "exec \"$clang\" \"$@\"") async throws -> String {
        let clang = try await Compiler.find().path
        return try script(
            "clang-\(UInt32.random(in: 0 ... .max))",
            "clang='\(clang)'\n[ \"$1\" = --version ] && exec \"$clang\" \"$@\"\necho call >> '\(folder.path("calls"))'\n\(body)")
    }

    /// One that begins its work when it is let go.
    func waitingCompiler() async throws -> String {
        try await compiler("while [ ! -e '\(folder.path("go"))' ]; do sleep 0.02; done\nexec \"$clang\" \"$@\"")
    }

    func letCompilersGo() throws { _ = try folder.write([], as: "go") }

    /// How often such compilers were called.
    var calls: Int { (try? String(contentsOfFile: folder.path("calls"), encoding: .utf8).split(separator: "\n").count) ?? 0 }

    /// What one kernel takes: its unit, the plugin's table, and the link.
    static let callsOfAKernel = 3
}

/// Weights and an input for a problem, small integers, and the exact results.
struct ExactSample {
    let weights: [Tensor]
    let input: Tensor
    let expected: [Double]

    init(_ spec: KernelSpec, batch: Int = OnDemandBench.inputShape[0], seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func integers(_ shape: [Int]) throws -> Tensor {
            try Tensor(shape: shape, random.integers(shape.reduce(1, *), limit: 5).map { Float($0) })
        }
        weights = [try integers(spec.geometry.kernelShape), try integers([spec.biasCount])]
        input = try integers(spec.inputShape(batch: batch))
        expected = ScatterOracle.run(spec, batch: batch, input: input.doubles, operand: weights[0].doubles, bias: weights[1].doubles).values
    }
}

/// Keeps the warnings of a logger.
final class LogCollector: Sendable {
    private let kept = Mutex<[String]>([])

    var warnings: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(collector: self) } }

    private struct Handler: LogHandler {
        let collector: LogCollector
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { collector.kept.withLock { $0.append("\(event.message)") } }
    }
}

/// Whether a process with `mark` in its command line runs.
func isRunning(_ mark: String) -> Bool {
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
    return numbers.contains { number in
        guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
        return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(mark)
    }
}

/// Waits, up to half a minute, until such a process runs, or until none does.
/// - Returns: whether it came to that.
func waits(for mark: String, toRun: Bool) async throws -> Bool {
    for _ in 0..<1500 {
        if isRunning(mark) == toRun { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}
