import Logging
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// Builds plugins in a folder of its own.
final class TemporaryPlugins {
    private let folder: TemporaryFolder
    private var count = 0

    init() throws { folder = try TemporaryFolder() }

    /// Compiles schedules into one plugin; warnings of clang are errors.
    func build(_ schedules: [Schedule], target: Target) async throws -> BuiltPlugin {
        let source = try PluginSource(try schedules.map { try KernelUnit($0) }) { _ in "" }
        let builder = PluginBuilder(
            compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"), warningsAreErrors: true)
        return try await builder.build(source, target: target)
    }

    /// - Returns: the path of the plugin; the file lives as long as this object.
    func file(_ schedules: [Schedule], target: Target) async throws -> String {
        let built = try await build(schedules, target: target)
        count += 1
        let path = folder.path("\(count).so")
        try built.write(to: path)
        return path
    }

    func kernels(_ schedules: [Schedule], target: Target) async throws -> [SpecializedKernel] {
        try PluginImage(path: try await file(schedules, target: target)).kernels()
    }
}

/// Named targets whose code runs on this machine.
let runnableTargets = Target.named.filter { Set($0.requiredFeatures).isSubset(of: HostCPU.features) }

@Suite struct GeneratedKernelTests {
    /// At least 3000 tuples of problem, policy, family and target pass every check of the verifier, against the scatter oracle.
    @Test func everyKindPassesEveryCheck() async throws {
        let perTarget = TestLength.scaled(3030 / max(1, runnableTargets.count) + 1)
        let cases = try runnableTargets.enumerated().flatMap { number, target in
            try KernelRun.draw(perTarget, target, seed: UInt64(1000 + number), largest: 3_000_000)
        }
        let classes = KernelClasses(cases)
        classes.report("generated kernels on \(runnableTargets.map(\.name))")
        if TestLength.isWhole {
            #expect(classes.tuples.count >= 3000)
            for (name, minimum) in ClassCounts.minima {
                #expect(classes.counts.counts[name, default: 0] >= 3 * minimum, "\(name)")
            }
        }
        let run = try await KernelRun.run(cases) { try PluginImage(path: $0).kernels() }
        print("generated kernels: \(run.kernels) verified, \(run.checks) checks")
        #expect(run.kernels == cases.count)
        #expect(run.checks >= 8 * run.kernels)
    }

