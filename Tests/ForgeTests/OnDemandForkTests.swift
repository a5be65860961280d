import Foundation
import Glibc
import Logging
import Synchronization
import Testing
import VoxForge
import VoxKernelRuntime
import VoxLayerSpec
import _TestSupport

/// A process that is forked off while kernels are made and threads ask for them: it answers, whatever its parent's threads held.
@Suite(.serialized) struct OnDemandForkTests {
    /// Writes its messages to a pipe, without locks or memory shared with other threads.
    private struct PipeHandler: LogHandler {
        let descriptor: Int32
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Array("\(event.message)\n".utf8)
            _ = write(descriptor, line, line.count)
        }
    }

    /// Swift hides `fork`, since most of what it has does not survive one. The child here does nothing but look kernels up and leave.
    private static func fork() throws -> pid_t {
        typealias Function = @convention(c) () -> pid_t
        return unsafeBitCast(try #require(dlsym(nil, "fork")), to: Function.self)()
    }

    /// The status of a child; nil, and it is killed, when it does not end.
    private static func status(of child: pid_t) -> Int32? {
        var status: Int32 = 0
        for _ in 0..<10_000 {
            if waitpid(child, &status, WNOHANG) == child { return status }
            usleep(1000)
        }
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
        return nil
    }

    /// 0 when the provider answers as it should.
    private static func check(_ kernels: OnDemandKernels, made: KernelSpec, pending: KernelSpec, isQuiet: Bool) -> Int32 {
        guard let interpreted = try? kernels.lookup(pending), !interpreted.isSpecialized else { return 1 }
        if (try? kernels.lookup(pending, mode: .specialized)) != nil { return 2 }
        // The lock may be held, by a thread that is not in this process.
        guard let choice = try? kernels.lookup(made), choice.isSpecialized || !isQuiet else { return 3 }
        return 0
    }

    @Test func aForkedProcessAnswers() async throws {
        let bench = try OnDemandBench()
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)  // nothing in it is a failure, not a wait
        var options = bench.options(compiler: try await bench.compiler("[ -e '\(bench.folder.path("hang"))' ] && sleep 600\nexec \"$clang\" \"$@\""))
        let output = ends[1]
        options.logger = Logger(label: "test") { _ in PipeHandler(descriptor: output) }
        let kernels = OnDemandKernels(options)
        let (made, pending) = (try OnDemandBench.spec(0), try OnDemandBench.spec(1))
        try await kernels.ready(for: made)
        _ = try bench.folder.write([], as: "hang")
        // What a child does, its parent has done before: the first time, Swift may take locks of its own, which a thread of another test may hold.
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(null) }
        Logger(label: "test") { _ in PipeHandler(descriptor: null) }.warning("a warning")
        #expect(Self.check(kernels, made: made, pending: pending, isQuiet: true) == 0)

        // With nobody at the lock, what is made is found.
        let quiet = try Self.fork()
        if quiet == 0 { _exit(Self.check(kernels, made: made, pending: pending, isQuiet: true)) }
        #expect(Self.status(of: quiet) == 0)

        // With threads that take it all the time, every child answers all the same.
        let statuses = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[Int32?], any Error>) in
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.statusesOfForks(kernels, made: made, pending: pending) })
            }
        }
        #expect(statuses == [Int32?](repeating: 0, count: Self.forks))

        // Each child said once that it makes no kernels.
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(ends[0], &bytes, bytes.count)
        let lines = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 1 + Self.forks && lines.allSatisfy { $0 == "\(OnDemandError.forked)" }, "\(lines)")
        await kernels.stop()
    }

    private static let forks = 50

    private final class Ending: Sendable {
        let isAskedFor = Atomic(false)
    }

    /// Forks again and again while four threads look kernels up. Blocks its thread.
    private static func statusesOfForks(_ kernels: OnDemandKernels, made: KernelSpec, pending: KernelSpec) throws -> [Int32?] {
        let (ending, threads) = (Ending(), DispatchGroup())
        for _ in 0..<4 {
            threads.enter()
            Thread.detachNewThread {
                while !ending.isAskedFor.load(ordering: .relaxed) { for spec in [made, pending] { _ = try? kernels.lookup(spec) } }
                threads.leave()
            }
        }
        defer {
            ending.isAskedFor.store(true, ordering: .relaxed)
            threads.wait()
        }
        return try (0..<forks).map { _ in
            let child = try fork()
            if child == 0 { _exit(check(kernels, made: made, pending: pending, isQuiet: false)) }
            return status(of: child)
        }
    }
}
