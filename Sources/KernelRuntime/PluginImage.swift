import CKernelABI
import LayerSpec

/// A loaded plugin: its file's descriptors, and the machine code behind them. Mapped as long as this object, or any kernel of
/// it, is alive; images of equal files share the code.
public final class PluginImage: Sendable {
    /// The file as it was read and checked before its bytes were mapped.
    public let file: PluginFile
    private let mapping: PluginMapping

    /// Opens and checks a plugin, and maps a private copy of it: what becomes of the file afterwards does not matter.
    /// - Parameters:
    ///   - path: of the file.
    ///   - features: what the processor has; kernels that need more refuse the whole plugin.
    ///   - trustedFolders: as `KernelRegistry`'s.
    /// - Throws: `PluginError`; nothing of the file has been executed when it is about the file's contents.
    public init(
        path: String, features: Set<Target.Feature> = HostCPU.features, trustedFolders: [String] = []
    ) throws(PluginError) {
        let bytes = try OpenPlugin(path: path, trust: .current(trustedFolders: trustedFolders)).read()
        file = try PluginFile(bytes: bytes, path: path)
        try file.checkMachine(features: features)
        mapping = try PluginMapping.shared(file, bytes: bytes)
    }

    /// The kernels of this plugin, in the order of the file.
    /// - Throws: `PluginError.malformedDescriptor` for a kernel without entry points.
    public func kernels() throws(PluginError) -> [SpecializedKernel] {
        var kernels: [SpecializedKernel] = []
        for (index, descriptor) in file.descriptors.enumerated() {
            let place = mapping.object + MemoryLayout<vs_plugin>.size + index * file.descriptorStride
            let mapped = place.loadUnaligned(as: vs_kernel_descriptor.self)
            guard let pack = mapped.pack, let run = mapped.run else {
                throw .malformedDescriptor(path: file.path, index: index, reason: "it has no entry points")
            }
            kernels.append(SpecializedKernel(descriptor: descriptor, image: self, pack: pack, run: run))
        }
        return kernels
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

    /// From the descriptor, as the following five.
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

    /// Calls the plugin's `pack`.
    public func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        var arguments = vs_pack_args(size: UInt64(MemoryLayout<vs_pack_args>.size), weights: weights, packed: packed)
        let status = packFunction(&arguments)
        if status != VS_OK { throw .failed(kernel: name, status: status) }
    }

    /// Calls the plugin's `run` on `items.lowerBound ..< items.upperBound`.
    public func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        var call = vs_run_args(
            size: UInt64(MemoryLayout<vs_run_args>.size), batch: Int64(arguments.batch), input: arguments.input,
            packed: arguments.operand, bias: arguments.bias, output: arguments.output, workspace: arguments.workspace)
        let status = runFunction(&call, Int64(items.lowerBound), Int64(items.upperBound))
        if status != VS_OK { throw .failed(kernel: name, status: status) }
    }
}
