import CVoxKernelABI
import VoxKernels
import VoxLayerSpec

/// A loaded plugin: its file's descriptors, and the machine code behind them. Mapped as long as this object, or any kernel of
/// it, is alive; images of equal files share the code.
public final class PluginImage: Sendable {
    /// The file as it was read and checked before its bytes were mapped.
    public let file: PluginFile
    /// Why this processor cannot run each kernel of the file; nil for those it can.
    private let obstacles: [PluginError?]
    private let mapping: PluginMapping

    /// Opens and checks a plugin, and maps a private copy of it: what becomes of the file afterwards does not matter.
    /// - Parameters:
    ///   - path: of the file.
    ///   - features: what the processor has; kernels that need more are passed over.
    ///   - trustedFolders: as `KernelRegistry`'s.
    /// - Throws: `PluginError`, also when no kernel can be run here. Errors about the file's contents are thrown before any of it is executed.
    public convenience init(
        path: String, features: Set<Target.Feature> = HostCPU.features, trustedFolders: [String] = []
    ) throws(PluginError) {
        try self.init(bytes: OpenPlugin(path: path, trust: .current(trustedFolders: trustedFolders)).read(), path: path, features: features)
    }

    /// Checks and maps a plugin that this process has in memory, as it made it itself.
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - path: where it stands, or would; for messages only.
    ///   - features: what the processor has.
    /// - Throws: as `init(path:features:trustedFolders:)`, except for what concerns the file.
    package init(bytes: [UInt8], path: String, features: Set<Target.Feature> = HostCPU.features) throws(PluginError) {
        file = try PluginFile(bytes: bytes, path: path)
        try file.checkMachine(features: features)
        obstacles = file.descriptors.map { [file] in file.obstacle(to: $0, features: features) }
        mapping = try PluginMapping.shared(file, bytes: bytes)
    }

    /// The kernels that this processor cannot run, and why; the others are loaded without them.
    public var omitted: [PluginReport.Omission] {
        zip(file.descriptors, obstacles).compactMap { kernel, obstacle in
            obstacle.map { PluginReport.Omission(kernel: kernel.name, reason: .unusable($0)) }
        }
    }

    /// The kernels of this plugin that the processor can run, in the order of the file.
    /// - Throws: `PluginError.malformedDescriptor` for a kernel without entry points.
    public func kernels() throws(PluginError) -> [SpecializedKernel] {
        var kernels: [SpecializedKernel] = []
        for index in obstacles.indices where obstacles[index] == nil {
            kernels.append(try kernel(at: index))
        }
        return kernels
    }

    /// One kernel by its position in the file; no other index than one of `file.descriptors`.
    /// - Throws: `PluginError.missingFeatures`, `.unknownFeatures` for one that the processor cannot run, `.malformedDescriptor` for
    ///   one without entry points.
    public func kernel(at index: Int) throws(PluginError) -> SpecializedKernel {
        if let obstacle = obstacles[index] { throw obstacle }
        let place = mapping.object + MemoryLayout<vs_plugin>.size + index * file.descriptorStride
        let mapped = place.loadUnaligned(as: vs_kernel_descriptor.self)
        guard let pack = mapped.pack, let run = mapped.run else {
            throw .malformedDescriptor(path: file.path, index: index, reason: "it has no entry points")
        }
        return SpecializedKernel(descriptor: file.descriptors[index], image: self, pack: pack, run: run)
    }
}

/// A kernel of a loaded plugin.
public struct SpecializedKernel: Kernel {
    /// What the plugin says about this kernel.
    public let descriptor: KernelDescriptor
    /// The plugin the code belongs to; held so that it stays mapped.
    public let image: PluginImage
    private let packFunction: @convention(c) (UnsafePointer<vs_pack_args>?) -> Int32
    private let runFunction: @convention(c) (UnsafePointer<vs_run_args>?, Int64, Int64) -> Int32

    init(
        descriptor: KernelDescriptor, image: PluginImage,
        pack: @escaping @convention(c) (UnsafePointer<vs_pack_args>?) -> Int32,
        run: @escaping @convention(c) (UnsafePointer<vs_run_args>?, Int64, Int64) -> Int32
    ) {
        self.descriptor = descriptor
        self.image = image
        packFunction = pack
        runFunction = run
    }

    /// From the descriptor, as all that follows up to the workspace of a thread.
    public var spec: KernelSpec { descriptor.spec }
    /// Symbol stem; the grammar is in `Documentation/kernel-names.md`.
    public var name: String { descriptor.name }
    /// Kernel family and parameters.
    public var schedule: String { descriptor.schedule }
    /// Names the layout of the packed weights.
    public var packingKey: String { descriptor.packing }
    /// A multiple of 64.
    public var packedByteCount: Int { descriptor.packedByteCount }
    /// Bytes for each participating thread.
    public var workspaceByteCount: Int { descriptor.workspaceByteCount }

    /// By the descriptor's rule.
    public func workItemCount(batch: Int) -> Int { descriptor.workItems.count(batch: batch) }

    /// From the descriptor.
    public var stageCount: Int { descriptor.stages.count }
    /// By the rule of the stage.
    public func workItemCount(batch: Int, stage: Int) -> Int { descriptor.stages[stage].count(batch: batch) }
    /// From the descriptor.
    public func sharedWorkspaceByteCount(batch: Int) -> Int {
        Checked.clampedSum(descriptor.sharedByteCount, Checked.clampedProduct(descriptor.sharedByteCountPerSample, batch))
    }
    /// From the descriptor.
    public var operands: KernelOperands { descriptor.operands }

    /// Calls the plugin's `pack`.
    public func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        var arguments = vs_pack_args(size: UInt64(MemoryLayout<vs_pack_args>.size), weights: weights, packed: packed)
        let status = packFunction(&arguments)
        if status != VS_OK { throw .failed(kernel: name, status: status) }
    }

    /// Calls the plugin's `run` on `items.lowerBound ..< items.upperBound` of the arguments' stage.
    public func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        try check(operands: arguments.operands)
        var call = vs_run_args()
        call.size = UInt64(MemoryLayout<vs_run_args>.size)
        call.batch = Int64(arguments.batch)
        call.input = arguments.input
        call.packed = arguments.operand
        call.bias = arguments.bias
        call.output = arguments.output
        call.workspace = arguments.workspace
        call.second = arguments.second
        call.residual = arguments.residual
        call.scales = arguments.scales
        call.zero_points = arguments.zeroPoints
        call.output_voxel_stride = Int64(arguments.outputVoxelStride)
        call.shared = arguments.shared
        call.stage = Int64(arguments.stage)
        let status = runFunction(&call, Int64(items.lowerBound), Int64(items.upperBound))
        if status != VS_OK { throw .failed(kernel: name, status: status) }
    }
}
