import VoxLayerSpec

/// The buffers of one kernel call. Alignment, aliasing and contents are those of `vs_run_args` in the ABI header.
public struct KernelArguments: @unchecked Sendable {
    /// Samples of the call.
    public var batch: Int
    /// x for `transposedConvolution` and `kernelGradient`, y for `convolution`.
    public var input: UnsafeRawPointer
    /// Packed weights; for `kernelGradient` y as it is.
    public var operand: UnsafeRawPointer
    /// One value per feature of the result; nil when the epilogue has no bias.
    public var bias: UnsafeRawPointer?
    /// The result: y, dx or dw.
    public var output: UnsafeMutableRawPointer
    /// The calling thread's own `workspaceByteCount` bytes, aligned to 64.
    public var workspace: UnsafeMutableRawPointer?
    /// The other tensor of an operation that reads two; this and the following four are for kernels whose `operands` name them.
    public var second: UnsafeRawPointer?
    /// Of the result's shape and type; added before the activation.
    public var residual: UnsafeRawPointer?
    /// One per filter: what a sum of integers is multiplied by.
    public var scales: UnsafePointer<Float>?
    /// Two numbers: the integers that stand for 0 in the input and in the result.
    public var zeroPoints: UnsafePointer<Int32>?
    /// Elements from one voxel of a channels_last result to the next; 0 for a dense one.
    public var outputVoxelStride = 0
    /// The call's own `sharedWorkspaceByteCount(batch:)` bytes, aligned to 64, the same for all threads and stages.
    public var shared: UnsafeMutableRawPointer?
    /// Which stage the items belong to.
    public var stage = 0

    /// The arguments of one call; the memory behind them must outlive it.
    public init(
        batch: Int, input: UnsafeRawPointer, operand: UnsafeRawPointer, bias: UnsafeRawPointer?,
        output: UnsafeMutableRawPointer, workspace: UnsafeMutableRawPointer?
    ) {
        self.batch = batch
        self.input = input
        self.operand = operand
        self.bias = bias
        self.output = output
        self.workspace = workspace
    }
}

/// Something that computes one resolved problem: a specialised kernel of a plugin, or the interpreter.
public protocol Kernel: Sendable {
    /// The problem this kernel solves, exactly.
    var spec: KernelSpec { get }
    /// Symbol stem of a specialised kernel, "interpreter" for the interpreter.
    var name: String { get }
    /// Kernel family and its parameters, canonical text; "interpreter" for the interpreter.
    var schedule: String { get }
    /// Kernels with equal packing keys share packed weights.
    var packingKey: String { get }
    /// Size of the packed weights.
    var packedByteCount: Int { get }
    /// Workspace of one thread.
    var workspaceByteCount: Int { get }
    /// How many independent pieces of work the first stage of a call has. For batch 0 there are none, except with `kernelGradient`, which still
    /// writes zeros.
    func workItemCount(batch: Int) -> Int
    /// How many stages a call has. They run one after another, and the items of one may read what earlier stages wrote into the shared workspace.
    var stageCount: Int { get }
    /// Work items of one of the stages.
    func workItemCount(batch: Int, stage: Int) -> Int
    /// Bytes of the workspace that all threads and stages of a call share.
    func sharedWorkspaceByteCount(batch: Int) -> Int
    /// What it reads beside input, operand and bias.
    var operands: KernelOperands { get }
    /// Packs the kernel tensor, of the shape `Geometry.kernelShape`, into `packedByteCount` bytes aligned to 64.
    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError)
    /// Computes the given work items; may be called from several threads at once on disjoint ranges.
    func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError)
}

/// Most kernels have one stage and read nothing beside input, operand and bias.
extension Kernel {
    /// One.
    public var stageCount: Int { 1 }
    /// Those of the only stage.
    public func workItemCount(batch: Int, stage: Int) -> Int { workItemCount(batch: batch) }
    /// None.
    public func sharedWorkspaceByteCount(batch: Int) -> Int { 0 }
    /// None.
    public var operands: KernelOperands { [] }
}

extension Kernel {
    /// Goes through the stages of a call in order.
    /// - Parameters:
    ///   - arguments: of the call.
    ///   - body: runs all work items of one stage. It receives the arguments with the stage in them and the number of items, and returns when
    ///     these are done, as the next stage reads what they wrote.
    /// - Throws: what `body` throws.
    @inlinable package func forEachStage<Failure>(
        of arguments: KernelArguments, _ body: (_ arguments: KernelArguments, _ items: Int) throws(Failure) -> Void
    ) throws(Failure) {
        var arguments = arguments
        for stage in 0..<stageCount {
            arguments.stage = stage
            try body(arguments, workItemCount(batch: arguments.batch, stage: stage))
        }
    }
}

/// A kernel refused its work.
public enum KernelError: Error, Hashable, Sendable, CustomStringConvertible {
    case failed(kernel: String, status: Int32)
    /// The kernel reads what the caller does not give.
    case missingOperands(kernel: String, KernelOperands)
    /// The caller gives what the kernel would ignore.
    case ignoredOperands(kernel: String, KernelOperands)
    /// A kernel for another problem than the layer's.
    case otherProblem(kernel: String, computes: SpecKey, followedBy: Activation, expected: SpecKey)
    /// A problem whose element types the kernel has no loops for.
    case otherElementTypes(kernel: String, ElementTypes)

    /// The ABI header's VS_BAD_ARGUMENTS: the status of a kernel that was not given what it needs. `Tests/KernelRuntimeTests/KernelABITests.swift`
    /// compares them.
    package static let badArguments: Int32 = 1

    public var description: String {
        let sentence: Sentence = switch self {
        case .failed(let kernel, let status): "Kernel \(kernel) returned status \(status); expected 0."
        case .missingOperands(let kernel, let operands):
            "Kernel \(kernel) reads \(operands.names.joined(separator: ", ")); expected one that does without, as the call has none."
        case .ignoredOperands(let kernel, let operands):
            "Received \(operands.names.joined(separator: ", ")) for kernel \(kernel), which reads none."
        case .otherProblem(let kernel, let computes, let activation, let expected):
            "Received kernel \(kernel) for \(computes), followed by the activation \(activation); expected one for \(expected)."
        case .otherElementTypes(let kernel, let types):
            """
            Kernel \(kernel) received elements that are \(types.storage.rawValue), multiplied as \(types.operands.rawValue), added as \(types.accumulator.rawValue) and written as \(types.result.rawValue); \
            expected float32 or float64 in memory, and one of the two in sums.
            """
        }
        return sentence.text
    }
}
