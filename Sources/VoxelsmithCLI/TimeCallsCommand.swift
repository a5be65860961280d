import ArgumentParser
import Glibc
import Synchronization
import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO

/// What `Tools/compare` talks to: calls a layer when standard input says so, and is silent in between, so that another process can
/// be timed then. Each line is answered by one line, `ok` or `error` and what there is to say, in fields separated by tabs.
struct TimeCallsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time-calls", abstract: "Times calls as standard input asks for them; serves Tools/compare.",
        discussion: """
            shape NAME: answers with what the layer is, as name=value. prepare NAME X.npy KERNEL.npy [BIAS.npy]: makes the layer \
            NAME with these weights, ready for this input; answers with the kernel in use. call THREADS COUNT SECONDS: calls the \
            layer, at most so often or until the time is over; answers with the nanoseconds of each call. call-into THREADS COUNT \
            SECONDS: likewise, into one result that exists already. prepare-model X.npy ...: makes the whole model of the file ready \
            for these inputs, and for call; answers with how many of its convolutions specialised kernels compute, and how many there \
            are. save Y.npy: writes the last result, of a model the first. peak [THREADS]: answers with the multiply-add peak of a \
            thread in GFLOP/s, or of so many at once, in sum.
            """,
        shouldDisplay: false)

    @OptionGroup var source: LayersOption
    @OptionGroup var pluginsOption: PluginsOption

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    func run() throws {
        let file = try ModelFile(path: source.layers)
        var calls = TimedCalls(
            file: file, set: try source.file.layers(of: file, onEvent: Console.tell), policy: policy,
            registry: try pluginsOption.registry(mode: .auto))
        while let line = readLine() {
            do {
                let fields = try calls.answer(line.split(separator: "\t").map(String.init))
                Console.show(fields: ["ok"] + fields)
            } catch {
                Console.show(fields: ["error", "\(error)"])
            }
            fflush(nil)
        }
    }
}

/// The layer or the model that is being called.
private struct TimedCalls {
    let file: ModelFile
    let set: LayerSet
    let policy: Policy
    let registry: KernelRegistry

    private struct Prepared {
        /// Computes on so many threads.
        let call: (_ threads: Int) throws -> Tensor
        /// The same, into a result that exists; nil for a model, whose results are always new.
        let callInto: ((_ y: inout Tensor, _ threads: Int) throws -> Void)?
        var y: Tensor?
    }

    private var current: Prepared?

    init(file: ModelFile, set: LayerSet, policy: Policy, registry: KernelRegistry) {
        (self.file, self.set, self.policy, self.registry) = (file, set, policy, registry)
    }

    mutating func answer(_ words: [String]) throws -> [String] {
        switch words.first {
        case "shape" where words.count == 2: return try shape(of: try layer(named: words[1]))
        case "prepare" where words.count == 4 || words.count == 5: return try prepare(words[1], words[2], Array(words[3...]))
        case "prepare-model" where words.count >= 2: return try prepareModel(Array(words[1...]))
        case "call" where words.count == 4: return try times(words) { prepared, threads in prepared.y = try prepared.call(threads) }
        case "call-into" where words.count == 4:
            return try times(words, keepingResult: true) { prepared, threads in
                guard var result = prepared.y, let call = prepared.callInto else { return prepared.y = try prepared.call(threads) }
                // The tensor must have one owner, or writing into it would copy it.
                prepared.y = nil
                try call(&result, threads)
                prepared.y = result
            }
        case "save" where words.count == 2:
            guard let y = current?.y else { throw CommandFailure.unknownRequest(words.joined(separator: " "), expected: "a call first") }
            try NPY.write(y, to: words[1])
            return []
        case "peak" where words.count == 1: return ["\((0..<5).map { _ in HostCPU.measuredNativePeak() }.max() ?? 0)"]
        case "peak" where words.count == 2:
            guard let threads = Int(words[1]), (1...1024).contains(threads) else {
                throw CommandFailure.unknownRequest(words.joined(separator: " "), expected: "a number of threads")
            }
            let rates = Mutex<[Double]>([])
            try ThreadPool.shared.run(threads: threads, items: threads) { _, items in
                for _ in items {
                    let rate = HostCPU.measuredNativePeak()
                    rates.withLock { $0.append(rate) }
                }
            }
            return ["\(rates.withLock { $0.reduce(0, +) })"]
        default:
            throw CommandFailure.unknownRequest(words.joined(separator: " "), expected: "shape, prepare, prepare-model, call, call-into, save or peak")
        }
    }

