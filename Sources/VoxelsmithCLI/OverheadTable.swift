import VoxForge
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning
import Voxelsmith

/// What a call costs besides the kernel: `bench --overhead`. Medians of calls made in turn, in microseconds.
struct OverheadTable {
    private var table = TextTable(["layer", "kernel", "into", "call", "layer call", "overhead", "first", "faults", "steady", "excess", "workspace"])
    private let threads: Int
    /// A first call happens once: it is measured on this many layers made one after another, each beside later calls of its own, since what else
    /// the machine does changes within seconds.
    private static let preparations = 7
    private var worst = (overhead: 0.0, excess: 0.0)

    /// - Parameter threads: of the calls `first` and `steady`; the others have one.
    init(threads: Int) { self.threads = threads }

    /// - Throws: `TensorError`, `KernelError`, `LayerError`.
    mutating func measure(_ layer: ResolvedLayer, kernels: any KernelProvider, seconds: Double) throws {
        guard let config = layer.config else { return }  // a problem without a layer, which no file has
        var call: FirstCall
        var samples: [(first: Double, steady: Double, faults: Int)] = []
        repeat {
            call = try FirstCall(layer.spec, config, kernels, threads: threads)
            samples.append((call.microseconds, try call.steady(seconds: seconds * 0.5 / Double(Self.preparations)), call.faults))
        } while samples.count < Self.preparations
        let excess = CallTiming.median(samples.map { max(0, $0.first - 100) / $0.steady })

        let (own, prepared, x) = (call.layer, call.prepared, call.x)
        let bare = try BareKernel(prepared, x, call.y)
        _ = try own(x, threads: 1)
        var times = [[Double]](repeating: [], count: 4)
        let end = ThreadsCommand.now() + seconds * 0.5e6
        repeat {
            times[0].append(try Self.time { try bare.run() })
            times[1].append(try Self.time { try prepared.call(x, into: &call.y, threads: 1) })
            times[2].append(try Self.time { _ = try prepared.call(x, threads: 1) })
            times[3].append(try Self.time { _ = try own(x, threads: 1) })
        } while times[0].count < 10 || ThreadsCommand.now() < end
        let medians = times.map(CallTiming.median)
        // Beside a kernel of a millisecond the microsecond drowns.
        let overhead = medians[0] < 100 ? medians[3] - medians[0] : nil
        worst = (max(worst.overhead, overhead ?? 0), max(worst.excess, excess))
        table.add(
            [layer.name] + medians.map { decimal($0, 2) } + [
                overhead.map { decimal($0, 2) } ?? "-", decimal(CallTiming.median(samples.map(\.first)), 1),
                "\(samples.map(\.faults).max() ?? 0)", decimal(CallTiming.median(samples.map(\.steady)), 1), decimal(excess, 2),
                "\(prepared.workspaceByteCount(batch: 1, threads: threads))",
            ])
    }

    /// Microseconds.
    fileprivate static func time(_ body: () throws -> Void) rethrows -> Double { try CallTiming.time(body) * 1e6 }

    var text: String {
        """
        kernel to overhead on one thread, the others on \(counted(threads, "thread")); times in microseconds, workspace in bytes

        """ + table.text + """
            largest overhead \(decimal(worst.overhead, 2)) microseconds
            excess: (first - 100) / steady, the median of \(Self.preparations) layers; the largest: \(decimal(worst.excess, 2))

            """
    }
}

/// The first call of a layer that has just been prepared, into resident memory.
private struct FirstCall {
    let layer: Conv3D
    let prepared: PreparedLayer
    let x: Tensor
    var y: Tensor
    private let threads: Int
    let microseconds: Double
    let faults: Int

    init(_ spec: KernelSpec, _ config: LayerConfig, _ kernels: any KernelProvider, threads: Int) throws {
        layer = config.kind == .transposed
            ? Conv3DTranspose(config: config, policy: spec.policy, kernels: kernels)
            : Conv3D(config: config, arguments: ConvolutionArguments(), policy: spec.policy, kernels: kernels)
        let shape = spec.inputShape(batch: 1)
        try layer.prepare(inputShape: shape)
        let prepared = try layer.preparedLayer(inputShape: shape)
        var y = try Tensor(zeros: spec.outputShape(batch: 1), spec.elements.result)
        // The input is written last, and by the threads of the pool, as in a model, where the layer before has just made it. It has numbers
        // in it, since memory that is set to zero need not come into the caches.
        var x = try LayerOperands.input(spec, batch: 1, seed: 1)
        try x.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            ActivationArithmetic.apply(.relu, to: base, type: spec.elements.storage, shape: shape, threads: threads)
        }
        let before = minorPageFaults()
        microseconds = try OverheadTable.time { try prepared.call(x, into: &y, threads: threads) }
        faults = minorPageFaults() - before
        (self.prepared, self.x, self.y) = (prepared, x, y)
        self.threads = threads
    }

    /// Median of later calls in microseconds, ten at least.
    mutating func steady(seconds: Double) throws -> Double {
        var times: [Double] = []
        let end = ThreadsCommand.now() + seconds * 1e6
        repeat {
            times.append(try OverheadTable.time { try prepared.call(x, into: &y, threads: threads) })
        } while times.count < 10 || ThreadsCommand.now() < end
        return CallTiming.median(times)
    }
}

/// The kernel's own function on memory of its own, without anything around it.
private struct BareKernel {
    private let arguments: KernelArguments
    private let kernel: any Kernel
    private let memory: [TensorStorage]

    /// - Parameters:
    ///   - layer: whose kernel is called.
    ///   - x: gives the size of the input.
    ///   - y: gives the size of the result.
    init(_ layer: PreparedLayer, _ x: Tensor, _ y: Tensor) throws {
        kernel = layer.choice.kernel
        let sizes = [
            x.byteCount, kernel.packedByteCount, layer.spec.biasCount * 8, y.byteCount, kernel.workspaceByteCount,
            kernel.sharedWorkspaceByteCount(batch: 1),
        ]
        memory = try sizes.map { try TensorStorage(byteCount: $0) }
        for (block, size) in zip(memory, sizes) { block.address.initializeMemory(as: UInt8.self, repeating: 0, count: size) }
        var arguments = KernelArguments(
            batch: 1, input: memory[0].address, operand: memory[1].address, bias: memory[2].address, output: memory[3].address,
            workspace: memory[4].address)
        arguments.shared = sizes[5] == 0 ? nil : memory[5].address
        self.arguments = arguments
    }

    func run() throws {
        try kernel.forEachStage(of: arguments) { (arguments, items) throws(KernelError) in try kernel.run(arguments, items: 0..<items) }
    }
}
