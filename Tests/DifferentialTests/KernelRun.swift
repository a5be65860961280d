import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// One kernel to be tested.
struct KernelCase: Sendable {
    let schedule: Schedule
    let batch: Int
    let seed: UInt64
    /// The `ProblemKind` that drew it.
    let kind: String

    /// What two cases must differ in to count as two: problem with policy, family, target.
    var tuple: String {
        let family = schedule.text.prefix { $0 != "," }
        return "\(schedule.spec.key.text) \(family) \(schedule.target.name)"
    }
}

/// What is met by the kernels of a run, known before any is built.
struct KernelClasses {
    let tuples: Set<String>
    let counts: ClassCounts
    private let kinds: [String: Int]

    init(_ cases: [KernelCase]) {
        tuples = Set(cases.map(\.tuple))
        var counts = ClassCounts()
        for one in cases { counts.count(one.schedule, batch: one.batch) }
        self.counts = counts
        kinds = Dictionary(cases.map { ($0.kind, 1) }, uniquingKeysWith: +)
    }

    func report(_ title: String) {
        print("\(title): \(tuples.count) tuples of problem, policy, family and target")
        for (name, count) in kinds.sorted(by: { $0.key < $1.key }) { print("  drawn as \(name): \(count)") }
        for (name, count) in counts.counts.sorted(by: { $0.key < $1.key }) { print("  \(name): \(count)") }
    }
}

/// What came of a run.
struct KernelRun: Sendable {
    private(set) var kernels = 0
    private(set) var checks = 0

    /// Draws different kernels, as many of each kind as its share says.
    /// - Parameter largest: most multiply-adds of a sample.
    static func draw(
        _ count: Int, _ target: Target, of kinds: [ProblemKind] = ProblemKind.all, seed: UInt64, largest: Int
    ) throws -> [KernelCase] {
        var specs = RandomSpecs(seed: seed)
        var cases: [KernelCase] = []
        var seen: Set<String> = []
        var drawn: [String: Int] = [:]
        var attempts = 0
        while cases.count < count {
            attempts += 1
            let kind = ProblemKind.kind(cases.count, of: kinds)
            try #require(attempts < 1000 * count, "kernels of kind \(kind.name) are not found")
            let (spec, decision) = kind.draw(&specs, target, drawn[kind.name, default: 0])
            guard spec.geometry.multiplyAddCount <= largest else { continue }
            // A drawn decision may break a limit; the estimate never does here.
            guard let schedule = try? plan(spec, target: specs.machine(spec, target), decision: decision) else {
                #expect(decision != nil, "no schedule for \(spec.key)")
                continue
            }
            if schedule.isLong && !specs.random.chance(0.1) { continue }
            let one = KernelCase(schedule: schedule, batch: specs.batch(), seed: UInt64(cases.count + 1), kind: kind.name)
            guard seen.insert(one.tuple).inserted else { continue }
            drawn[kind.name, default: 0] += 1
            cases.append(one)
        }
        return cases
    }

    /// Builds the kernels, `perPlugin` to a plugin, two plugins at a time, and verifies each against the scatter oracle.
    /// - Parameter load: maps a plugin's file, or finds another way to run its kernels.
    static func run(
        _ cases: [KernelCase], perPlugin: Int = 40, load: @escaping @Sendable (_ plugin: String) throws -> [any Kernel]
    ) async throws -> KernelRun {
        var parts: [[KernelCase]] = []
        // A plugin is for one target.
        for target in Target.named {
            let mine = cases.filter { $0.schedule.target.instructionSet == target.instructionSet }
            parts += stride(from: 0, to: mine.count, by: perPlugin).map { Array(mine[$0..<min($0 + perPlugin, mine.count)]) }
        }
        var result = KernelRun()
        try await withThrowingTaskGroup(of: KernelRun.self) { group in
            var waiting = parts.makeIterator()
            func startNext() {
                guard let part = waiting.next() else { return }
                group.addTask { try await one(part, load) }
            }
            startNext()
            startNext()
            while let run = try await group.next() {
                startNext()
                result.kernels += run.kernels
                result.checks += run.checks
            }
        }
        return result
    }

    private static func one(_ part: [KernelCase], _ load: @Sendable (String) throws -> [any Kernel]) async throws -> KernelRun {
        let plugins = try TemporaryPlugins()
        defer { withExtendedLifetime(plugins) {} }
        let path = try await plugins.file(part.map(\.schedule), target: part[0].schedule.target)
        let kernels = try load(path)
        try #require(kernels.count == part.count)
        var result = KernelRun()
        for (one, kernel) in zip(part, kernels) { result.verify(one, kernel) }
        return result
    }

    private mutating func verify(_ one: KernelCase, _ kernel: any Kernel) {
        let name = "\(one.schedule.spec.key) \(one.schedule.text) \(one.schedule.target.name) batch \(one.batch) (\(one.kind))"
        do {
            let report = try KernelVerifier(kernel, reference: OracleReference(), batch: one.batch, seed: one.seed).verify()
            for failure in report.failures { Issue.record("\(name): \(failure.name): \(failure.failure ?? "")") }
            checks += report.checks.count
        } catch {
            Issue.record("\(name): \(error)")
        }
        kernels += 1
    }
}

extension Schedule {
    /// Whether clang takes half a second or more for the kernel; a few of those are enough.
    fileprivate var isLong: Bool {
        if let schedule = filterLanes { return schedule.tilePlan.useCount * schedule.parameters.vectors > 1200 }
        if let schedule = minimalFiltering {
            // Points are unrolled in the transforms, and every number of rows has its product.
            let points = schedule.addsUp ? schedule.points / 2 : schedule.combinations.reduce(0) { $0 + $1.points }
            return points > 90 || schedule.parameters.rows * schedule.tileVectors > 20
        }
        return false
    }
}