    private func layer(named name: String) throws -> LayerDescription {
        guard let layer = set.layers.first(where: { $0.path == name }) else {
            throw CommandFailure.unknownRequest(name, expected: set.layers.map(\.path).joined(separator: ", "))
        }
        return layer
    }

    /// The resolved problem; geometry has one place, and that is not in Python.
    private func shape(of layer: LayerDescription) throws -> [String] {
        let config = layer.config
        guard let shape = layer.completeInputShape(batch: max(1, layer.inputShape?.first.flatMap(\.self) ?? 1)) else {
            throw CommandFailure.unknownShape(layer: layer.path)
        }
        let geometry = try config.geometry(inputShape: shape)
        func list(_ value: (AxisGeometry) -> Int) -> String { geometry.axes.map { "\(value($0))" }.joined(separator: ",") }
        // An ordinary layer reads the side of the relation that a transposed one results in.
        let (ends, features) = ((list(\.input), list(\.output)), ("\(geometry.channels)", "\(geometry.filters)"))
        let isTransposed = config.kind == .transposed
        let (input, output) = isTransposed ? ends : (ends.1, ends.0)
        let (channels, filters) = isTransposed ? features : (features.1, features.0)
        let fields = [
            ("kind", isTransposed ? "transposed" : "ordinary"), ("batch", "\(shape[0])"), ("input", input), ("output", output),
            ("kernel", list(\.kernel)), ("strides", list(\.stride)), ("dilations", list(\.dilation)), ("crop", list(\.crop)),
            ("channels", channels), ("filters", filters), ("groups", "\(geometry.groups)"), ("layout", config.layout.rawValue),
            ("bias", config.useBias ? "1" : "0"), ("activation", config.activation.name), ("flops", "\(Checked.clampedProduct(geometry.flopCount, shape[0]))"),
        ]
        let slope: [(String, String)] = if case .leakyRelu(let slope) = config.activation { [("slope", "\(slope)")] } else { [] }
        return (fields + slope).map { "\($0)=\($1)" }
    }

    private mutating func prepare(_ name: String, _ input: String, _ weights: [String]) throws -> [String] {
        current = nil
        StoragePool.shared.trim()
        let description = try layer(named: name)
        let layer = try Conv3D.make(description, objects: .shared, policy: policy, kernels: registry, kernelMode: .auto)
        try layer.build(weights: weights.map { try NPY.read(path: $0) })
        let x = try NPY.read(path: input)
        try layer.prepare(inputShape: x.shape)
        current = Prepared(
            call: { threads in try layer(x, threads: threads) },
            callInto: { y, threads in try layer.preparedLayer(inputShape: x.shape).call(x, into: &y, threads: threads) })
        let choice = try registry.lookup(description.config.spec(inputShape: x.shape, policy: policy))
        return [choice.isSpecialized ? "specialized" : "interpreter", choice.kernel.name]
    }

    private mutating func prepareModel(_ inputs: [String]) throws -> [String] {
        current = nil
        StoragePool.shared.trim()
        guard let stated = set.model else { throw CommandFailure.unknownRequest("prepare-model", expected: "a file with a model") }
        let xs = try inputs.map { try NPY.read(path: $0) }
        let model = try WholeModel(file, stated, inputShapes: xs.map(\.shape), policy: policy, kernels: registry)
        current = Prepared(
            call: { threads in
                guard let y = try model(xs, threads: threads).first else { throw LayerError.noLayers(model: model.name) }
                return y
            }, callInto: nil)
        return ["\(model.facts.specializedCount)", "\(model.facts.choices.count)"]
    }

    /// Calls as `words` say, at least once, each time without an earlier result unless `keepingResult`.
    private mutating func times(
        _ words: [String], keepingResult: Bool = false, _ body: (inout Prepared, Int) throws -> Void
    ) throws -> [String] {
        guard var prepared = current, let threads = Int(words[1]), let count = Int(words[2]), let seconds = Double(words[3]),
            (1...ThreadPool.maximumThreads).contains(threads)
        else { throw CommandFailure.unknownRequest(words.joined(separator: " "), expected: "a prepared layer or model and three numbers") }
        current?.y = nil
        defer { current = prepared }
        var (times, total): ([Duration], Duration) = ([], .zero)
        repeat {
            if !keepingResult { prepared.y = nil }
            let start = ContinuousClock.now
            try body(&prepared, threads)
            times.append(ContinuousClock.now - start)
            total += times[times.count - 1]
        } while times.count < count && total < Checked.duration(seconds: seconds)
        return times.map { "\($0.components.seconds * 1_000_000_000 + $0.components.attoseconds / 1_000_000_000)" }
    }
}
