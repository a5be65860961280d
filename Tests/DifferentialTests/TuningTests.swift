import Foundation
import Synchronization
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensorIO
import VoxTuning
import _TestSupport

/// A kernel that answers as the interpreter does, but for what is asked of it.
private struct PretendedKernel: Kernel {
    let inner: InterpreterKernel
    let name: String
    /// Times the work is done.
    var repetitions = 1
    /// Changes one result.
    var isWrong = false

    var spec: KernelSpec { inner.spec }
    var schedule: String { inner.schedule }
    var packingKey: String { inner.packingKey }
    var packedByteCount: Int { inner.packedByteCount }
    var workspaceByteCount: Int { inner.workspaceByteCount }
    func workItemCount(batch: Int) -> Int { inner.workItemCount(batch: batch) }
    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        try inner.pack(weights: weights, into: packed)
    }
    func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        for _ in 0..<repetitions { try inner.run(arguments, items: items) }
        if isWrong && items.lowerBound == 0 { arguments.output.assumingMemoryBound(to: Float.self)[0] += 1 }
    }
}

/// Candidates that are told apart by their place in the order of the search.
private final class PretendedCandidates: CandidateProvider {
    let slow, wrong, spilling: Set<Int>
    private let count = Mutex(0)
    private let names = Mutex<[String]>([])

    init(slow: Set<Int> = [], wrong: Set<Int> = [], spilling: Set<Int> = []) {
        (self.slow, self.wrong, self.spilling) = (slow, wrong, spilling)
    }

    func candidates(_ schedules: [Schedule]) async throws -> [Candidate] {
        schedules.map { schedule in
            let place = count.withLock { count in
                defer { count += 1 }
                return count
            }
            names.withLock { $0.append(schedule.text) }
            let kernel = PretendedKernel(
                inner: InterpreterKernel(schedule.spec), name: "kernel_\(place)", repetitions: slow.contains(place) ? 200 : 1,
                isWrong: wrong.contains(place))
            return Candidate(schedule: schedule, kernel: kernel, loopSpills: spilling.contains(place) ? 3 : 0)
        }
    }

    /// Texts of the schedules that were asked for, in order.
    var asked: [String] { names.withLock { $0 } }
}

private func tinySpec(filters: Int = 5) throws -> KernelSpec {
    let config = try LayerConfig(
        name: "layer", filters: filters, kernelSize: [2, 3, 3], strides: [2, 2, 1], padding: .same(outputPadding: nil), activation: .relu)
    return try config.spec(inputShape: [1, 3, 4, 5, 3])
}

private let target = Target(.x86_64_v4)

private func context(threads: Int = 1, compiler: String = "clang version 1", templates: String = "0123") -> TuningContext {
    TuningContext(target: target, threads: threads, compiler: compiler, templates: templates)
}

private func tune(_ candidates: PretendedCandidates, deadline: ContinuousClock.Instant? = nil) async throws -> LayerTuning {
    try await LayerTuner(tinySpec(), target: target, threads: 1, provider: candidates).run(deadline: deadline)
}

@Suite struct LayerTunerTests {
    @Test func theEstimateGivesWayToWhatIsFaster() async throws {
        let candidates = PretendedCandidates(slow: [0])
        let tuning = try await tune(candidates)
        #expect(tuning.estimate?.schedule.text == candidates.asked.first)
        #expect(tuning.best.schedule.text != candidates.asked.first)
        #expect(tuning.wrong.isEmpty && tuning.spilling == 0)
        #expect(tuning.tried == candidates.asked.count && Set(candidates.asked).count == tuning.tried)
    }

