import CKernelABI
import Glibc
import LayerSpec
import Synchronization

/// A loaded plugin: its file's descriptors, and the machine code behind them. Mapped as long as this object, or any kernel of
/// it, is alive.
public final class PluginImage: @unchecked Sendable {
    // Unchecked: `handle` and `base` are raw pointers; both are constant after init and what they point to is never written.

    /// The file as it was read and checked before it was mapped.
    public let file: PluginFile
    /// Kept open while the image is mapped, so that its name stays true.
    private let open: OpenPlugin
    private let handle: UnsafeMutableRawPointer
    private let base: UnsafeRawPointer

    /// Opens, checks and maps a plugin.
    /// - Parameters:
    ///   - path: of the file.
    ///   - features: what the processor has; kernels that need more refuse the whole plugin.
    /// - Throws: `PluginError`; nothing of the file has been executed when it is about the file's contents.
    public init(path: String, features: Set<Target.Feature> = HostCPU.features) throws(PluginError) {
        let open = try OpenPlugin(path: path)
        let file = try PluginFile(open)
        try file.checkMachine(features: features)

        guard let handle = dlopen(Self.uniqueName(of: open), RTLD_NOW | RTLD_LOCAL) else {
            throw .loadFailed(path: path, reason: dlerror().map { String(cString: $0) } ?? "no reason given")
        }
        guard let symbol = dlsym(handle, PluginFile.symbolName) else {
            dlclose(handle)
            throw .loadFailed(path: path, reason: "the mapped image does not export \(PluginFile.symbolName)")
        }
        guard Self.isRelocated(file.object, at: symbol, count: file.descriptors.count, stride: file.descriptorStride) else {
            dlclose(handle)
            throw .imageDiffers(path: path)
        }
        self.open = open
        self.file = file
        self.handle = handle
        base = UnsafeRawPointer(symbol)
    }

    deinit { dlclose(handle) }  // `open` is released, and closed, after this body

    /// The kernels of this plugin, in the order of the file.
    /// - Throws: `PluginError.malformedDescriptor` for a kernel without entry points.
    public func kernels() throws(PluginError) -> [SpecializedKernel] {
        var kernels: [SpecializedKernel] = []
        for (index, descriptor) in file.descriptors.enumerated() {
            let place = base + MemoryLayout<vs_plugin>.size + index * file.descriptorStride
            let mapped = place.loadUnaligned(as: vs_kernel_descriptor.self)
            guard let pack = mapped.pack, let run = mapped.run else {
                throw .malformedDescriptor(path: file.path, index: index, reason: "it has no entry points")
            }
            kernels.append(SpecializedKernel(descriptor: descriptor, image: self, pack: pack, run: run))
        }
        return kernels
    }

    private static let loads = Atomic<UInt64>(0)

    /// A path of the open file that no other load of this process has.
    ///
    /// glibc finds loaded objects by name before it looks at the file, and descriptor numbers are used again. With the plain
    /// name /proc/self/fd/N it answers with another plugin's code when that was loaded as N and is still mapped: through a
    /// second load of the same file, which shares the mapping and outlives descriptor N. So the number of the load is written
    /// into the path, in binary: "./" for 1, "/" for 0, which lead nowhere else. Two loads of one file are still recognised, by
    /// device and inode.
    private static func uniqueName(of file: OpenPlugin) -> String {
        let number = loads.add(1, ordering: .relaxed).newValue
        return "/proc/self/fd/" + String(number, radix: 2).map { $0 == "1" ? "./" : "/" }.joined() + "\(file.descriptor)"
    }

    /// Whether the mapped object is the one that was read: equal in every byte but the two pointers of each descriptor.
    private static func isRelocated(_ object: [UInt8], at mapped: UnsafeRawPointer, count: Int, stride: Int) -> Bool {
        guard let pointers = MemoryLayout<vs_kernel_descriptor>.offset(of: \.pack) else { return false }
        let pointerBytes = 2 * MemoryLayout<UnsafeRawPointer>.size
        return object.withUnsafeBytes { bytes in
            guard let file = bytes.baseAddress else { return false }
            var start = 0
            for index in 0..<count {
                let place = MemoryLayout<vs_plugin>.size + index * stride + pointers
                if memcmp(file + start, mapped + start, place - start) != 0 { return false }
                start = place + pointerBytes
            }
            return memcmp(file + start, mapped + start, bytes.count - start) == 0
        }
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

    /// From the descriptor, as the following four.
    public var spec: KernelSpec { descriptor.spec }
    /// Symbol stem; the grammar is in `Documentation/kernel-names.md`.
    public var name: String { descriptor.name }
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
