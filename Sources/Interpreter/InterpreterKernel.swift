import CVoxInterpreter
import VoxKernels
import VoxLayerSpec

/// The kernel for every problem that has no specialised one: any operation, layout, number of axes, groups, stride with
/// dilation, float32 and float64 in memory and in sums, and activation. It has no parameters.
///
/// Both convolutions gather: each result is summed at once over its taps (ascending) and features. So the order of additions depends on
/// neither the work items nor the batch, taps outside the volume are never multiplied, and no result is written twice.
/// Sums are formed in the arithmetic type, and the activation is applied to the stored values.
public struct InterpreterKernel: Kernel {
    /// The problem, of any operation.
    public let spec: KernelSpec
    /// "interpreter", for every problem.
    public var name: String { "interpreter" }
    /// It has no parameters.
    public var schedule: String { name }
    /// States the arrangement of the weights for the inner loops of this machine.
    public let packingKey: String
    /// Bytes of the arranged weights; 0 for `kernelGradient`, which has no kernel tensor.
    public let packedByteCount: Int
    /// Bytes of one thread's workspace; never 0.
    public let workspaceByteCount: Int

    private enum Plan: Sendable {
        case gather(InterpreterGather)
        case correlation(InterpreterCorrelation)
        /// Element types that there are no loops for.
        case none
    }

    private let plan: Plan

    /// The interpreter of a problem, with the best loops this machine runs.
    public init(_ spec: KernelSpec) { self.init(spec, instructionSet: InterpreterLoops.best) }

    /// - Parameter instructionSet: which build of the inner loops to use; the host must have it.
    package init(_ spec: KernelSpec, instructionSet: InterpreterLoops.InstructionSet) {
        self.spec = spec
        guard spec.elements.areInterpreted else {
            (packedByteCount, workspaceByteCount, packingKey, plan) = (0, 1, "interpreter;none", .none)
            return
        }
        switch spec.op {
        case .transposedConvolution, .convolution:
            let gather = InterpreterGather(spec, loops: InterpreterLoops(spec.elements, instructionSet))
            packedByteCount = gather.packedByteCount
            workspaceByteCount = gather.workspaceByteCount
            packingKey = "interpreter;" + gather.packingKey
            plan = .gather(gather)
        case .kernelGradient:
            let correlation = InterpreterCorrelation(spec, loops: InterpreterLoops(spec.elements, instructionSet))
            packedByteCount = 0
            workspaceByteCount = correlation.workspaceByteCount
            packingKey = "interpreter;none"
            plan = .correlation(correlation)
        }
    }

    /// An item is a piece of the result: some rows of a sample, or for `kernelGradient` some filters of a tap. For batch 0 the latter has as many
    /// items as ever, since its result must be written with zeros.
    public func workItemCount(batch: Int) -> Int {
        switch plan {
        case .gather(let gather): Checked.clampedProduct(batch, gather.items.count)
        case .correlation(let correlation): correlation.itemCount
        case .none: 1
        }
    }

    /// Arranges the kernel tensor for the inner loops. Does nothing for `kernelGradient`, which has none.
    /// - Throws: `KernelError.otherElementTypes` for a problem with types that it does not compute with.
    public func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        switch plan {
        case .gather(let gather): gather.pack(weights: weights, into: packed)
        case .correlation: break
        case .none: throw .otherElementTypes(kernel: name, spec.elements)
        }
    }

    /// - Throws: `KernelError.failed` with `VS_BAD_ARGUMENTS` without a workspace, or without the bias of the epilogue; `.ignoredOperands`
    ///   for what it does not read; `.otherElementTypes` for a problem with types that it does not compute with.
    public func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        if items.isEmpty { return }
        try check(operands: arguments.operands)
        guard let workspace = arguments.workspace, !spec.epilogue.hasBias || arguments.bias != nil else {
            throw .failed(kernel: name, status: KernelError.badArguments)
        }
        switch plan {
        case .gather(let gather): gather.run(arguments, workspace: workspace, items: items)
        case .correlation(let correlation): correlation.run(arguments, workspace: workspace, items: items)
        case .none: throw .otherElementTypes(kernel: name, spec.elements)
        }
    }
}

/// Which build of the C loops is used, with the numbers that follow from it.
package struct InterpreterLoops: Sendable {
    package enum InstructionSet: Int32, CaseIterable, Sendable {
        case baseline = 0
        case avx2 = 1
        case avx512 = 2
    }

    /// The widest one this host has.
    package static let best = InstructionSet(rawValue: vs_interp_instruction_set()) ?? .baseline

    let elements: ElementTypes
    let instructionSet: InstructionSet

    init(_ elements: ElementTypes, _ instructionSet: InstructionSet) {
        self.elements = elements
        // Mixed element types only have baseline loops.
        self.instructionSet = elements.storage == elements.accumulator ? instructionSet : .baseline
    }

    var vectorBytes: Int { 16 << Int(instructionSet.rawValue) }
    var storageBytes: Int { elements.storage.byteCount }
    var arithmeticBytes: Int { elements.accumulator.byteCount }

    /// A task with the fields that are the same for all.
    func task() -> vs_interp_task {
        var task = vs_interp_task()
        task.storage_bytes = Int32(storageBytes)
        task.arithmetic_bytes = Int32(arithmeticBytes)
        task.instruction_set = instructionSet.rawValue
        return task
    }

    /// Columns of a full block.
    var blockColumns: Int { Int(VS_INTERP_BLOCK_BYTES) / arithmeticBytes }

    /// Widths of the blocks that hold this many columns, as `vs_interp_run` reads them.
    func blockWidths(columns: Int) -> [Int] {
        var widths = [Int](repeating: blockColumns, count: columns / blockColumns)
        let rest = columns % blockColumns * arithmeticBytes
        if rest > 0 { widths.append((rest <= 16 ? 16 : rest <= 32 ? 32 : (rest + 63) / 64 * 64) / arithmeticBytes) }
        return widths
    }
}

/// Hands out consecutive pieces of a workspace, each aligned to 64 bytes.
struct WorkspaceLayout {
    private(set) var byteCount = 0

    mutating func take<T>(_ type: T.Type, _ count: Int) -> Int {
        let offset = byteCount
        byteCount += (count * MemoryLayout<T>.stride + 63) / 64 * 64
        return offset
    }
}