    @Test func wrongAnswersAreNamedAndNeverChosen() async throws {
        // All but the first and the third are wrong, or slow: only the third is left.
        let wrong = Set([1, 3] + Array(6...60))
        let tuning = try await tune(PretendedCandidates(slow: [0, 4, 5], wrong: wrong))
        #expect(tuning.wrong.count == tuning.tried - 4)
        #expect(tuning.wrong.first?.hasPrefix("Kernel kernel_1 computed ") == true, "\(tuning.wrong)")
        let candidates = try ScheduleSpace(tinySpec(), target: target).candidates
        #expect(tuning.best.schedule == candidates[2])
        #expect(tuning.wrong.allSatisfy { !$0.contains(candidates[2].text) } && tuning.wrong[0].contains(candidates[1].text))

        let withoutEstimate = try await tune(PretendedCandidates(wrong: [0]))
        #expect(withoutEstimate.estimate == nil && withoutEstimate.best.schedule != candidates[0])

        await #expect("all wrong") { try await tune(PretendedCandidates(wrong: Set(0...100))) } throws: {
            guard case TuningError.noRightCandidate(_, let tried) = $0 else { return false }
            return tried == candidates.count
        }
    }

    @Test func spillingCandidatesAreLeftOutButNotTheEstimate() async throws {
        let tuning = try await tune(PretendedCandidates(spilling: Set(0...100)))
        #expect(tuning.best.schedule == tuning.estimate?.schedule)
        #expect(tuning.spilling == tuning.tried - 1)
    }

    @Test func nothingMoreIsCompiledAfterTheDeadline() async throws {
        let candidates = PretendedCandidates()
        let tuning = try await tune(candidates, deadline: .now)
        #expect(candidates.asked.count == 4 && tuning.tried == 4)
    }

    @Test func whatCannotBeMeasuredIsRefused() throws {
        let gradient = KernelSpec(op: .kernelGradient, geometry: try tinySpec().geometry)
        #expect(throws: BenchmarkError.unsupportedOperation("kernelGradient")) {
            try LayerTuner(gradient, target: target, threads: 1, provider: PretendedCandidates())
        }
        for named in Target.named {
            let missing = named.requiredFeatures.filter { !HostCPU.features.contains($0) }
            if missing.isEmpty {
                try TuningSession.check(named)
            } else {
                #expect(throws: TuningError.cannotRun(target: named.name, missing: missing.map(\.rawValue))) { try TuningSession.check(named) }
            }
        }
    }
}

@Suite struct TuningSessionTests {
    /// What became of each problem: "measured", "earlier" or the reason.
    private func run(
        _ specs: [KernelSpec], _ tunings: inout Tunings, _ context: TuningContext, again: Bool = false, timeLimit: Double? = nil
    ) async throws -> [Int: String] {
        var outcomes: [Int: String] = [:]
        try await TuningSession(target: target, context: context, provider: PretendedCandidates()).run(
            specs, tunings: &tunings, again: again, timeLimit: timeLimit
        ) { index, outcome, _ in
            switch outcome {
            case .measured: outcomes[index] = "measured"
            case .earlier: outcomes[index] = "earlier"
            case .keptEstimate(let reason): outcomes[index] = reason
            }
        }
        return outcomes
    }

    @Test func decisionsAreMadeOnceAndForOneMachine() async throws {
        let specs = [try tinySpec(), try tinySpec(filters: 7)]
        var tunings = Tunings()
        #expect(try await run([specs[0]], &tunings, context()) == [0: "measured"])
        #expect(try await run(specs, &tunings, context()) == [0: "earlier", 1: "measured"])
        #expect(try await run(specs, &tunings, context(), again: true) == [0: "measured", 1: "measured"])
        #expect(tunings.records.count == 2)
        for (other, why) in [
            (context(threads: 2), "for another number of threads"), (context(compiler: "clang version 2"), "of another compiler"),
            (context(templates: "4567"), "of other templates"),
            (TuningContext(cpu: "other", target: target, threads: 1, compiler: "clang version 1", templates: "0123"), "of another machine"),
            (TuningContext(target: Target(.x86_64_v3), threads: 1, compiler: "clang version 1", templates: "0123"), "for another instruction set"),
        ] {
            #expect(tunings.lookup(specs[0].key, other) == .foreign(why))
        }
        #expect(tunings.lookup(try tinySpec(filters: 9).key, context()) == .none)
        // A record of another compiler takes the place of the first; one for another number of threads stands beside it.
        #expect(try await run([specs[0]], &tunings, context(compiler: "clang version 2")) == [0: "measured"])
        #expect(tunings.records.count == 2)
        #expect(try await run([specs[0]], &tunings, context(threads: 2)) == [0: "measured"])
        #expect(tunings.records.count == 3)
    }

