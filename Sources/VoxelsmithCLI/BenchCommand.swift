import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTuning
import VoxelsmithModelIO

struct BenchCommand: ReportingVerb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures layers and whole models on random operands, and checks every answer it times.",
        discussion: """
            Times are of calls into memory that is resident already, except fresh_ms. --json writes {"machine": {"cpu", "cores", \
            "target", "peak_gflops_per_thread", "swift", "clang", "os"}, "command", "results": [{"name", "key", "kernel", \
            "specialized", "reason", "threads", "batch", "calls", "median_ms", "min_ms", "first_ms", "fresh_ms", "fresh_page_faults", \
            "gflop", "gflops", "peak_gflops_per_thread", "share_of_peak", "interpreter_ms", "speedup", "worst_error_over_bound"}], \
            "whole": {"name", "input_shapes", "output_shapes", "threads", "calls", "median_ms", "min_ms", "first_ms", "convolutions", \
            "specialized", "gflop", "gflops", "share_of_peak", "interpreter_ms", "speedup", "worst_difference_over_largest", "pool_bytes", \
            "packed_bytes", "steps": [{"name", "kernel", "specialized", "output_shapes", "bytes", "median_ms", "share_of_time", "gflop", \
            "gflops", "share_of_peak", "interpreter_ms", "speedup"}]}}: first_ms is the first call after the weights were packed, gflop the \
            work of one call, gflops its rate. whole is there for a model, and steps are those of its plan.
            """)

    @OptionGroup var source: LayersOption
    @OptionGroup var pluginsOption: PluginsOption
    @OptionGroup var threadsOption: ThreadsOption

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    @Option(help: "Least time the median of a layer is taken over, in seconds; never fewer than 20 calls.")
    var seconds = 0.5

    @Flag(help: "Measure instead what a call costs besides the kernel: around it, and the first time.")
    var overhead = false

    @Option(
        help: ArgumentHelp(
            "Where to draw the steps of a model along an axis of time; of layers by themselves, and of a model that is not computed, the rates.",
            valueName: "FILE.svg"))
    var plot: String?

    @Option(name: .customLong("plot-rates"), help: ArgumentHelp("Where to draw the rates of the layers.", valueName: "FILE.svg"))
    var plotRates: String?

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        pluginsOption.list(in: &files)
        reportOption.list(in: &files)
        files.writes(plot, "--plot")
        files.writes(plotRates, "--plot-rates")
        return files
    }

    func validate() throws {
        if !(seconds >= 0 && seconds.isFinite) { throw ValidationError("Received --seconds \(seconds); expected 0 or more.") }
    }

    func run() async throws {
        if overhead {
            for (option, value) in [("--json", reportOption.path), ("--plot", plot), ("--plot-rates", plotRates)] where value != nil {
                throw CommandFailure.opposedOptions(option, "--overhead")
            }
        }
        let registry = try pluginsOption.registry(mode: .auto)
        let file = try ModelFile(path: source.layers)
        let set = try source.file.layers(of: file, onEvent: Console.tell)
        // A network may have nothing to measure by itself.
        let hasNone = set.layers.isEmpty && !overhead
        let layers = hasNone ? [] : try ResolvedLayer.list(set, policy: policy, onEvent: Console.tell)
        for layer in layers { try LayerBenchmark.checkMemory(for: layer.spec, batch: layer.batch) }
        if overhead {
            var table = OverheadTable(threads: threadsOption.threads)
            for layer in layers { try table.measure(layer, kernels: registry, seconds: seconds) }
            Console.show(lines: table.text)
            return
        }
        let results = try measure(layers, registry)
        let peak = results.compactMap(\.peakGflopsPerThread).max()
        let whole = try set.model.flatMap { model in
            Console.progress("measuring the model \(model.name)")
            return try WholeBenchmark(
                file: file, model: model, source: source.file, policy: policy, kernels: registry, threads: threadsOption.threads, seconds: seconds
            ).run(peak: peak)
        }
        Console.endProgress()
        if let whole { Console.show(lines: (results.isEmpty ? "" : "\n") + whole.table) }
        if reportOption.path != nil {
            let clang = try? await Compiler.find().version
            try reportOption.write(BenchmarkReport(
                machine: BenchmarkMachine(peakGflopsPerThread: peak, clang: clang ?? "not found"),
                command: CommandLine.arguments.joined(separator: " "), results: results, whole: whole))
        }
        let rates = BarChart(results, threads: threadsOption.threads).svg
        if let plot { try TextFiles.write(whole.map { TimelinePicture($0).svg } ?? rates, to: plot) }
        if let plotRates { try TextFiles.write(rates, to: plotRates) }
    }

    /// Measures the layers by themselves, and shows what was found.
    private func measure(_ layers: [ResolvedLayer], _ registry: KernelRegistry) throws -> [BenchmarkResult] {
        var results: [BenchmarkResult] = []
        var table = TextTable(["layer", "kernel", "ms", "min", "first", "fresh", "faults", "GFLOP/s", "of peak", "interpreter", "speed-up", "error/bound"])
        for (index, layer) in layers.enumerated() {
            Console.progress("measuring layer \(index + 1) of \(layers.count), \(layer.name)")
            let result = BenchmarkResult(
                layer, try LayerBenchmark(
                    layer.spec, choice: registry.lookup(layer.spec), threads: threadsOption.threads, batch: layer.batch,
                    seconds: seconds
                ).run())
            table.add([
                result.name, result.specialized ? "specialised" : "interpreter", decimal(result.medianMs, 3), decimal(result.minMs, 3),
                decimal(result.firstMs, 3), decimal(result.freshMs, 3), "\(result.freshPageFaults)", decimal(result.gflops, 1),
                percent(result.shareOfPeak), decimal(result.interpreterMs, 1), decimal(result.speedup, 1) + " x",
                decimal(result.worstErrorOverBound, 3),
            ])
            results.append(result)
        }
        Console.endProgress()
        if results.isEmpty { return [] }
        let peak = results.compactMap(\.peakGflopsPerThread).max()
        Console.show("\(counted(threadsOption.threads, "thread")), multiply-add peak \(peak.map { decimal($0, 1) } ?? "-") GFLOP/s a thread, times in ms")
        Console.show(lines: table.text)
        return results
    }
}

