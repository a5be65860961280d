import Glibc
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling

/// A shared library made of plain C, open as long as this object lives.
final class StandaloneLibrary: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    struct NotThere: Error, CustomStringConvertible { let description: String }

    init(path: String) throws {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else { throw NotThere(description: dlerror().map { String(cString: $0) } ?? path) }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    /// The function of a name, as the C type that the caller says.
    func function<T>(_ name: String, as type: T.Type) throws -> T {
        guard let symbol = dlsym(handle, name) else { throw NotThere(description: "no function \(name)") }
        return unsafeBitCast(symbol, to: type)
    }
}

/// The functions of a layer in plain C as a kernel, for the verifier.
struct StandaloneKernel: Kernel, @unchecked Sendable {
    private typealias Items = @convention(c) (Int64) -> Int64
    private typealias Pack = @convention(c) (UnsafeRawPointer?, UnsafeMutableRawPointer?) -> Int32
    private typealias Run = @convention(c) (
        UnsafeRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int64, Int64, Int64
    ) -> Int32
    private typealias Size = @convention(c) () -> Int

    private let unit: KernelUnit
    private let library: StandaloneLibrary
    private let items: Items
    private let packFunction: Pack
    private let runFunction: Run
    let packedByteCount: Int
    let workspaceByteCount: Int

    /// - Parameters:
    ///   - unit: the layer's kernel.
    ///   - stem: what its functions begin with.
    ///   - library: holds them.
    init(_ unit: KernelUnit, stem: String, in library: StandaloneLibrary) throws {
        self.unit = unit
        self.library = library
        items = try library.function(stem + "_work_items", as: Items.self)
        packFunction = try library.function(stem + "_pack", as: Pack.self)
        runFunction = try library.function(stem + "_run", as: Run.self)
        packedByteCount = try library.function(stem + "_packed_bytes", as: Size.self)()
        workspaceByteCount = try library.function(stem + "_workspace_bytes", as: Size.self)()
    }

    var spec: KernelSpec { unit.schedule.spec }
    var name: String { unit.name }
    var schedule: String { unit.schedule.text }
    var packingKey: String { unit.schedule.packingKey }
    func workItemCount(batch: Int) -> Int { Int(items(Int64(batch))) }

    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        try check(packFunction(weights, packed))
    }

    func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        try check(
            runFunction(
                arguments.input, arguments.operand, arguments.bias, arguments.output, arguments.workspace, Int64(arguments.batch),
                Int64(items.lowerBound), Int64(items.upperBound)))
    }

    /// The arguments of a call, right or wrong.
    struct Call {
        var input: UnsafeMutableRawPointer?
        var packed: UnsafeMutableRawPointer?
        var bias: UnsafeMutableRawPointer?
        var output: UnsafeMutableRawPointer?
        var workspace: UnsafeMutableRawPointer?
        var batch: Int64 = 1
        var items: (begin: Int64, end: Int64) = (0, 0)
    }

    /// What the function returns for a call.
    func status(_ call: Call) -> Int32 {
        runFunction(call.input, call.packed, call.bias, call.output, call.workspace, call.batch, call.items.begin, call.items.end)
    }

    private func check(_ status: Int32) throws(KernelError) {
        if status != 0 { throw .failed(kernel: name, status: status) }
    }
}