    @Test func layersWithoutTimeOrFamilyKeepTheEstimate() async throws {
        var tunings = Tunings()
        let specs = [try tinySpec(), try tinySpec(filters: 7)]
        let outcomes = try await run(specs, &tunings, context(), timeLimit: 1e-9)
        #expect(outcomes.count == 2 && outcomes.values.allSatisfy { $0.hasPrefix("Received a limit of 1e-09 seconds") }, "\(outcomes)")
        let flat = KernelSpec(geometry: try Geometry(axes: Array(specs[0].geometry.axes.prefix(2)), channels: 2, filters: 2))
        let flatOutcome = try await run([flat, specs[0]], &tunings, context())
        #expect(flatOutcome[0]?.contains("expected 3") == true && flatOutcome[1] == "measured", "\(flatOutcome)")
    }
}

/// The file of decisions, good and bad.
@Suite struct TuningsFileTests {
    private let folder: TemporaryFolder
    private let path: String
    private let tunings: Tunings

    init() async throws {
        folder = try TemporaryFolder()
        path = folder.path("t.json")
        var tunings = Tunings()
        let fast = try LayerConfig(
            name: "fast", filters: 16, kernelSize: [3, 3, 3], strides: [1, 1, 1], padding: .same(outputPadding: nil)
        ).spec(inputShape: [1, 4, 4, 4, 8])
        for spec in [try tinySpec(), fast] {
            let tuning = try await LayerTuner(spec, target: target, threads: 1, provider: PretendedCandidates()).run(deadline: .now)
            tunings.add(try TuningRecord(spec.key, context(), tuning))
        }
        self.tunings = tunings
        try tunings.write(to: path)
    }

    private func read(_ text: String) throws -> Tunings {
        try Tunings(path: folder.write(Array(text.utf8), as: "changed.json"), context: context())
    }

    @Test func roundTrip() throws {
        #expect(try Tunings(path: path, context: context()) == tunings)
        let spec = try tinySpec()
        guard case .decision(let decision, let record) = tunings.lookup(spec.key, context()) else {
            Issue.record("no decision")
            return
        }
        #expect(record.tried == 4 && record.bestMilliseconds > 0)
        #expect(try ScheduleSpace(spec, target: target).candidates.map(\.decision).contains(decision))
        var empty = Tunings()
        try empty.write(to: path)
        #expect(try Tunings(path: path, context: context()) == empty)
        empty.add(record)
        #expect(empty.records == [record])
    }

    /// The writer has the reader's rules: what it would refuse is not written, and the file that is there stays.
    @Test func whatNoReaderTakesIsNotWritten() async throws {
        let before = try String(contentsOfFile: path, encoding: .utf8)
        let tuning = try await LayerTuner(tinySpec(), target: target, threads: 1, provider: PretendedCandidates()).run(deadline: .now)
        for context in [
            TuningContext(target: target, threads: 1 << 21, compiler: "c"), TuningContext(target: target, threads: 0, compiler: "c"),
            TuningContext(cores: 1 << 21, target: target, threads: 1, compiler: "c"),
            TuningContext(target: target, threads: 1, compiler: String(repeating: "c", count: 5000)),
        ] {
            var more = tunings
            more.add(try TuningRecord(tinySpec().key, context, tuning))
            #expect(throws: TuningsError.self) { try more.write(to: path) }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
        }
        var most = tunings
        let context = TuningContext(target: target, threads: ThreadPool.maximumThreads, compiler: "c")
        most.add(try TuningRecord(tinySpec().key, context, tuning))
        try most.write(to: path)
        #expect(try Tunings(path: path, context: context) == most)
    }

