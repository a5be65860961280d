import CVoxHost
import VoxInterpreter
import VoxKernels
import VoxLayerSpec
import VoxTensors

/// Packed weights of one kernel tensor; kernels with equal packing keys share them.
public final class PackedWeights: Sendable {
    /// The key of the kernel they were packed by.
    public let packingKey: String
    /// Aligned to 64 bytes; written once, in init.
    let storage: TensorStorage

    /// - Parameter weights: the kernel tensor in its Keras shape and the kernel's element type; unchecked.
    /// - Throws: `TensorError.outOfMemory`, `KernelError` when the kernel refuses.
    init(_ weights: Tensor, for kernel: any Kernel) throws {
        packingKey = kernel.packingKey
        storage = try TensorStorage(byteCount: kernel.packedByteCount)
        try weights.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws in
            // An empty kernel tensor does not exist: every extent of a legal geometry is at least 1.
            guard let base = bytes.baseAddress else { return }
            try DefaultArithmetic.run { try kernel.pack(weights: base, into: storage.address) }
        }
    }

    /// Lets each thread read its share of the weights, as it does in a call whose items have weights of their own. Packing leaves the
    /// weights in the caches of one core only, without the first of them, which the kernel tensor has driven out.
    /// - Parameter threads: of the calls to come.
    fileprivate func bringIntoCaches(threads: Int) {
        let bytes = storage.byteCount
        if bytes > HostCPU.cacheSizes.lastLevel { return }
        // Six times: a last-level cache is slow to keep what was used once. (Zen 5, two threads, 26 MB, medians of six runs: the first call
        // less 0.1 ms took 2.2 times as long as later ones after one reading, 1.24 after three, 0.77 after six, 0.6 after twelve.)
        for _ in 0..<6 {
            // Nothing in it can fail.
            try? ThreadPool.shared.run(threads: threads, items: (bytes + 63) / 64) { _, lines in
                let end = min(bytes, 64 * lines.upperBound)
                vs_read_lines(storage.address + 64 * lines.lowerBound, Int64(end - 64 * lines.lowerBound))
            }
        }
    }
}

/// A kernel with its packed weights and bias, ready to be called on inputs of one shape. Immutable: may be called from any
/// thread, and from several at once. Everything is computed with rounding to nearest and gradual underflow, whatever the calling
/// thread has set.
public struct PreparedLayer: Sendable {
    /// The problem it computes, activation included.
    public let spec: KernelSpec
    /// The kernel in use, and why.
    public let choice: KernelChoice
    /// The weights as the kernel wants them.
    public let packed: PackedWeights
    private let bias: Tensor?
    /// Of one sample.
    private let cost: CallCost
    /// Shapes for batch 1, made once: they would cost more than the rest of a small call.
    private let inputShape: [Int]
    private let outputShape: [Int]

    /// Packs the weights, starts the threads that calls will use, and brings their workspaces into memory, so that the first call
    /// is as fast as any.
    /// - Parameters:
    ///   - spec: the layer's problem, with its own epilogue.
    ///   - choice: the kernel for it, as a `KernelProvider` answered.
    ///   - weights: the kernel tensor, (kernel sizes..., filters / groups, channels).
    ///   - bias: one value per filter; nil exactly when the epilogue has no bias.
    ///   - shared: packed weights of the same kernel tensor; used when their packing key fits.
    /// - Throws: `TensorError` for a wrong shape, element type or missing memory; `KernelError` when the kernel is for another
    ///   problem, or refuses.
    public init(
        spec: KernelSpec, choice: KernelChoice, weights: Tensor, bias: Tensor?, sharing shared: PackedWeights? = nil
    ) throws {
        guard choice.computes(spec) else {
            throw KernelError.otherProblem(
                kernel: choice.kernel.name, computes: choice.kernel.spec.key, followedBy: choice.appliedActivation, expected: spec.key)
        }
        try Self.check(weights, shape: spec.geometry.kernelShape, spec.elements.storage)
        if spec.epilogue.hasBias || bias != nil {
            let shape = spec.epilogue.hasBias ? [spec.biasCount] : []
            try Self.check(bias, shape: shape, spec.elements.storage)
        }
        // A layer has none of what some kernels read beside input, weights and bias.
        try choice.kernel.check(operands: [])
        self.spec = spec
        self.choice = choice
        self.bias = bias
        cost = CallCost(choice)
        inputShape = spec.inputShape(batch: 1)
        outputShape = spec.outputShape(batch: 1)
        if let shared, shared.packingKey == choice.kernel.packingKey,
            shared.storage.byteCount == choice.kernel.packedByteCount
        {
            packed = shared
        } else {
            packed = try PackedWeights(weights, for: choice.kernel)
        }
        let threads = participants(threads: ThreadPool.defaultThreadCount, batch: 1, cost: cost.batch(1))
        ThreadPool.shared.start(threads: threads)
        packed.bringIntoCaches(threads: threads)
        try WorkspacePool.lease(byteCount: choice.kernel.workspaceByteCount, threads: threads)?.makeResident()
        try WorkspacePool.lease(byteCount: choice.kernel.sharedWorkspaceByteCount(batch: 1), threads: 1)?.makeResident()
    }

    /// Threads that share a call at most, in the stage that can use the most.
    /// - Parameter cost: of the batch.
    private func participants(threads: Int, batch: Int, cost: CallCost) -> Int {
        let kernel = choice.kernel
        var most = 1
        for stage in 0..<kernel.stageCount {
            let items = kernel.workItemCount(batch: batch, stage: stage)
            most = max(most, ThreadPool.participants(threads: threads, items: items, cost: cost))
        }
        return most
    }

