import Glibc
import Synchronization
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// What runs aarch64 kernels on this machine: `Tools/neon/plugin_host.c`, compiled once, and qemu-aarch64.
final class Emulator: Sendable {
    private let folder: TemporaryFolder
    /// The command to which the path of a plugin is added.
    fileprivate let command: [String]

    /// Why kernels of a target that this machine cannot run are not run, for the test's log.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// - Throws: `Missing` without qemu-aarch64, `KernelBuildError` when clang refuses the host program.
    init() async throws {
        guard let emulator = Self.onPath(["qemu-aarch64", "qemu-aarch64-static"]) else {
            throw Missing(
                description: """
                    neither qemu-aarch64 nor qemu-aarch64-static is on PATH (package qemu-user); \
                    kernels for aarch64-neon are compiled only
                    """)
        }
        let folder = try TemporaryFolder()
        let compiler = try await Compiler.find()
        let program = folder.path("plugin_host")
        let outcome = try await ChildProcess.run(
            [
                compiler.path, "--target=aarch64-linux-gnu", "-std=c17", "-O1", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
                "-fno-stack-protector", "-nostdlib", "-static", "-fuse-ld=lld", "-I", "Sources/CKernelABI/include",
                "Tools/neon/plugin_host.c", "-o", program,
            ], what: "plugin_host.c", folder: nil, seconds: 120)
        guard outcome.succeeded else { throw Missing(description: "clang refused Tools/neon/plugin_host.c: \(outcome.standardError)") }
        self.folder = folder
        // A crash is an answer here, not a bug to look into: no core file, and what the emulator says of it goes to a file.
        command = ["/bin/sh", "-c", "ulimit -c 0; exec \"$@\" 2>>\"$0\"", folder.path("stderr"), emulator, program]
    }

    private static func onPath(_ names: [String]) -> String? {
        let folders = getenv("PATH").map { String(cString: $0) }?.split(separator: ":").map(String.init) ?? []
        return names.flatMap { name in folders.map { $0 + "/" + name } }.first { access($0, X_OK) == 0 }
    }

    /// The kernels of a plugin file, in its order.
    /// - Throws: `PluginError` for a file that is no plugin.
    func kernels(plugin path: String) throws -> [EmulatedKernel] {
        let host = PluginHost(self, plugin: path)
        return try PluginFile(path: path).descriptors.enumerated().map { EmulatedKernel(descriptor: $1, number: $0, host: host) }
    }
}

/// One emulated process with one plugin. It is started by the first call, and again by the first after one that ended it.
final class PluginHost: Sendable {
    private struct Process {
        let id: pid_t
        let socket: Int32
    }

    /// How the process ended in the midst of a call.
    struct Ended: Error, Hashable {
        /// Of `waitpid`: below 128 a signal of qemu-aarch64 itself, which ends by the signal that ended what it ran.
        let status: Int32
    }

    private let emulator: Emulator
    private let plugin: String
    private let process = Mutex<Process?>(nil)

    init(_ emulator: Emulator, plugin: String) {
        self.emulator = emulator
        self.plugin = plugin
    }

    deinit {
        process.withLock { process in
            guard let running = process else { return }
            close(running.socket)  // it ends with its input
            waitpid(running.id, nil, 0)
        }
    }

    /// One request of `plugin_host.c`.
    /// - Parameters:
    ///   - fields: the fields of the request.
    ///   - buffers: what follows it, in order.
    ///   - output: read before the call as the last of the buffers, written after it.
    /// - Returns: the status of the call.
    func call(_ fields: [Int], _ buffers: [UnsafeRawBufferPointer], output: UnsafeMutableRawBufferPointer) throws(Ended) -> Int {
        let answer: Result<Int, Ended> = process.withLock { process in
            let running: Process
            if let started = process {
                running = started
            } else {
                guard let started = start() else { return .failure(Ended(status: -1)) }
                process = started
                running = started
            }
            var status = 0
            let arrived =
                fields.withUnsafeBytes { send($0, running.socket) } && buffers.allSatisfy { send($0, running.socket) }
                && send(UnsafeRawBufferPointer(output), running.socket)
                && withUnsafeMutableBytes(of: &status) { receive($0, running.socket) } && receive(output, running.socket)
            if arrived { return .success(status) }
            process = nil
            close(running.socket)
            var ending: Int32 = 0
            waitpid(running.id, &ending, 0)
            return .failure(Ended(status: ending))
        }
        return try answer.get()
    }

