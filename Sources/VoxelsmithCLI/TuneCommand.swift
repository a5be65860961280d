import ArgumentParser
import VoxForge
import VoxKernelRuntime
import VoxLayerSpec
import VoxTuning

struct TuneCommand: ReportingVerb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune", abstract: "Finds the fastest schedule of each layer by measuring, and shows how far the estimate is from it.",
        discussion: """
            Candidates are compiled, checked and timed in turns. Decisions go into the tunings file after each layer; layers that have \
            one for this machine, compiler and number of threads are not measured again. --json writes {"machine", "threads", \
            "command", "median_share", "worst_share", "results": [{"name", "key", "state", "schedule", "tried", "dropped", \
            "estimate_ms", "best_ms", "estimate_gflops", "best_gflops", "share"}]}: state is measured, earlier or estimate, share the \
            estimate's rate over the best's.
            """)

    @OptionGroup var source: LayersOption
    @OptionGroup var targetOption: TargetOption

    @Option(help: ArgumentHelp("Where decisions are kept; made if it does not exist.", valueName: "FILE"))
    var tunings: String

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    @OptionGroup var tuningOptions: TuningOptions
    @OptionGroup var compilerOptions: CompilerOptions

    @Flag(help: "Measure layers anew that the file has decisions for.")
    var again = false

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        compilerOptions.list(in: &files)
        files.writes(tunings, "--tunings")
        reportOption.list(in: &files)
        return files
    }

    func run() async throws {
        let builder = try await compilerOptions.builder()
        let tuning = TuningRun(
            try source.resolved(policy: policy, isFused: true), target: targetOption.target, builder: builder, threads: tuningOptions.threads,
            timeLimit: tuningOptions.timeLimit, onEvent: Console.tell)
        let outcomes = try await tuning.measure(tunings, again: again)
        let results = tuning.layers.map { TuningResult($0, outcomes[$0.spec.key]) }
        let report = TuningReport(
            machine: BenchmarkMachine(
                peakGflopsPerThread: HostCPU.measuredPeak(vectorBytes: targetOption.target.vectorBytes), clang: builder.compiler.version),
            threads: tuningOptions.threads, results: results)
        show(results, report, tuning)
        try reportOption.write(report)
    }

    private func show(_ results: [TuningResult], _ report: TuningReport, _ tuning: TuningRun) {
        var table = TextTable(["layer", "estimate GFLOP/s", "best GFLOP/s", "estimate/best", "tried", "dropped", "state", "schedule"])
        for result in results {
            table.add([
                result.name, result.estimateGflops.map { decimal($0, 1) } ?? "-", result.bestGflops.map { decimal($0, 1) } ?? "-",
                percent(result.share), result.tried.map { "\($0)" } ?? "-", result.dropped.map { "\($0)" } ?? "-", result.state,
                result.schedule ?? "-",
            ])
        }
        Console.show("\(counted(tuningOptions.threads, "thread")), \(tuning.context.cpu), decisions in \(tunings)")
        Console.show(lines: table.text)
        if let worst = report.worstShare {
            let name = results.first { $0.share == worst }?.name ?? "-"
            Console.show("the estimate reaches \(percent(report.medianShare)) of the best on the median layer, \(percent(worst)) on the worst, \(name)")
        }
    }
}

/// The whole of `tune --json`.
struct TuningReport: Encodable {
    let machine: BenchmarkMachine
    let threads: Int
    let command: String
    /// Of the layers that have one.
    let medianShare, worstShare: Double?
    let results: [TuningResult]

    init(machine: BenchmarkMachine, threads: Int, results: [TuningResult]) {
        self.machine = machine
        self.threads = threads
        self.results = results
        command = CommandLine.arguments.joined(separator: " ")
        let shares = results.compactMap(\.share).sorted()
        worstShare = shares.first
        medianShare = shares.isEmpty ? nil : (shares[(shares.count - 1) / 2] + shares[shares.count / 2]) / 2
    }
}

/// One layer of `tune --json`.
struct TuningResult: Encodable {
    let name: String
    let key: String
    /// "measured", "earlier" (in the file), or "estimate" where nothing is known.
    let state: String
    let schedule: String?
    let tried, dropped: Int?
    let estimateMs, bestMs: Double?
    let estimateGflops, bestGflops: Double?
    /// The estimate's rate over the best's.
    let share: Double?

    init(_ layer: ResolvedLayer, _ outcome: TuningOutcome?) {
        name = layer.name
        key = layer.spec.key.text
        switch outcome {
        case .measured: state = "measured"
        case .earlier: state = "earlier"
        case .keptEstimate, nil: state = "estimate"
        }
        let record = outcome?.record
        schedule = outcome?.schedule?.text
        tried = record?.tried
        dropped = record?.dropped
        estimateMs = record?.estimateMilliseconds
        bestMs = record?.bestMilliseconds
        let work = Double(layer.spec.geometry.flopCount) / 1e6
        estimateGflops = estimateMs.map { work / $0 }
        bestGflops = bestMs.map { work / $0 }
        share = estimateMs.flatMap { estimate in record.map { $0.bestMilliseconds / estimate } }
    }
}