    /// Workspace of a call: that of one thread times the threads that take part, and what they share.
    /// - Parameters:
    ///   - batch: number of samples.
    ///   - threads: as in a call.
    public func workspaceByteCount(batch: Int, threads: Int = ThreadPool.defaultThreadCount) -> Int {
        if batch <= 0 { return 0 }
        let ofThreads = Checked.clampedProduct(choice.kernel.workspaceByteCount, participants(threads: threads, batch: batch, cost: cost.batch(batch)))
        return Checked.clampedSum(ofThreads, choice.kernel.sharedWorkspaceByteCount(batch: batch))
    }

    private static func check(_ tensor: Tensor?, shape: [Int], _ type: ElementType) throws(TensorError) {
        guard let tensor, tensor.shape == shape else { throw .shapeMismatch(received: tensor?.shape ?? [], expected: shape) }
        if tensor.elementType != type { throw .typeMismatch(received: tensor.elementType.rawValue, expected: type.rawValue) }
    }

    /// A shape of one sample as that of a batch.
    private static func shape(_ shape: [Int], batch: Int) -> [Int] {
        if batch == 1 { return shape }
        var shape = shape
        shape[0] = batch  // outermost in both layouts
        return shape
    }

    /// Computes the layer into memory from the tensor pool: no page faults once an earlier result of this shape has been
    /// released.
    /// - Parameters:
    ///   - x: input of the shape the layer was prepared for, any batch; batch 0 gives an empty result.
    ///   - threads: most threads to use, fewer for little work; the result is bitwise the same for any number.
    /// - Throws: `TensorError` for a wrong shape, element type or missing memory; `KernelError` when the kernel fails.
    public func call(_ x: Tensor, threads: Int = ThreadPool.defaultThreadCount) throws -> Tensor {
        let batch = try checkedBatch(of: x)
        var y = try Tensor(uninitialized: Self.shape(outputShape, batch: batch), spec.elements.result)
        try call(x, batch: batch, into: &y, threads: threads)
        return y
    }

    /// Computes the layer into an existing tensor, whose elements are all overwritten.
    /// - Throws: as `call(_:threads:)`, and `TensorError` unless `y` has the shape and element type of the result.
    public func call(_ x: Tensor, into y: inout Tensor, threads: Int = ThreadPool.defaultThreadCount) throws {
        let batch = try checkedBatch(of: x)
        try Self.check(y, shape: Self.shape(outputShape, batch: batch), spec.elements.result)
        try call(x, batch: batch, into: &y, threads: threads)
    }

    private func checkedBatch(of x: Tensor) throws(TensorError) -> Int {
        let batch = x.shape.first ?? 0
        try Self.check(x, shape: Self.shape(inputShape, batch: batch), spec.elements.storage)
        return batch
    }

    private func call(_ x: Tensor, batch: Int, into y: inout Tensor, threads: Int) throws {
        if batch == 0 { return }
        try x.withUnsafeBytes { (input: UnsafeRawBufferPointer) throws in
            try y.withUnsafeMutableBytes { output in
                guard let input = input.baseAddress, let output = output.baseAddress else { return }
                try call(input: input, batch: batch, output: output, threads: threads)
            }
        }
    }

    /// Computes the layer on raw memory: for callers that own their buffers.
    /// - Parameters:
    ///   - input: `batch` samples in the layout and element type of `spec`, element-aligned.
    ///   - batch: number of samples.
    ///   - output: room for `batch` results, element-aligned; overlaps neither `input` nor this layer's weights.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    /// - Throws: `TensorError.outOfMemory` for the workspaces, `KernelError` when the kernel fails.
    public func call(
        input: UnsafeRawPointer, batch: Int, output: UnsafeMutableRawPointer, threads: Int = ThreadPool.defaultThreadCount
    ) throws {
        if batch <= 0 { return }
        let kernel = choice.kernel
        let cost = cost.batch(batch)
        let participants = participants(threads: threads, batch: batch, cost: cost)
        let workspace = try WorkspacePool.lease(byteCount: kernel.workspaceByteCount, threads: participants)
        let shared = try WorkspacePool.lease(byteCount: kernel.sharedWorkspaceByteCount(batch: batch), threads: 1)
        defer { withExtendedLifetime((workspace, shared, packed)) {} }

        func run(bias: UnsafeRawPointer?) throws(KernelError) {
            var arguments = KernelArguments(
                batch: batch, input: input, operand: packed.storage.address, bias: bias, output: output, workspace: nil)
            arguments.shared = shared?.address(of: 0)
            // The pool returns when all items of a stage are done.
            try kernel.forEachStage(of: arguments) { (arguments, items) throws(KernelError) in
                try ThreadPool.shared.run(threads: participants, items: items, cost: cost) { (participant, range) throws(KernelError) in
                    var own = arguments
                    own.workspace = workspace?.address(of: participant)
                    try kernel.run(own, items: range)
                }
            }
        }
        if let bias {
            try bias.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(KernelError) in try run(bias: bytes.baseAddress) }
        } else {
            try run(bias: nil)
        }
        if choice.appliedActivation != .linear {
            ActivationArithmetic.apply(
                choice.appliedActivation, to: output, type: spec.elements.result, shape: Self.shape(outputShape, batch: batch),
                threads: threads)
        }
    }
}
