import Foundation
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

/// Generated plugins with kernels for several targets of one processor family.
@Suite(.enabled(if: PluginFile.Machine.host == .x86_64, "only x86-64 has several targets"))
struct SeveralTargetsKernelTests {
    private static let targets = [Target(.x86_64_v4), Target(.x86_64_v3), Target(.x86_64_v2)]
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Two problems with tails in channels and filters, of which one has an activation.
    private static func specs() throws -> [KernelSpec] {
        let up = try LayerConfig(name: "up", filters: 19, kernelSize: [2, 3, 4], strides: [2, 1, 3], activation: .relu)
        let even = try LayerConfig(name: "even", filters: 8, kernelSize: [3, 3, 3], strides: [1, 2, 1])
        return [try up.spec(inputShape: [1, 3, 4, 5, 7], policy: .direct), try even.spec(inputShape: [1, 4, 3, 2, 16], policy: .direct)]
    }

    private func built(_ schedules: [Schedule], _ targets: [Target] = targets) async throws -> BuiltPlugin {
        let source = try PluginSource(try schedules.map { try KernelUnit($0) }) { _ in "" }
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"), warningsAreErrors: true)
        return try await builder.build(source, targets: PluginTargets(targets))
    }

    private func schedules() throws -> [Schedule] {
        let specs = try Self.specs()
        return try Self.targets.flatMap { target in try specs.map { try plan($0, target: target) } }
    }

    private func written(_ plugin: BuiltPlugin) throws -> String {
        let path = folder.path("plugin.so")
        try plugin.write(to: path)
        return path
    }

    /// The instructions of each kernel are those of its target, and each that this machine runs computes what it should.
    @Test func everyKernelIsThatOfItsTarget() async throws {
        let plugin = try await built(schedules())
        let path = try written(plugin)
        let file = try PluginFile(path: path)
        #expect(file.descriptors.map(\.target) == Self.targets.flatMap { [$0.name, $0.name] })
        #expect(file.descriptors.map { Set($0.features) } == Self.targets.flatMap { [Set($0.requiredFeatures), Set($0.requiredFeatures)] })
        if case .inspected(let inspection) = plugin.inspection {
            for kernel in file.descriptors {
                let functions = inspection.functions.filter { $0.file == kernel.name + ".c" }
                func uses(_ count: (InspectedFunction) -> Int) -> Bool { functions.contains { count($0) > 0 } }
                let wide = ["x86-64-v4": [true, true], "x86-64-v3": [false, true], "x86-64-v2": [false, false]]
                // A kernel in wide registers may have narrower ones too.
                #expect([uses(\.zmm), uses(\.zmm) || uses(\.ymm)] == wide[kernel.target], "\(kernel.name)")
                #expect(uses(\.fusedMultiplyAdds) == (kernel.target != "x86-64-v2"), "\(kernel.name)")
            }
        }
        let image = try PluginImage(path: path)
        var verified = 0
        for index in file.descriptors.indices where file.obstacle(to: file.descriptors[index], features: HostCPU.features) == nil {
            let report = try KernelVerifier(image.kernel(at: index), reference: OracleReference(), batch: 2, seed: UInt64(index)).verify()
            for failure in report.failures { Issue.record("\(report.kernel): \(failure.name): \(failure.failure ?? "")") }
            verified += 1
        }
        #expect(verified == 2 * runnableTargets.count)
    }

    @Test func eachProcessorGetsItsBestKernels() async throws {
        let path = try written(await built(schedules()))
        for target in Self.targets {
            let image = try PluginImage(path: path, features: Set(target.requiredFeatures))
            let kernels = try image.kernels()
            #expect(kernels.map(\.descriptor.target) == [target.name, target.name])
            #expect(try kernels.map(\.descriptor.key) == Self.specs().map(\.key))
            #expect(image.omitted.count == 4 && image.omitted.allSatisfy(\.isReplaced))
        }
        let least = try #require(try PluginFile(path: path).descriptors.first { $0.target == "x86-64-v2" })
        #expect(throws: PluginError.missingFeatures(path: path, kernel: least.name, features: [.sse42, .popcnt])) {
            try PluginImage(path: path, features: [])
        }
    }

    /// By itself a lookup takes a fast kernel before a direct one, whatever their registers.
    @Test func aWideDirectKernelIsLoadedAndANarrowFastOneIsNot() async throws {
        let layer = try LayerConfig(name: "same", filters: 16, kernelSize: [3, 3, 3], padding: .same(outputPadding: nil))
        let fast = try layer.spec(inputShape: [1, 8, 8, 8, 16], policy: .fast)
        let (wide, narrow) = (Self.targets[0], Self.targets[1])
        let parameters = try #require(MinimalFiltering.candidates(fast, narrow, threads: 1).first)
        let plugin = try await built([parameters, try plan(fast.with(policy: .direct), target: wide)], [wide, narrow])
        let path = try written(plugin)
        #expect(try PluginFile(path: path).descriptors.map(\.spec.policy) == [.fast, .direct])
        for (target, expected) in [(wide, "x86-64-v4"), (narrow, "x86-64-v3")] {
            let registry = KernelRegistry(features: Set(target.requiredFeatures))
            try registry.load(path: path)
            let kernel = try #require(try registry.lookup(fast).kernel as? SpecializedKernel)
            #expect(kernel.descriptor.target == expected && registry.kernelCount == 1)
        }
    }

    /// Each of 1000 bits alone, through the loader and a call: the file is refused and the interpreter answers, or every kernel that is loaded
    /// answers rightly.
    @Test func flippedBitsNeverGiveAWrongAnswer() async throws {
        let spec = try Self.specs()[0]
        let bytes = try await built(Self.targets.map { try plan(spec, target: $0) }).bytes
        var random = SeededRandom(seed: 73)
        func tensor(_ shape: [Int]) throws -> Tensor {
            try Tensor(shape: shape, random.integers(shape.reduce(1, *), limit: 3).map { Float($0) })
        }
        let (x, w, bias) = try (tensor(spec.inputShape(batch: 1)), tensor(spec.geometry.kernelShape), tensor([19]))
        func answer(_ choice: KernelChoice) throws -> Tensor { try PreparedLayer(spec: spec, choice: choice, weights: w, bias: bias).call(x) }
        // Sums of small integers are exact, in any order.
        let expected = try answer(.interpreter(spec, reason: "the measure"))
        #expect(expected.floats.contains { $0 > 0 })
        let sound = KernelRegistry()
        try sound.load(path: folder.write(bytes, as: "sound.so"))
        #expect(try answer(sound.lookup(spec, mode: .specialized)).floats == expected.floats)

        var refused = 0
        for round in 0..<TestLength.scaled(1000) {
            var damaged = bytes
            let place = random.integer(0...bytes.count - 1)
            damaged[place] ^= 1 << UInt8(round % 8)
            let path = try folder.write(damaged, as: "damaged.so")
            let registry = KernelRegistry()
            do throws(PluginError) {
                try registry.load(path: path)
            } catch {
                refused += 1
                #expect(registry.kernelCount == 0 && error.description.hasSuffix("."), "bit \(round % 8) of byte \(place): \(error)")
            }
            let choice = try registry.lookup(spec)
            #expect(try answer(choice).floats == expected.floats, "bit \(round % 8) of byte \(place): \(choice.reason)")
        }
        #expect(refused == TestLength.scaled(1000))
    }
}
