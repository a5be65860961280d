import KernelBuild
import KernelEmission
import KernelRuntime
import LayerSpec
import Logging
import Scheduling
import Tensors
import Testing
import Tuning
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

    func kernels(_ schedules: [Schedule], target: Target) async throws -> [SpecializedKernel] {
        let built = try await build(schedules, target: target)
        count += 1
        let path = folder.path("\(count).so")
        try built.write(to: path)
        return try PluginImage(path: path).kernels()
    }
}

/// Named targets whose code runs on this machine.
let runnableTargets = Target.named.filter { Set($0.requiredFeatures).isSubset(of: HostCPU.features) }

@Suite struct GeneratedKernelTests {
    /// At least 600 pairs of a random problem and a target pass every check of the verifier, against the scatter oracle.
    @Test func randomSpecsPassEveryCheck() async throws {
        let plugins = try TemporaryPlugins()
        var counts = ClassCounts()
        var pairs = 0
        var checks = 0
        let perTarget = 900 / max(1, runnableTargets.count) + 1
        for (number, target) in runnableTargets.enumerated() {
            var specs = RandomSpecs(seed: UInt64(1000 + number))
            var schedules: [Schedule] = []
            var names: Set<SpecKey> = []
            while schedules.count < perTarget {
                let spec: KernelSpec
                let decision: Decision?
                if schedules.count % 3 == 2 {
                    (spec, decision) = specs.nextFast(target)
                } else if schedules.count % 15 == 1 {
                    (spec, decision) = specs.nextSingleVoxel(target)
                } else {
                    spec = specs.next()
                    decision = specs.decision(spec, target)
                }
                guard names.insert(spec.key).inserted else { continue }
                // A random decision may break a limit; the estimate never does here.
                guard let schedule = try? plan(spec, target: specs.machine(spec, target), decision: decision) else {
                    #expect(decision != nil, "no schedule for \(spec.key)")
                    continue
                }
                schedules.append(schedule)
            }
            for start in stride(from: 0, to: schedules.count, by: 40) {
                let part = Array(schedules[start..<min(start + 40, schedules.count)])
                let kernels = try await plugins.kernels(part, target: target)
                for (schedule, kernel) in zip(part, kernels) {
                    let batch = specs.batch()
                    let report = try KernelVerifier(
                        kernel, reference: OracleReference(), batch: batch, seed: UInt64(pairs + 1)
                    ).verify()
                    for failure in report.failures {
                        Issue.record("\(schedule.spec.key) \(schedule.text) \(target.name) batch \(batch): \(failure.name): \(failure.failure ?? "")")
                    }
                    counts.count(schedule, batch: batch)
                    pairs += 1
                    checks += report.checks.count
                }
            }
        }
        print("generated kernels: \(pairs) pairs on \(runnableTargets.map(\.name)), \(checks) checks")
        for (name, count) in counts.counts.sorted(by: { $0.key < $1.key }) { print("  \(name): \(count)") }
        #expect(pairs >= 600)
        for (name, minimum) in ClassCounts.minima {
            #expect(counts.counts[name, default: 0] >= minimum, "\(name)")
        }
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
            print("SKIPPED: machine code not inspected, \(built.inspection)")
            return
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
}

/// A kernel with one fault put in.
private struct FaultyKernel: Kernel {
    enum Fault: CaseIterable { case swappedWeights, shiftedOutput, unwrittenOutput, lateRounding, spreadingNaN, itemDependent }

    let kernel: SpecializedKernel
    let fault: Fault

    var spec: KernelSpec { kernel.spec }
    var name: String { "faulty" }
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
        case .lateRounding: for index in y.indices { y[index] *= 1 + 0x1p-14 }
        case .spreadingNaN: if y.contains(where: \.isNaN) { y[0] = .nan }
        case .itemDependent: if items.lowerBound > 0 { y[0] = y[0].nextUp }
        }
    }
}
