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
        commandName: "run", abstract: "Computes a model or a layer on an array.",
        discussion: """
            The batch axis of the input may be left out; the result then has none either. The depth slice of --picture lies in \
            the middle of the second half of the depth axis, the half that --truth is compared on.
            """)

    @OptionGroup var source: LayersOption
    @OptionGroup var pluginsOption: PluginsOption
    @OptionGroup var threadsOption: ThreadsOption

    @Option(help: ArgumentHelp("The input.", valueName: "X.npy"))
    var input: String

    @Option(help: ArgumentHelp("Where the result goes.", valueName: "Y.npy"))
    var output: String

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

    @Flag(help: "Print per layer: kernel, time, rate, and how much faster than the interpreter it is.")
    var report = false

    @Option(help: ArgumentHelp("The result as it should be; bytes count as 0...255 -> 0...1. Prints signal-to-noise ratios.", valueName: "T.npy"))
    var truth: String?

    @Option(help: ArgumentHelp("One slice of input, trilinear interpolation, result and truth side by side.", valueName: "P.png"))
    var picture: String?

    @Option(help: ArgumentHelp("Values the result must agree with.", valueName: "E.npy"))
    var expect: String?

    @Option(name: .customLong("expect-every"), help: ArgumentHelp("Compare every n-th voxel of each spatial axis.", valueName: "n"))
    var expectEvery = 1

    @Option(help: ArgumentHelp("Largest absolute difference from --expect.", valueName: "difference"))
    var tolerance = 2e-5

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        pluginsOption.list(in: &files)
        files.reads(input, "--input")
        files.reads(weights, "--weights")
        files.reads(truth, "--truth")
        files.reads(expect, "--expect")
        files.writes(output, "--output")
        files.writes(picture, "--picture")
        reportOption.list(in: &files)
        return files
    }

    func validate() throws {
        if expectEvery < 1 { throw ValidationError("Received --expect-every \(expectEvery); expected at least 1.") }
        if tolerance.isNaN || tolerance < 0 { throw ValidationError("Received --tolerance \(tolerance); expected 0 or more.") }
    }

    func run() throws {
        let registry = try pluginsOption.registry(mode: kernel)
        let computation = try Computation(source, weights: weights, policy: policy, kernels: registry, kernelMode: kernel)
        let input = try NPYInput(input)
        try checkMemory(computation, input)
        let (x, hasBatch) = try read(input, computation)

        var table = ReportTable()
        var reports: [RunReport.Layer] = []
        let count = try computation.layerCount()
        var done = 0
        let y = try computation.trace(x) { layer, inputs in
            if !(layer is InputLayer) { done += 1 }
            Console.progress("computing layer \(done) of \(count), \(layer.name)")
            guard let layer = layer as? Conv3D, let x = inputs.first else { return try layer(inputs, threads: threadsOption.threads) }
            guard layer.isOnlyItsKernel else {
                // The report is about kernels; what this layer does around its own would blur it.
                let results = try layer(inputs, threads: threadsOption.threads)
                reports.append(RunReport.Layer(layer.name, try layer.kernelChoice(inputShape: x.shape), nil))
                return results
            }
            let prepared = try layer.preparedLayer(inputShape: x.shape)
            let cast = try x.cast(to: layer.computeType)
            let result = try prepared.call(cast, threads: threadsOption.threads)
            let times = report ? try table.measure(layer, prepared, cast, result, threads: threadsOption.threads) : nil
            reports.append(RunReport.Layer(layer.name, prepared.choice, times))
            return [result]
        }
        Console.endProgress()
        let result = hasBatch ? y : try y.reshaped(to: Array(y.shape.dropFirst()))
        try NPY.write(result, to: output)
        Console.say("\(output): \(computation.resultName.map { "\($0) " } ?? "")\(result.shape), computed by \(counted(count, "layer"))")
        if report { Console.show(lines: table.text) }

        var runReport = RunReport(
            output: output, shape: result.shape, elementType: result.elementType.rawValue, threads: threadsOption.threads, layers: reports)
        runReport.psnr = try compareVolumes(input: x, result: y)
        if let expect {
            let comparison = try compare(y, layout: computation.convolutions.last?.dataFormat ?? .channelsLast, with: expect)
            runReport.expected = RunReport.Expectation(comparison, file: expect, tolerance: tolerance)
            // A difference is in the report too.
            try reportOption.write(runReport)
            return try check(comparison, with: expect)
        }
        try reportOption.write(runReport)
    }

    /// Refuses what the machine has no memory for before any of it is read or computed.
    private func checkMemory(_ computation: Computation, _ input: NPYInput) throws {
        guard let first = computation.convolutions.first, let rank = computation.inputRank else { return }
        var shape = try input.shape()
        if shape.count == rank - 1 { shape.insert(1, at: 0) }
        if shape.count != rank { return }  // refused with its own words when it is read
        func byteCount(_ shape: [Int]) -> Int { Checked.clampedCount(shape + [first.dtype.byteCount]) }
        // The input stays; of the results in between, two are alive at a time.
        let own = byteCount(shape)
        var most = own
        var isFirst = true
        _ = try computation.trace(shape) { layer, shapes in
            let results = try layer.computeOutputShapes(shapes.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 0 } }
            let inputs = isFirst ? 0 : shapes.reduce(0) { Checked.clampedSum($0, byteCount($1)) }
            most = max(most, results.reduce(Checked.clampedSum(own, inputs)) { Checked.clampedSum($0, byteCount($1)) })
            isFirst = false
            return results
        }
        let available = AvailableMemory.byteCount
        if most > available { throw CommandFailure.notEnoughMemory(what: "The tensors of \(source.layers)", needed: most, available: available) }
    }

    /// The input with a batch axis and in the element type of the first layer, and whether the file had that axis.
    private func read(_ input: NPYInput, _ computation: Computation) throws -> (x: Tensor, hasBatch: Bool) {
        var x = try input.tensor()
        guard let rank = computation.inputRank else { return (x, true) }
        let hasBatch = x.shape.count == rank
        if x.shape.count == rank - 1 {
            x = try x.reshaped(to: [1] + x.shape)
        } else if !hasBatch {
            throw CommandFailure.inputShape(x.shape, layer: computation.inputName, expected: rank)
        }
        return (x, hasBatch)
    }

    /// - Returns: the ratios where there is a truth.
    private func compareVolumes(input: Tensor, result: Tensor) throws -> RunReport.SignalToNoise? {
        if truth == nil && picture == nil { return nil }
        let (input, result) = (try Volume(input), try Volume(result))
        let interpolated = input.trilinear(to: result.shape)
        var panels = [interpolated, result]
        var ratios: RunReport.SignalToNoise?
        if let truth {
            let truth = try Volume(truth: truth)
            if truth.shape != result.shape {
                throw CommandFailure.resultShape(result.shape, what: "a result", expected: truth.shape)
            }
            panels.append(truth)
            let found = RunReport.SignalToNoise(result: result.heldOutPSNR(truth: truth), interpolation: interpolated.heldOutPSNR(truth: truth))
            let (own, plain) = (decimal(found.result, 2), decimal(found.interpolation, 2))
            Console.show("PSNR on the second half of the depth axis, peak 1: result \(own) dB, trilinear interpolation \(plain) dB")
            ratios = found
        }
        guard let picture else { return ratios }
        let zoom = result.shape[1] / input.shape[1]
        guard zip(result.shape, input.shape).allSatisfy({ $0 % $1 == 0 }), zoom == result.shape[2] / input.shape[2] else {
            throw CommandFailure.notInteger(factor: result.shape, of: input.shape)
        }
        let depth = result.shape[0] * 3 / 4
        let first = input.slice(depth: depth / (result.shape[0] / input.shape[0]), zoom: zoom)
        let whole = Picture(sideBySide: [first] + panels.map { $0.slice(depth: depth) }, gap: 4)
        try PNGWriter.write(whole.pixels, width: whole.width, height: whole.height, channels: .grey, to: picture)
        Console.say("\(picture): depth slice \(depth) of the input, of its trilinear interpolation, of the result\(truth == nil ? "" : ", of the truth")")
        return ratios
    }

    private func compare(_ y: Tensor, layout: Layout, with path: String) throws -> ExpectedValues {
        let expected = try NPY.read(path: path)
        // A Reshape may leave nothing but the batch.
        let spatial = y.shape.count < 2 ? [] : layout.spatial(of: y.shape)
        let channelAxis = layout.channelAxis(rank: y.shape.count)
        let steps = y.shape.indices.map { $0 == 0 || $0 == channelAxis ? 1 : expectEvery }
        let shape = zip(y.shape, steps).map { $0 == 0 ? 0 : ($0 - 1) / $1 + 1 }
        guard expected.shape == shape || expected.shape == Array(shape.dropFirst()) else {
            throw CommandFailure.resultShape(
                expected.shape, what: "expected values for every \(expectEvery). voxel of \(spatial)", expected: shape)
        }
        let received = Self.sample(y.doubles, shape: y.shape, steps: steps)
        return ExpectedValues(count: received.count, comparison: Comparison(received, expected: expected.doubles))
    }

    private func check(_ values: ExpectedValues, with path: String) throws {
        let comparison = values.comparison
        if let index = comparison.worstIndex, !values.agree(within: tolerance) {
            throw CommandFailure.resultDiffers(
                path: path, index: index, received: comparison.received, expected: comparison.expected, tolerance: tolerance)
        }
        Console.say("\(values.count) values agree with \(path) within \(tolerance); the worst differs by \(comparison.absoluteError)")
    }

    /// Every `steps[axis]`-th element along each axis.
    private static func sample(_ values: [Double], shape: [Int], steps: [Int]) -> [Double] {
        var indices = [0]
        for (extent, step) in zip(shape, steps) {
            indices = indices.flatMap { index in stride(from: 0, to: extent, by: step).map { index * extent + $0 } }
        }
        return indices.map { values[$0] }
    }
}
