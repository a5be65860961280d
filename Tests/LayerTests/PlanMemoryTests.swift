import Synchronization
import Testing
import VoxKerasConfig
import VoxKernelRuntime
import Voxelsmith
import _CTestSupport
import _TestSupport

/// Where the tensors of a plan lie, and what calls do with that memory.
@Suite struct PlanMemoryTests {
    /// Buffers that live at the same time do not overlap, lines are whole, and the block is as long as the last of them needs.
    @Test func noTwoLiveBuffersOverlap() {
        var random = SeededRandom(seed: 41)
        for _ in 0..<400 {
            let buffers = (0..<random.integer(0...24)).map { _ in
                let (first, size) = (random.integer(0...30), random.choice([1, 64, 65, 700, 4096, random.integer(1...9999)]))
                return ArenaLayout.Buffer(byteCount: size, lifetime: first...first + random.integer(0...9))
            }
            let layout = ArenaLayout(buffers)
            func end(_ index: Int) -> Int { layout.offsets[index] + buffers[index].byteCount }
            #expect(layout.offsets.count == buffers.count && layout.offsets.allSatisfy { $0 >= 0 && $0 % 64 == 0 })
            #expect(layout.byteCount == buffers.indices.map { (end($0) + 63) / 64 * 64 }.max() ?? 0)
            for one in buffers.indices {
                for other in buffers.indices where other > one && buffers[one].lifetime.overlaps(buffers[other].lifetime) {
                    #expect(end(one) <= layout.offsets[other] || end(other) <= layout.offsets[one], "\(buffers[one]), \(buffers[other])")
                }
            }
            // Never less than what lives at one time, nor more than everything.
            let rounded = buffers.map { ($0.byteCount + 63) / 64 * 64 }
            let live = (0...40).map { step in zip(buffers, rounded).reduce(0) { $1.0.lifetime.contains(step) ? $0 + $1.1 : $0 } }
            #expect(layout.byteCount >= live.max() ?? 0 && layout.byteCount <= rounded.reduce(0, +))
        }
    }

