import ArgumentParser
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

struct RunCommand: ReportingVerb {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Computes a model or a layer on arrays.",
        discussion: """
            A model of several inputs takes --input NAME=X.npy once for each, and --output likewise for its results; `describe` lists the names. \
            An --output that ends in .npz holds results by their names, and without a name all of them. A path with "=" in it begins with "/", "./" or "../". \
            The batch axis may be left out of all inputs; the results then have none either. The depth slice of --picture lies in \
            the middle of the second half of the depth axis, the half that --truth is compared on.
            """)

    @OptionGroup var source: LayersOption
    @OptionGroup var pluginsOption: PluginsOption
    @OptionGroup var threadsOption: ThreadsOption

    @Option(help: ArgumentHelp("The input, with its name where there are several. May be given again.", valueName: "[NAME=]X.npy"))
    var input: [NamedPath]

    @Option(help: ArgumentHelp("Where the result goes, with its name where there are several. May be given again.", valueName: "[NAME=]Y.npy"))
    var output: [NamedPath]

    @Option(
        help: ArgumentHelp(
            """
            Weights for a file without: .npz or .safetensors with kernel and bias of one layer, <layer name>/kernel and <layer name>/bias of \
            several; or .weights.h5, .h5 or .keras of Keras.
            """, valueName: "W"))
    var weights: String?

    @Option(help: "auto: a specialised kernel where one fits, else the interpreter; specialized: fail instead; interpreter: always that.")
    var kernel = KernelMode.auto

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    @Flag(help: "Print per step: time, what computes it, rate of convolutions, and how much faster than the interpreter it is.")
    var report = false

    @Option(help: ArgumentHelp("The result as it should be; bytes count as 0...255 -> 0...1. Prints signal-to-noise ratios.", valueName: "T.npy"))
    var truth: String?

    @Option(help: ArgumentHelp("One slice of input, trilinear interpolation unless the size is kept, result and truth side by side.", valueName: "P.png"))
    var picture: String?

    @Option(help: ArgumentHelp("Values a result must agree with, with its name where there are several. May be given again.", valueName: "[NAME=]E.npy"))
    var expect: [NamedPath] = []

    @Option(name: .customLong("expect-every"), help: ArgumentHelp("Compare every n-th voxel of each spatial axis.", valueName: "n"))
    var expectEvery = 1

    @Option(help: ArgumentHelp("Largest absolute difference from --expect.", valueName: "difference"))
    var tolerance = 2e-5

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var verbosity: VerbosityOptions

    private var inputs: NamedPaths { NamedPaths(option: "--input", given: input) }
    private var outputs: NamedPaths { NamedPaths(option: "--output", given: output) }
    private var expectations: NamedPaths { NamedPaths(option: "--expect", given: expect) }

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        pluginsOption.list(in: &files)
        for file in input { files.reads(file.path, inputs.words(file)) }
        files.reads(weights, "--weights")
        files.reads(truth, "--truth")
        for file in expect { files.reads(file.path, expectations.words(file)) }
        for file in output { files.writes(file.path, outputs.words(file)) }
        files.writes(picture, "--picture")
        reportOption.list(in: &files)
        return files
    }

    func validate() throws {
        if expectEvery < 1 { throw ValidationError("Received --expect-every \(expectEvery); expected at least 1.") }
        if !(tolerance >= 0 && tolerance.isFinite) { throw ValidationError("Received --tolerance \(tolerance); expected a number of at least 0.") }
        do { for paths in [inputs, outputs, expectations] { try paths.check() } } catch { throw ValidationError("\(error)") }
    }

    func run() throws {
        let registry = try pluginsOption.registry(mode: kernel)
        let computation = try Computation(source, weights: weights, policy: policy, kernels: registry, kernelMode: kernel)
        for (option, path) in [("--truth", truth), ("--picture", picture)] where path != nil { try computation.checkSingleEnds(for: option) }
        let files = try inputs.allPaths(of: computation.inputNames).map { try NPYInput($0) }
        let places = try ResultPlaces(outputs, names: computation.outputNames)
        let expected = try expectations.paths(of: computation.outputNames)

        // Refuses what the machine has no memory for before any of it is read or computed.
        let (shapes, haveBatch) = try computation.shapes(of: files)
        let survey = try computation.survey(shapes)
        let model = try computation.prepared(shapes)
        let xs = try zip(files, shapes).map { try $0.tensor().reshaped(to: $1) }
        Console.progress("computing \(counted(survey.callCount, "layer"))")
        let ys = try model(xs, threads: threadsOption.threads)
        // All there is to compute is computed before the first file is written.
        let steps = report ? try measure(model, xs, ys, computation, shapes) : nil
        Console.endProgress()
        let results = haveBatch ? ys : try ys.map { try $0.reshaped(to: Array($0.shape.dropFirst())) }
        try places.write(results)
        for (index, result) in results.enumerated() {
            let name = computation.namesResults ? "\(computation.outputNames[index]) " : ""
            Console.say("\(places.path(of: index)): \(name)\(result.shape), computed by \(counted(survey.callCount, "layer"))")
        }
        if let steps { show(steps, model.plan) }

        let psnr = try truth == nil && picture == nil ? nil : VolumeComparison(truth: truth, picture: picture).compare(input: xs[0], result: ys[0])
        let compared = try zip(ys, expected).map { y, path in
            try path.map { try ExpectedValues(y, layout: computation.layout, every: expectEvery, path: $0) }
        }
        let report = RunReport(
            outputs: results.enumerated().map { index, result in
                RunReport.Output(
                    name: computation.outputNames[index], file: places.path(of: index), result,
                    expected: compared[index].map { RunReport.Expectation($0, tolerance: tolerance) })
            }, threads: threadsOption.threads, plan: model.plan, steps: steps, psnr: psnr)
        // A difference is in the report too.
        try reportOption.write(report)
        for values in compared { try values?.check(tolerance: tolerance) }
    }

    /// Times the steps on the real inputs, and once on the interpreter.
    /// - Parameter ys: what is written, and what `--expect` compares: kernels give the same bits every time.
    private func measure(
        _ model: PreparedModel, _ xs: [Tensor], _ ys: [Tensor], _ computation: Computation, _ shapes: [[Int]]
    ) throws -> [StepResult] {
        let (name, threads) = (computation.outputNames.joined(separator: ", "), threadsOption.threads)
        let before = HostCPU.measuredNativePeak()
        let timing = try StepTiming(model, xs, name: name, threads: threads, minimumCalls: 5, seconds: 0.2)
        let peak = max(before, HostCPU.measuredNativePeak()) * Double(threads)
        for (received, expected) in zip(timing.results, ys) {
            let comparison = Comparison(received.doubles, expected: expected.doubles)
            if comparison.worstIndex != nil { throw CommandFailure.timedAnswerDiffers(layer: name, comparison) }
        }
        let isInterpreted = model.plan.steps.allSatisfy { $0.isSpecialized != true }
        let reference = isInterpreted ? model : try computation.interpreted(shapes)
        let seconds = isInterpreted ? timing.steps : try SingleTiming(reference, xs, threads: threads).steps
        return StepResult.list(model.plan, seconds: timing.steps, peak: peak, interpreter: (reference.plan, seconds))
    }

    private func show(_ steps: [StepResult], _ plan: NetworkPlan) {
        Console.show(lines: StepResult.table(steps))
        let reasons: [Sentence] = plan.steps.flatMap { step in step.choices.map { "\(step.name): \($0.reason)" } }
        Console.show(lines: reasons.map { $0.text + "\n" }.joined())
    }
}
