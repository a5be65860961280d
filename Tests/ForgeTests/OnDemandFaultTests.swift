import Foundation
import Glibc
import Logging
import Testing
import VoxForge
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// What can go wrong while kernels are made on demand: it is said once, and the interpreter goes on answering.
@Suite(.serialized) struct OnDemandFaultTests {
    private let bench: OnDemandBench

    init() throws { bench = try OnDemandBench() }

    /// The results of a problem, by whatever kernel the provider has for it now.
    private func isRight(_ kernels: OnDemandKernels, _ spec: KernelSpec, seed: UInt64 = 9) throws -> Bool {
        let sample = try ExactSample(spec, seed: seed)
        let layer = try PreparedLayer(spec: spec, choice: kernels.lookup(spec), weights: sample.weights[0], bias: sample.weights[1])
        return try layer.call(sample.input).doubles == sample.expected
    }

    /// Asks for three kernels, several times each, and expects none.
    /// - Returns: the events, and the errors that waiting for each kernel throws.
    private func askInVain(_ options: OnDemandOptions) async throws -> (events: [OnDemandEvent], errors: [OnDemandError]) {
        let kernels = OnDemandKernels(options)
        let events = kernels.events
        var errors: [OnDemandError] = []
        for round in 0..<3 {
            for number in 0..<3 {
                let spec = try OnDemandBench.spec(number)
                #expect(try isRight(kernels, spec), "round \(round), problem \(number)")
                do {
                    try await kernels.ready(for: spec)
                    Issue.record("round \(round): there is a kernel for problem \(number)")
                } catch let error as OnDemandError {
                    if round == 0 { errors.append(error) } else { #expect(error == errors[number], "round \(round)") }
                }
                #expect(try !kernels.lookup(spec).isSpecialized, "round \(round), problem \(number)")
                #expect(throws: KernelLookupError.self) { try kernels.lookup(spec, mode: .specialized) }
            }
        }
        await kernels.stop()
        #expect(try bench.entries() == [])
        return (await events.reduce(into: []) { $0.append($1) }, errors)
    }

    @Test func withoutACompilerNothingIsCompiled() async throws {
        let (events, errors) = try await askInVain(bench.options(compiler: bench.folder.path("no/clang")))
        let sentence = "\(KernelBuildError.compilerNotFound(lookedAt: [bench.folder.path("no/clang")]))"
        #expect(events == [.notCompiled(sentence)])
        #expect(errors == [OnDemandError](repeating: .notCompiled(reason: sentence), count: 3))
        #expect(bench.log.warnings == ["No kernels are made on demand. \(sentence)"])
    }

    @Test func withoutAVerifierNothingIsCompiled() async throws {
        var options = bench.options(compiler: try await bench.compiler())
        let folder = FileManager.default.currentDirectoryPath
        for (number, (verifier, path)) in [
            (bench.folder.path("no/verifier"), bench.folder.path("no/verifier")),
            (bench.folder.path(""), bench.folder.path("")),  // a folder
            ("no-verifier", folder + "/no-verifier"),
            ("sh", folder + "/sh"),  // there is one on PATH
        ].enumerated() {
            options.verifier = verifier
            let (events, _) = try await askInVain(options)
            #expect(events == [.notCompiled("\(ForgeError.noVerifier(path: path))")])
            #expect(bench.log.warnings.count == number + 1 && bench.calls == 0, "\(bench.log.warnings)")
        }
    }

    /// Each kernel is tried once; the log has one warning for all.
    @Test func aFailingCompilerIsAskedOnceAKernel() async throws {
        let (events, errors) = try await askInVain(bench.options(compiler: await bench.compiler("echo broken >&2; exit 1")))
        let keys = try (0..<3).map { try OnDemandBench.spec($0).key }
        #expect(bench.calls == 3)
        #expect(events.count == 6 && keys.allSatisfy { events.contains(.started($0)) }, "\(events)")
        for (key, error) in zip(keys, errors) {
            guard case .failed(key, let reason) = error else {
                Issue.record("\(error)")
                continue
            }
            #expect(reason.contains("exit status 1") && reason.contains("broken") && events.contains(.failed(key, reason)), "\(reason)")
        }
        #expect(bench.log.warnings.count == 1, "\(bench.log.warnings)")
    }

    /// What fails its checks is neither used nor kept.
    @Test func unsoundKernelsAreNotUsed() async throws {
        var options = bench.options()
        options.verifier = "/bin/false"
        let (events, errors) = try await askInVain(options)
        #expect(events.count == 6 && errors.count == 3)
        for error in errors { #expect("\(error)".contains("is not sound: its process ended with exit status 1"), "\(error)") }
        #expect(bench.log.warnings.count == 3, "\(bench.log.warnings)")
    }

    /// What may pass is tried again, and whoever has the interpreter since the failure hears of the success.
    @Test(arguments: ["No space left on device", "Disk quota exceeded"])
    func aFullDiskPasses(words: String) async throws {
        let spec = try OnDemandBench.spec()
        let full = try bench.folder.write([], as: "full")
        var options = bench.options(
            compiler: try await bench.compiler("[ -e '\(full)' ] && { echo '\(words)' >&2; exit 1; }\nexec \"$clang\" \"$@\""))
        options.retryDelay = 0
        let kernels = OnDemandKernels(options)
        await #expect(throws: OnDemandError.self) { try await kernels.ready(for: spec) }
        let early = try kernels.lookup(spec)  // a new attempt
        await #expect(throws: OnDemandError.self) { try await kernels.ready(for: spec) }
        #expect(!early.isSpecialized && !early.isSuperseded)
        unlink(full)
        try await kernels.ready(for: spec)
        #expect(early.isSuperseded)
        #expect(try kernels.lookup(spec).isSpecialized && isRight(kernels, spec))
        #expect(bench.log.warnings.count == 1, "\(bench.log.warnings)")
    }

    /// What takes too long may only have had no processor time.
    @Test(arguments: ["the answer", "the compilation", "the verification"])
    func whatTakesTooLongIsTriedAgain(slow: String) async throws {
        var options = bench.options()
        // The compiler that hangs says its version before, in time.
        let limit = slow == "the compilation" ? 5.0 : 1.0
        let words: String
        switch slow {
        case "the answer":
            (options.compiler, words) = (try bench.script("silent", "sleep 600"), "which gave no answer in \(limit) seconds")
            options.compilerTimeLimit = limit
        case "the compilation":
            (options.compiler, words) = (try await bench.compiler("sleep 600"), "took longer than the limit of \(limit) seconds")
            options.compilerTimeLimit = limit
        default:
            (options.verifier, words) = (try bench.script("verifier", "sleep 600"), "The verification of kernel")
            options.verificationTimeLimit = limit
        }
        options.retryDelay = 0
        let kernels = OnDemandKernels(options)
        let spec = try OnDemandBench.spec()
        for attempt in 1...2 {
            let start = ContinuousClock.now
            let error = await #expect(throws: OnDemandError.self) { try await kernels.ready(for: spec) }
            guard case .failed(spec.key, let reason)? = error else {
                Issue.record("attempt \(attempt): \(String(describing: error))")
                continue
            }
            #expect(reason.contains(words), "attempt \(attempt): \(reason)")
            #expect(ContinuousClock.now - start > .seconds(0.8 * limit), "attempt \(attempt)")
        }
        await kernels.stop()
        #expect(bench.log.warnings.count == 1, "\(bench.log.warnings)")
        #expect(try bench.entries() == [])
    }

    /// Each further failure doubles the time until the next attempt.
    @Test func furtherAttemptsComeEverLater() async throws {
        let spec = try OnDemandBench.spec()
        var options = bench.options(compiler: try await bench.compiler("echo 'No space left on device' >&2; exit 1"))
        options.retryDelay = 0.5
        let kernels = OnDemandKernels(options)
        let start = ContinuousClock.now
        while bench.calls < 4, ContinuousClock.now - start < .seconds(120) {
            _ = try kernels.lookup(spec)
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(bench.calls == 4)
        #expect(ContinuousClock.now - start >= .seconds(0.5 + 1 + 2))
        await kernels.stop()
    }

    /// Kernels serve this process without a cache that can be written.
    @Test func anUnwritableCacheIsOneWarning() async throws {
        var options = bench.options()
        options.cache = PluginCache(folder: try bench.folder.write([], as: "file") + "/cache")
        let kernels = OnDemandKernels(options)
        for number in 0..<2 {
            let spec = try OnDemandBench.spec(number)
            try await kernels.ready(for: spec)
            #expect(try kernels.lookup(spec).isSpecialized && isRight(kernels, spec))
        }
        #expect(bench.log.warnings.count == 1 && bench.log.warnings.allSatisfy { $0.contains("cannot be written") }, "\(bench.log.warnings)")
    }

    /// Whatever bit of an entry is flipped, the loader refuses it, and the kernel is made again.
    @Test func damagedEntriesAreMadeAgain() async throws {
        let options = bench.options(compiler: try await bench.compiler())
        let spec = try OnDemandBench.spec()
        try await OnDemandKernels(options).ready(for: spec)
        let entry = try bench.entry()
        let sound = [UInt8](try Data(contentsOf: URL(fileURLWithPath: entry)))
        var random = SeededRandom(seed: 12)
        func flipped(_ round: Int) -> [UInt8] {
            var bytes = sound
            bytes[random.integer(0...bytes.count - 1)] ^= 1 << UInt8(round % 8)
            return bytes
        }
        for round in 0..<1000 {
            try Data(flipped(round)).write(to: URL(fileURLWithPath: entry))
            #expect(throws: PluginError.self, "round \(round)") { try PluginImage(path: entry) }
        }
        // All the way, for some of them, and for other damages.
        let others: [[UInt8]] = [[], Array(sound.dropLast()), Array("none".utf8)]
        for (round, bytes) in ((0..<8).map(flipped) + others).enumerated() {
            try Data(bytes).write(to: URL(fileURLWithPath: entry))
            let calls = bench.calls, warnings = bench.log.warnings.count
            let kernels = OnDemandKernels(options)
            try await kernels.ready(for: spec)
            #expect(try kernels.lookup(spec).isSpecialized && isRight(kernels, spec), "round \(round)")
            #expect(bench.calls == calls + OnDemandBench.callsOfAKernel && bench.log.warnings.count == warnings + 1, "round \(round)")
            #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: try bench.entry()))) == sound, "round \(round)")
        }
    }

    /// An entry with another kernel, and one that others may have written, are not believed either.
    @Test func foreignEntriesAreMadeAgain() async throws {
        let options = bench.options(compiler: try await bench.compiler())
        let specs = try (0..<2).map { try OnDemandBench.spec($0) }
        for spec in specs { try await OnDemandKernels(options).ready(for: spec) }
        let entries = try bench.entries()
        let contents = try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        for (entry, other) in zip(entries, contents.reversed()) { try other.write(to: URL(fileURLWithPath: entry)) }
        let kernels = OnDemandKernels(options)
        for spec in specs {
            try await kernels.ready(for: spec)
            #expect(try kernels.lookup(spec).isSpecialized && isRight(kernels, spec))
        }
        #expect(bench.calls == 4 * OnDemandBench.callsOfAKernel && bench.log.warnings.count == 2, "\(bench.log.warnings)")
        #expect(try entries.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == contents)

        chmod(entries[0], 0o666)
        let calls = bench.calls
        for spec in specs { try await OnDemandKernels(options).ready(for: spec) }
        #expect(bench.calls == calls + OnDemandBench.callsOfAKernel)
        #expect(bench.log.warnings.count == 3 && bench.log.warnings.allSatisfy { $0.hasSuffix("Making the kernel again.") }, "\(bench.log.warnings)")
    }
}