    /// The layout by its definition, which looks at every pair.
    private func definedOffsets(_ buffers: [ArenaLayout.Buffer]) -> [Int] {
        func rounded(_ index: Int) -> Int { (buffers[index].byteCount + 63) / 64 * 64 }
        var offsets = buffers.map { _ in -1 }
        for index in buffers.indices.sorted(by: { (-buffers[$0].byteCount, $0) < (-buffers[$1].byteCount, $1) }) {
            let neighbours = buffers.indices.filter { offsets[$0] >= 0 && buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
            var (end, gaps): (Int, [(size: Int, offset: Int)]) = (0, [])
            for other in neighbours.sorted(by: { offsets[$0] < offsets[$1] }) {
                gaps.append((offsets[other] - end, end))
                end = max(end, offsets[other] + rounded(other))
            }
            offsets[index] = gaps.filter { $0.size >= rounded(index) }.min { ($0.size, $0.offset) < ($1.size, $1.offset) }?.offset ?? end
        }
        return offsets
    }

    @Test func buffersLieInTheNarrowestGap() {
        var random = SeededRandom(seed: 42)
        for round in 0..<300 {
            let buffers = (0..<random.integer(0...40)).map { _ in
                let (first, size) = (random.integer(-1...30), random.choice([1, 64, 65, 700, 4096, random.integer(1...9999)]))
                return ArenaLayout.Buffer(byteCount: size, lifetime: first...first + random.integer(0...random.choice([1, 9, 40])))
            }
            #expect(ArenaLayout(buffers).offsets == definedOffsets(buffers), "\(round): \(buffers)")
            // Where gaps are no longer looked for, nothing overlaps either.
            let short = ArenaLayout(buffers, patience: random.integer(0...60))
            func place(_ index: Int) -> Range<Int> { short.offsets[index]..<short.offsets[index] + buffers[index].byteCount }
            for one in buffers.indices {
                #expect(place(one).upperBound <= short.byteCount && short.offsets[one] % 64 == 0)
                for other in 0..<one where buffers[one].lifetime.overlaps(buffers[other].lifetime) {
                    #expect(!place(one).overlaps(place(other)), "\(round): \(buffers[one]), \(buffers[other])")
                }
            }
        }
    }

    /// As many as a file may ask for, in the time of a test: each read by the next one, all read at the end, each inside of the one before.
    @Test func veryManyBuffersAreLaidOut() {
        let count = 20_000
        let sizes = (0..<count).map { 64 * (1 + $0 * 7919 % 97) }
        let chain = ArenaLayout(sizes.enumerated().map { .init(byteCount: $1, lifetime: $0...$0 + 1) })
        // Two neighbours and what one between them could not use.
        #expect(chain.byteCount <= 4 * 64 * 97)
        let all = ArenaLayout(sizes.enumerated().map { .init(byteCount: $1, lifetime: $0...count) })
        #expect(all.byteCount == sizes.reduce(0, +))
        let nested = ArenaLayout(sizes.enumerated().map { .init(byteCount: $1, lifetime: $0...2 * count - $0) })
        #expect(nested.byteCount == sizes.reduce(0, +))
    }

    @Test func oneBufferIsUsedAgain() {
        // A chain of equal ones takes two; a small one fits into the gap that the widest fit leaves.
        let chain = ArenaLayout((0..<6).map { ArenaLayout.Buffer(byteCount: 640, lifetime: $0...$0 + 1) })
        #expect(chain.byteCount == 1280)
        let layout = ArenaLayout([
            .init(byteCount: 1024, lifetime: 0...9), .init(byteCount: 512, lifetime: 0...3), .init(byteCount: 256, lifetime: 0...9),
            .init(byteCount: 128, lifetime: 5...9),
        ])
        #expect(layout.byteCount == 1792 && layout.offsets[3] == 1024)
    }

    /// A U-Net with everything: branches, a layer called twice, results that are read inside, an input that is one, reshapes.
    private func network() -> PlanNetwork {
        var network = PlanNetwork()
        let plain: JSONObject = ["dtype": "float32"]
        network.input("x", [nil, 4, 6, 4, 2])
        network.input("z", [nil, 4, 6, 4, 1])
        network.add("Concatenate", "xz", plain, on: "x", "z")
        network.add("Conv3D", "a", .convolution(3, [1, 3, 3], ["padding": "same"]), on: "xz")
        network.add("BatchNormalization", "n", .normalization(), on: "a")
        network.add("ReLU", "r", plain, on: "n")
        network.add("MaxPooling3D", "p", ["pool_size": 2, "dtype": "float32"], on: "r")
        network.add("Conv3D", "c", .convolution(3, 1), on: "p")
        network.call("c", on: "r")
        network.add("UpSampling3D", "u", ["size": 2, "dtype": "float32"], on: "c")
        network.add("Add", "s", plain, on: "u", "c:1")
        network.add("PReLU", "t", ["shared_axes": [1, 2, 3], "dtype": "float32"], on: "s")
        network.add("BatchNormalization", "q", .normalization(["axis": 1]), on: "t")
        network.add("Reshape", "w", ["target_shape": [6, 4, 12], "dtype": "float32"], on: "q")
        network.add("LayerNormalization", "l", plain, on: "w")
        network.add("Conv3D", "mask", .convolution(2, 2), on: "r")
        network.end("w", "l", "mask", "s", "x", "r")
        return network
    }

    @Test func everyBatchAndNumberOfThreadsGivesTheBitsOfTheLayers() throws {
        let model = try network().model()
        let prepared = try model.preparedModel(inputShapes: [[2, 4, 6, 4, 2], [2, 4, 6, 4, 1]])
        #expect(prepared.plan.steps.contains { $0.name == "a + n + r" } && prepared.plan.steps.filter { $0.name == "c" }.count == 2)
        // More of them than plans are kept.
        for (round, batch) in [2, 1, 3, 0, 5, 4, 7, 2].enumerated() {
            let xs = [
                try PlanNetwork.random([batch, 4, 6, 4, 2], seed: UInt64(round)), try PlanNetwork.random([batch, 4, 6, 4, 1], seed: UInt64(round + 50)),
            ]
            let expected = try model(xs)
            for threads in 1...3 {
                let results = try prepared(xs, threads: threads)
                #expect(results.map(\.shape) == expected.map(\.shape) && results.map(\.floats) == expected.map(\.floats), "batch \(batch), \(threads)")
            }
        }
        // Another type is cast, once where all readers compute in one.
        let wide = try [PlanNetwork.random([1, 4, 6, 4, 2], seed: 1).cast(to: .float64), PlanNetwork.random([1, 4, 6, 4, 1], seed: 2).cast(to: .float64)]
        let (results, expected) = (try prepared(wide), try model(wide))
        #expect(results.map(\.doubles) == expected.map(\.doubles) && results.map(\.elementType) == expected.map(\.elementType))
    }

    /// Earlier results are not written by later calls, nor those of one call by the steps behind them.
    @Test func resultsAreTensorsOfTheirOwn() throws {
        let model = try network().model()
        let prepared = try model.preparedModel(inputShapes: [[1, 4, 6, 4, 2], [1, 4, 6, 4, 1]])
        func inputs(_ seed: UInt64) throws -> [Tensor] {
            [try PlanNetwork.random([1, 4, 6, 4, 2], seed: seed), try PlanNetwork.random([1, 4, 6, 4, 1], seed: seed + 1)]
        }
        let first = try prepared(inputs(1))
        let values = first.map(\.floats)
        _ = try prepared(inputs(5))
        let expected = try model(inputs(1)).map(\.floats)
        #expect(first.map(\.floats) == values && values == expected)
    }

    @Test func callsMayRunAtOnce() async throws {
        let model = try network().model()
        let shapes = [[2, 4, 6, 4, 2], [2, 4, 6, 4, 1]]
        let prepared = try model.preparedModel(inputShapes: shapes)
        let inputs = try (0..<8).map { round in try shapes.map { try PlanNetwork.random($0, seed: UInt64(round)) } }
        let expected = try inputs.map { try model($0).map(\.floats) }
        let results = try await withThrowingTaskGroup(of: (Int, [[Float]]).self) { group in
            for (index, xs) in inputs.enumerated() {
                group.addTask {
                    for _ in 0..<20 { _ = try prepared(xs, threads: 2) }
                    return (index, try prepared(xs, threads: 1).map(\.floats))
                }
            }
            return try await group.reduce(into: [Int: [[Float]]]()) { $0[$1.0] = $1.1 }
        }
        for (index, values) in expected.enumerated() { #expect(results[index] == values, "\(index)") }
    }

    /// A network of convolutions and loops.
    private func plain(_ extent: Int) -> PlanNetwork {
        var network = PlanNetwork()
        network.input("x", [nil, extent, 8, 16, 4])
        network.add("Conv3D", "a", .convolution(8, 3, ["padding": "same"]), on: "x")
        network.add("BatchNormalization", "n", .normalization(), on: "a")
        network.add("ReLU", "r", ["dtype": "float32"], on: "n")
        network.add("AveragePooling3D", "p", ["pool_size": 2, "dtype": "float32"], on: "r")
        network.add("UpSampling3D", "u", ["size": 2, "dtype": "float32"], on: "p")
        network.add("Add", "s", ["dtype": "float32"], on: "u", "r")
        network.add("PReLU", "t", ["shared_axes": [1, 2, 3], "dtype": "float32"], on: "s")
        network.add("Conv3D", "y", .convolution(2, 1), on: "t")
        network.end("y")
        return network
    }

    /// Elementwise steps write where they read: r, and p, u beside it; s and t lie where u does.
    @Test func thePeakIsThatOfThePlan() throws {
        let plan = try plain(8).model().plan(inputShape: [1, 8, 8, 16, 4])
        let whole = 8 * 8 * 16 * 8 * 4
        #expect(plan.steps.map(\.name) == ["a + n + r", "p", "u", "s", "t", "y"])
        #expect(plan.peakByteCount == 2 * whole + whole / 8)
        #expect(plan.steps[2].offset == plan.steps[3].offset && plan.steps[3].offset == plan.steps[4].offset && plan.steps[5].offset == nil)
        #expect(plan.steps[0].outputShapes == [[1, 8, 8, 16, 8]] && plan.steps[0].byteCount == whole && plan.steps[0].isSpecialized == false)
        #expect(plan.steps[1].isSpecialized == nil && plan.steps[1].kernel == "loop" && plan.steps[1].flopCount == 0)
        let text = plan.description
        #expect(text.contains("a + n + r") && text.contains("pool \(plan.peakByteCount) bytes"), "\(text)")
        let larger = try plain(8).model().plan(inputShape: [3, 8, 8, 16, 4])
        #expect(larger.peakByteCount == 3 * plan.peakByteCount && larger.steps[0].flopCount == 3 * plan.steps[0].flopCount)
    }

    @Test(.enabled(if: vs_test_watches_allocations() != 0, "a sanitizer's allocator is not watched"))
    func callsAllocateNothingBesideTheirResults() throws {
        let shape = [2, 8, 8, 16, 4]
        let prepared = try plain(8).model().preparedModel(inputShape: shape)
        let x = try PlanNetwork.random(shape, seed: 9)
        _ = try prepared(x)
        _ = try prepared(x)
        for threads in [1, 2] {
            // Other tests empty the pool at times, so the best of several calls counts.
            var least = Int.max
            for _ in 0..<20 {
                vs_test_forget_allocations()
                let y = try prepared(x, threads: threads)
                least = min(least, Int(vs_test_largest_allocation()))
                #expect(y.shape == [2, 8, 8, 16, 2])
            }
            #expect(least <= 4096, "\(threads) threads")
        }
    }

    /// A function of a model is called by whoever has it: kernels would read past the end of a smaller input.
    @Test func preparedCallsRefuseOtherShapes() throws {
        let model = try plain(8).model()
        let call = try model.preparedCall(inputShapes: [[2, 8, 8, 16, 4]])
        for shape in [[2, 4, 8, 16, 4], [1, 8, 8, 16, 2], [1, 8, 8, 32, 4]] {
            let x = try PlanNetwork.random(shape, seed: 4)
            #expect(throws: TensorError.shapeMismatch(received: shape, expected: [shape[0], 8, 8, 16, 4])) { try call([x], 2) }
        }
    }

    @Test func stepsAreTimed() throws {
        let shape = [2, 8, 8, 16, 4]
        let prepared = try plain(8).model().preparedModel(inputShape: shape)
        let x = try PlanNetwork.random(shape, seed: 9)
        let (results, seconds) = try prepared.timed([x], threads: 1)
        let expected = try prepared([x]).map(\.floats)
        #expect(results.map(\.floats) == expected)
        #expect(seconds.count == prepared.plan.steps.count && seconds.allSatisfy { $0 > 0 && $0 < 60 })
        #expect(throws: LayerError.inputCount(layer: "model", received: 2, expected: 1)) { try prepared.timed([x, x]) }
    }

    /// Returns its input, and of a batch of two samples the first alone, whatever it says.
    private final class Odd: Layer {
        override func call(_ x: Tensor, threads: Int) throws -> Tensor { try Self.odd(x) }
        override func computeOutputShape(_ inputShape: [Int]) throws -> [Int] { inputShape }
        override func preparedCall(inputShapes: [[Int]]) throws -> PreparedCall { { xs, _ in try xs.map(Self.odd) } }
        private static func odd(_ x: Tensor) throws -> Tensor {
            x.shape[0] == 2 ? try Tensor(shape: [1] + x.shape.dropFirst(), Array(x.floats.prefix(x.elementCount / 2))) : x
        }
    }

    /// What a layer of the user's own returns may share its memory with what it was given, and have another shape than was foreseen.
    @Test func layersOfTheUsersOwnMayReturnAnything() throws {
        let model = try withGraph {
            let x = try Input(shape: [1, 3, 2, 4], name: "x")
            let up = try Conv3DTranspose(filters: 4, kernelSize: 1, biasInitializer: Ones(), name: "up", kernels: KernelRegistry())
            let y = try Odd(name: "odd")(up(x))
            let last = try Conv3DTranspose(filters: 4, kernelSize: 1, activation: .relu, name: "last", kernels: KernelRegistry())
            return try Model(inputs: [x], outputs: [last(y), y])
        }
        let prepared = try model.preparedModel(inputShape: [1, 1, 3, 2, 4])
        for batch in [1, 3, 2, 1] {
            let x = try PlanNetwork.random([batch, 1, 3, 2, 4], seed: UInt64(batch))
            let (results, expected) = (try prepared([x]), try model([x]))
            #expect(results.map(\.shape) == expected.map(\.shape) && results.map(\.floats) == expected.map(\.floats), "batch \(batch)")
        }
    }
}