    private func start() -> Process? {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else { return nil }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var arguments = (emulator.command + [plugin]).map { strdup($0) }
        arguments.append(nil)
        defer { arguments.forEach { free($0) } }
        var id: pid_t = 0
        guard posix_spawn(&id, emulator.command[0], &actions, nil, arguments, environ) == 0 else {
            close(ends[0])
            return nil
        }
        return Process(id: id, socket: ends[0])
    }

    private func send(_ bytes: UnsafeRawBufferPointer, _ socket: Int32) -> Bool {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let part = Glibc.send(socket, base + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            if part < 0 && errno == EINTR { continue }
            if part <= 0 { return false }
            done += part
        }
        return true
    }

    private func receive(_ bytes: UnsafeMutableRawBufferPointer, _ socket: Int32) -> Bool {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let part = read(socket, base + done, bytes.count - done)
            if part < 0 && errno == EINTR { continue }
            if part <= 0 { return false }
            done += part
        }
        return true
    }
}

/// A kernel of a plugin for aarch64, run by an emulated process.
struct EmulatedKernel: Kernel {
    let descriptor: KernelDescriptor
    let number: Int
    let host: PluginHost
    /// Bytes that the process is told to leave out at the end of the output; for a test of the guard pages.
    var withheldBytes = 0

    private enum Operation: Int { case pack = 1, run = 2 }

    var spec: KernelSpec { descriptor.spec }
    var name: String { descriptor.name }
    var schedule: String { descriptor.schedule }
    var packingKey: String { descriptor.packing }
    var packedByteCount: Int { descriptor.packedByteCount }
    var workspaceByteCount: Int { descriptor.workspaceByteCount }
    func workItemCount(batch: Int) -> Int { descriptor.workItems.count(batch: batch) }

    private func byteCount(_ shape: [Int]) -> Int { shape.reduce(spec.elements.storage.byteCount, *) }

    /// A buffer at the start of a page lies against the inaccessible page before it, here as in the process; others at the end.
    private func placement(_ address: UnsafeRawPointer) -> Int { UInt(bitPattern: address) % UInt(getpagesize()) == 0 ? 0 : 1 }

    private func check(_ status: Result<Int, PluginHost.Ended>) throws(KernelError) {
        switch status {
        case .success(0): return
        case .success(let status): throw .failed(kernel: name, status: Int32(truncatingIfNeeded: status))
        // Negative: no kernel returns such a status.
        case .failure(let ended): throw .failed(kernel: name, status: -max(1, abs(ended.status)))
        }
    }

    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        let input = UnsafeRawBufferPointer(start: weights, count: byteCount(spec.geometry.kernelShape))
        let output = UnsafeMutableRawBufferPointer(start: packed, count: packedByteCount)
        let fields = [Operation.pack.rawValue, number, placement(weights), 0, 0, 0, input.count, 0, 0, output.count, 0]
        try check(Result { () throws(PluginHost.Ended) in try host.call(fields, [input], output: output) })
    }

    func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        let input = UnsafeRawBufferPointer(start: arguments.input, count: byteCount(spec.inputShape(batch: arguments.batch)))
        let packed = UnsafeRawBufferPointer(start: arguments.operand, count: packedByteCount)
        let bias = UnsafeRawBufferPointer(start: arguments.bias, count: arguments.bias == nil ? 0 : byteCount([spec.biasCount]))
        let output = UnsafeMutableRawBufferPointer(
            start: arguments.output, count: byteCount(spec.outputShape(batch: arguments.batch)) - withheldBytes)
        let fields = [
            Operation.run.rawValue, number, placement(arguments.input), arguments.batch, items.lowerBound, items.upperBound,
            input.count, packed.count, bias.count, output.count, workspaceByteCount,
        ]
        try check(Result { () throws(PluginHost.Ended) in try host.call(fields, [input, packed, bias], output: output) })
    }
}