    /// Each wrong field is named, and nothing of the file is taken.
    @Test func wrongFieldsAreNamed() throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for (from, to, field) in [
            ("\"voxelsmith-tunings\"", "\"other\"", "format"), ("\"version\": 1", "\"version\": 2", "version"),
            ("\"records\": [", "\"recordings\": [", "records"), ("\"key\": \"transposedConvolution;", "\"key\": \"backward;", "records[0].key"),
            ("\"threads\": 1", "\"threads\": \"1\"", "records[0].threads"), ("\"threads\": 1", "\"threads\": -1", "records[0].threads"),
            ("\"cores\": ", "\"cores\": 1.5, \"kernels\": ", "records[0].cores"), ("\"tried\": 4", "\"tried\": 0", "records[0].tried"),
            ("\"dropped\": 0", "\"dropped\": 5", "records[0].dropped"), ("\"best_ms\": ", "\"best_ms\": -", "records[0].best_ms"),
            ("\"estimate_ms\": ", "\"estimated\": 1, \"estimate_ms\": ", "records[0].estimated"), ("\"cpu\": ", "\"processor\": ", "records[0].cpu"),
            ("\"decision\": {", "\"decision\": 7, \"d\": {", "records[0].decision"),
            ("\"filter_lanes\"", "\"filter_planes\"", "records[0].decision"), ("\"tile_width\"", "\"tilewidth\"", "records[0].decision"),
            ("\"order\": \"", "\"order\": \"sideways-", "records[0].decision"),
            ("\"block_rows\": ", "\"block_rows\": 99999, \"rows\": ", "records[0].decision"),
            ("\"block_rows\": ", "\"extra\": 1, \"block_rows\": ", "records[0].decision"),
        ] {
            let changed = text.replacing(from, with: to, maxReplacements: 1)
            #expect(changed != text, "\(from)")
            #expect("\(to)") { try read(changed) } throws: { error in
                guard case TuningsError.field(_, let named, _) = error else { return false }
                return named == field && "\(error)".contains(field) && !"\(error)".dropLast().contains(". ")
            }
        }
        for cut in [0, 1, 20, text.utf8.count / 2, text.utf8.count - 3] {
            #expect("\(cut)") { try read(String(text.prefix(cut))) } throws: { $0 is TuningsError }
        }
        #expect(throws: TuningsError.self) { try read(String(repeating: "[", count: 100_000)) }
        #expect(throws: (any Error).self) { try read(String(repeating: " ", count: 17 << 20)) }
    }

    /// What other templates decided need not be understood.
    @Test func foreignDecisionsAreKeptUnread() throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
            .replacing("\"templates\": \"0123\"", with: "\"templates\": \"future\"").replacing("filter_lanes", with: "filter_brains")
        let read = try read(text)
        #expect(read.records.count == 2)
        #expect(read.lookup(try tinySpec().key, context()) == .foreign("of other templates"))
        try read.write(to: path)
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("filter_brains"))
    }

    /// A decision that reads well and does not apply costs a measurement.
    @Test func decisionsThatDoNotApplyAreMeasuredAgain() async throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        var read = try read(text.replacing("\"vectors\": 1", with: "\"vectors\": 4095"))
        var outcomes: [String] = []
        try await TuningSession(target: target, context: context(), provider: PretendedCandidates()).run([try tinySpec()], tunings: &read) { _, outcome, _ in
            if case .measured = outcome { outcomes.append("measured") }
        }
        #expect(outcomes == ["measured"])
    }

    /// Damaged files are refused or read; they never end the process. What is read is what the file states, and applies or is refused later.
    @Test func damagedFilesFuzz() throws {
        let spec = try tinySpec()
        let sample = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let outcome = Fuzzing("tunings", count: 1500).run { random in
            switch random.integer(0...3) {
            case 0: Fuzzing.damaged(sample, &random)
            case 1: Fuzzing.alteredJSON(sample, &random)
            default: Fuzzing.alteredJSON(sample, &random, numbersOnly: true)
            }
        } body: { index, bytes in
            do {
                let read = try Tunings(bytes: bytes, path: "t", context: context())
                let stated = try JSONValue(parsing: bytes).object?["records"]?.array ?? []
                #expect(read.records.count == stated.count, "case \(index)")
                for (record, stated) in zip(read.records, stated) {
                    let fields = stated.object
                    #expect(fields?["key"]?.string == record.key.text && fields?["cpu"]?.string == record.context.cpu, "case \(index)")
                    #expect(fields?["tried"] == .integer(record.tried) && fields?["threads"] == .integer(record.context.threads), "case \(index)")
                }
                #expect(try Tunings(bytes: Array(read.text.utf8), path: "t", context: context()) == read, "case \(index)")
                guard case .decision(let decision, _) = read.lookup(spec.key, context()) else { return "read" }
                return (try? Schedule(spec: spec, target: target, decision: decision)) == nil ? "not applicable" : "applied"
            } catch let error as TuningsError {
                #expect(error.description.hasSuffix("."), "case \(index): \(error)")
                return "refused"
            } catch {
                Issue.record("case \(index): \(error)")
                return "other"
            }
        }
        #expect(outcome.share(of: "refused") > 0.1 && outcome.share(of: "applied") > 0.05 && outcome["not applicable"] > 0, "\(outcome.counts)")
        #expect(outcome.slowest.seconds < 5, "\(outcome.slowest)")
    }
}