    /// Kernels for NEON are run where the machine is another one, too.
    @Test(.enabled(if: !runnableTargets.contains(Target(.aarch64NEON)), "everyKindPassesEveryCheck runs them as they are"))
    func emulatedNEONPassesEveryCheck() async throws {
        let target = Target(.aarch64NEON)
        let emulator: Emulator
        do {
            emulator = try await Emulator()
        } catch let missing as Emulator.Missing {
            try Test.cancel("NEON kernels: \(missing)")
        }
        let cases = try KernelRun.draw(TestLength.scaled(200), target, seed: 1100, largest: 150_000)
            + KernelRun.draw(TestLength.scaled(40), target, of: ProblemKind.convolutions, seed: 1101, largest: 150_000)
        let classes = KernelClasses(cases)
        classes.report("emulated kernels for \(target.name)")
        if TestLength.isWhole {
            #expect(classes.tuples.count >= 240)
            for (name, minimum) in [
                "minimal filtering": 40, "two channels per vector": 4, "channels as lanes": 20, "weight-stationary": 20, "unrolled rows": 20,
                "several filter blocks": 60, "channels no multiple of lanes": 100, "filters no multiple of lanes": 100, "activation": 50,
                "batch above 1": 60, "dilation": 10, "axis of length 1": 40, "phase without taps": 30, "asymmetric crop": 100,
            ] { #expect(classes.counts.counts[name, default: 0] >= minimum, "\(name)") }
        }
        let run = try await KernelRun.run(cases) { try emulator.kernels(plugin: $0) }
        print("emulated kernels: \(run.kernels) verified, \(run.checks) checks")
        #expect(run.kernels == cases.count)
        #expect(run.checks >= 8 * run.kernels)

        // An emulated kernel that writes behind its output is noticed, and the next one has its turn.
        let plugins = try TemporaryPlugins()
        defer { withExtendedLifetime(plugins) {} }
        var kernel = try #require(try emulator.kernels(plugin: try await plugins.file([cases[0].schedule], target: target)).first)
        kernel.withheldBytes = 4
        #expect(throws: KernelError.self) { try KernelVerifier(kernel, reference: OracleReference()).verify() }
        kernel.withheldBytes = 0
        #expect(try KernelVerifier(kernel, reference: OracleReference()).verify().failures.isEmpty)
    }

    /// Every named target compiles, uses its own vectors, and leaves nothing undefined, also where it cannot run here.
    @Test(arguments: Target.named) func everyTargetCompiles(_ target: Target) async throws {
        let plugins = try TemporaryPlugins()
        var specs = RandomSpecs(seed: 77)
        var schedules: [Schedule] = []
        while schedules.count < 8 {
            if let schedule = try? plan(specs.next(), target: target) { schedules.append(schedule) }
        }
        let built = try await plugins.build(schedules, target: target)
        guard case .inspected(let inspection) = built.inspection else {
            try Test.cancel("machine code not inspected, \(built.inspection)")
        }
        #expect(inspection.usesVectors(of: target))
        #expect(inspection.undefinedSymbols.isEmpty)
        #expect(inspection.constructorSections.isEmpty)
        if target.hasFusedMultiplyAdd { #expect(inspection.fusedMultiplyAdds > 100) }
    }

    /// A kernel with a fault is found: the verifier is run on weights that are packed wrongly, results shifted by one
    /// element, and NaN spread too far.
    @Test func faultsAreFound() async throws {
        let target = try #require(runnableTargets.first)
        let axis = try AxisGeometry(input: 5, output: 9, kernel: 3, stride: 2, dilation: 1, crop: 1)
        let spec = KernelSpec(geometry: try Geometry(axes: [axis, axis, axis], channels: 3, filters: 4), policy: .direct)
        let kernels = try await TemporaryPlugins().kernels([plan(spec, target: target)], target: target)
        let kernel = try #require(kernels.first)
        #expect(try KernelVerifier(kernel, reference: OracleReference()).verify().failures.isEmpty)
        for fault in FaultyKernel.Fault.allCases {
            let report = try KernelVerifier(FaultyKernel(kernel: kernel, fault: fault), reference: OracleReference()).verify()
            #expect(!report.failures.isEmpty, "\(fault)")
        }
    }

    /// Errors of a few times the roundings that a sum passes through are found, for both policies: a looser bound would let them
    /// through.
    @Test func smallErrorsAreFound() async throws {
        let target = try #require(runnableTargets.first)
        let one = try AxisGeometry(input: 4, output: 4, kernel: 1, stride: 1, dilation: 1, crop: 0)
        let two = try AxisGeometry(input: 40, output: 41, kernel: 2, stride: 1, dilation: 1, crop: 0)
        let geometry = try Geometry(axes: [one, one, two], channels: 1, filters: 5)
        // Directly two products and the bias, 3 roundings; by minimal filtering 6, of magnitudes up to three times as large.
        let cases: [(Policy, Decision, roundings: Float)] = [
            (.direct, .filterLanes(FilterLanes(tileWidth: 4)), 6),
            (.fast, .minimalFiltering(MinimalFiltering(block: [1, 1, 4], vectors: 1, rows: 4)), 14),
        ]
        for (policy, decision, roundings) in cases {
            let schedule = try plan(KernelSpec(geometry: geometry, policy: policy), target: target, decision: decision)
            let kernel = try #require(try await TemporaryPlugins().kernels([schedule], target: target).first)
            #expect(try KernelVerifier(kernel, reference: OracleReference()).verify().failures.isEmpty)
            let faulty = FaultyKernel(kernel: kernel, fault: .lateRounding, factor: 1 + roundings * 0x1p-24)
            let failures = try KernelVerifier(faulty, reference: OracleReference()).verify().failures
            #expect(failures.contains { $0.name == "random reals within the derived bound" }, "\(policy)")
        }
    }
}

/// A kernel with one fault put in.
private struct FaultyKernel: Kernel {
    enum Fault: CaseIterable { case swappedWeights, shiftedOutput, unwrittenOutput, lateRounding, spreadingNaN, itemDependent }

    let kernel: SpecializedKernel
    let fault: Fault
    /// Of `lateRounding`.
    var factor: Float = 1 + 0x1p-14

    var spec: KernelSpec { kernel.spec }
    var name: String { "faulty" }
    var schedule: String { kernel.schedule }
    var packingKey: String { kernel.packingKey }
    var packedByteCount: Int { kernel.packedByteCount }
    var workspaceByteCount: Int { kernel.workspaceByteCount }
    func workItemCount(batch: Int) -> Int { kernel.workItemCount(batch: batch) }

    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) throws(KernelError) {
        guard fault == .swappedWeights else { return try kernel.pack(weights: weights, into: packed) }
        let count = spec.geometry.kernelShape.reduce(1, *)
        var reversed = UnsafeBufferPointer(start: weights.assumingMemoryBound(to: Float.self), count: count).map { $0 }
        reversed.reverse()
        let copy = GuardedBuffer(reversed, placement: .atEnd)
        defer { withExtendedLifetime(copy) {} }
        try kernel.pack(weights: copy.address, into: packed)
    }

    func run(_ arguments: KernelArguments, items: Range<Int>) throws(KernelError) {
        try kernel.run(arguments, items: items)
        guard items.upperBound == workItemCount(batch: arguments.batch) else { return }
        let count = spec.outputShape(batch: arguments.batch).reduce(1, *)
        let y = UnsafeMutableBufferPointer(start: arguments.output.assumingMemoryBound(to: Float.self), count: count)
        switch fault {
        case .swappedWeights: break
        case .shiftedOutput: y[count - 1] = y[count - 2]
        case .unwrittenOutput: y[count / 2] = .nan
        case .lateRounding: for index in y.indices { y[index] *= factor }
        case .spreadingNaN: if y.contains(where: \.isNaN) { y[0] = .nan }
        case .itemDependent: if items.lowerBound > 0 { y[0] = y[0].nextUp }
        }
    }
}