/// The whole of `bench --json`.
struct BenchmarkReport: Encodable {
    let machine: BenchmarkMachine
    let command: String
    let results: [BenchmarkResult]
    /// Of a file that is a model which is computed here.
    let whole: WholeResult?
}

struct BenchmarkMachine: Encodable {
    let cpu = HostCPU.modelName
    let cores = ThreadPool.defaultThreadCount
    let target = HostCPU.nativeTarget.instructionSet.rawValue
    /// The best of the whole run.
    let peakGflopsPerThread: Double?
    let swift = Self.swiftVersion
    /// The one that `build` would use now.
    let clang: String
    let os = Self.operatingSystem

    private static var swiftVersion: String {
        #if swift(>=6.4)
            "6.4 or later"
        #elseif swift(>=6.3)
            "6.3"
        #elseif swift(>=6.2)
            "6.2"
        #else
            "6.1"
        #endif
    }

    private static var operatingSystem: String {
        var name = utsname()
        uname(&name)
        let kernel = withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let release = (try? InputFile.bytes(of: "/etc/os-release")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let pretty = release.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst(12).filter { $0 != "\"" }
        return "\(pretty ?? "unknown"), kernel \(kernel)"
    }
}

/// One layer of `bench --json`.
struct BenchmarkResult: Encodable {
    let name: String
    let key: String
    let kernel: String
    let specialized: Bool
    let reason: String
    let threads: Int
    let batch: Int
    let calls: Int
    let medianMs, minMs, firstMs, freshMs: Double
    let freshPageFaults: Int
    let gflop, gflops: Double
    let peakGflopsPerThread: Double?
    let shareOfPeak: Double?
    let interpreterMs: Double
    let speedup: Double
    let worstErrorOverBound: Double

    init(_ layer: ResolvedLayer, _ measurement: LayerMeasurement) {
        name = layer.name
        key = layer.spec.key.text
        kernel = measurement.choice.kernel.name
        specialized = measurement.choice.isSpecialized
        reason = measurement.choice.reason
        threads = measurement.threads
        batch = layer.batch
        calls = measurement.timing.count
        medianMs = measurement.timing.median * 1e3
        minMs = measurement.timing.minimum * 1e3
        firstMs = measurement.timing.first * 1e3
        freshMs = measurement.freshSeconds * 1e3
        freshPageFaults = measurement.freshPageFaults
        gflop = Double(measurement.flopCount) / 1e9
        gflops = measurement.gigaflopsPerSecond
        peakGflopsPerThread = measurement.peakPerThread
        shareOfPeak = measurement.shareOfPeak
        interpreterMs = measurement.interpreterSeconds * 1e3
        speedup = measurement.speedUp
        worstErrorOverBound = measurement.worstErrorOverBound
    }
}
