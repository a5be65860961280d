import Testing
import VoxKerasConfig
import VoxKernelRuntime
import Voxelsmith
import _CTestSupport
import _TestSupport

/// Layers that need numbers of their whole input, and activations behind loops: in the memory of a plan as on tensors.
@Suite struct PlanReductionTests {
    /// One layer after the other.
    private func chain(_ shape: [Int?], _ layers: [(String, JSONObject)]) -> PlanNetwork {
        var network = PlanNetwork()
        network.input("x", [nil] + shape.dropFirst())
        var last = "x"
        for (number, (className, config)) in layers.enumerated() {
            var own = config
            own["dtype"] = "float32"
            network.add(className, "l\(number)", own, on: last)
            last = "l\(number)"
        }
        network.end(last)
        return network
    }

    private func bits(_ tensors: [Tensor]) -> [[UInt32]] {
        tensors.map { $0.floats.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern } }
    }

    /// Checks the steps, and that results are those of the layers one by one, bit by bit.
    private func check(_ network: PlanNetwork, _ xs: [Tensor], steps: [String], _ comment: String) throws {
        let model = try network.model()
        let prepared = try model.preparedModel(inputShapes: xs.map { $0.shape.map { $0 } })
        #expect(prepared.plan.steps.map(\.name) == steps, "\(comment)")
        #expect(prepared.plan.steps.allSatisfy { $0.kernel != "layer" }, "\(comment)")
        let expected = try bits(model(xs, threads: 1))
        for threads in [1, 3] { #expect(try bits(prepared(xs, threads: threads)) == expected, "\(comment), \(threads) threads") }
    }

    private static let reductions: [(String, JSONObject)] = [
        ("GroupNormalization", ["groups": -1]), ("GroupNormalization", ["groups": 2]), ("GroupNormalization", ["groups": 3, "axis": 1]),
        ("LayerNormalization", [:]), ("LayerNormalization", ["axis": [2, 4], "center": false]), ("LayerNormalization", ["rms_scaling": true]),
        ("UnitNormalization", ["axis": [1, 2]]), ("UnitNormalization", [:]), ("Softmax", ["axis": [1, 4]]), ("Softmax", ["axis": [2, 3]]),
        ("GlobalAveragePooling3D", ["keepdims": true]), ("GlobalMaxPooling3D", ["keepdims": true, "data_format": "channels_first"]),
    ]

    /// Each between other steps, so that it reads from the memory of the call and writes there.
    @Test func reductionsAreStepsOfThePlan() throws {
        let shape = [2, 6, 5, 7, 4]
        for (className, config) in Self.reductions {
            let layers: [(String, JSONObject)] = [("Permute", ["dims": [1, 2, 3, 4]]), (className, config), ("Rescaling", ["scale": 2])]
            for batch in [2, 1, 3] {
                let x = try PlanNetwork.random([batch] + shape.dropFirst(), seed: 3)
                try check(chain(shape.map { $0 }, layers), [x], steps: ["l0", "l1", "l2"], "\(className) \(config) of \(batch)")
            }
        }
    }

    /// What such steps need meanwhile is part of the plan.
    @Test func memoryOfReductionsIsPlanned() throws {
        let shape = [1, 8, 8, 16, 8]
        let whole = 8 * 8 * 16 * 8 * 4
        let layers: [(String, JSONObject)] = [("Permute", ["dims": [3, 2, 1, 4]]), ("GroupNormalization", ["groups": 4]), ("Permute", ["dims": [3, 2, 1, 4]])]
        let plan = try chain(shape.map { $0 }, layers).model().plan(inputShape: shape)
        // The tensor, which is normalized where it is, and beside it some numbers of each channel.
        #expect(plan.steps[0].offset == plan.steps[1].offset)
        #expect(plan.peakByteCount > whole && plan.peakByteCount < whole + whole / 8, "\(plan)")
        let softmax = try chain(shape.map { $0 }, [layers[0], ("Softmax", ["axis": [1, 4]]), layers[2]]).model().plan(inputShape: shape)
        // A power of double precision for each element.
        #expect(softmax.peakByteCount >= 4 * whole, "\(softmax)")
    }

    @Test(.enabled(if: vs_test_watches_allocations() != 0, "a sanitizer's allocator is not watched"))
    func reductionsAllocateNothingBesideTheirResults() throws {
        let shape = [1, 12, 20, 30, 16]
        for (className, config) in Self.reductions {
            let layers: [(String, JSONObject)] = [
                ("Permute", ["dims": [1, 2, 3, 4]]), (className, config), ("Activation", ["activation": "tanh"]), ("GlobalMaxPooling3D", [:]),
            ]
            let prepared = try chain(shape.map { $0 }, layers).model().preparedModel(inputShape: shape)
            let x = try PlanNetwork.random(shape, seed: 9)
            _ = try prepared(x)
            _ = try prepared(x)
            // Other tests empty the pool at times, so the best of several calls counts.
            var least = Int.max
            for _ in 0..<20 {
                vs_test_forget_allocations()
                let y = try prepared(x, threads: 2)
                least = min(least, Int(vs_test_largest_allocation()))
                #expect(y.shape.count == 2)
            }
            #expect(least <= 4096, "\(className) \(config)")
        }
    }

    private static let activations: [(String, JSONObject)] = [
        ("ReLU", [:]), ("LeakyReLU", ["alpha": .number(0.01)]), ("ELU", [:]), ("Activation", ["activation": "silu"]),
        ("Activation", ["activation": "sigmoid"]), ("Activation", ["activation": "gelu"]), ("ReLU", ["max_value": 1]),
    ]

    /// More elements than a block has, in blocks that do not come out even; with numbers that are not finite.
    @Test func activationsJoinLoops() throws {
        let shape = [2, 11, 13, 9, 7]
        var values = try PlanNetwork.random(shape, seed: 4).floats
        for (index, value) in [(0, Float.nan), (9000, .infinity), (17_000, -.infinity), (18_017, .nan)] { values[index] = value }
        for x in [try PlanNetwork.random(shape, seed: 5), try Tensor(shape: shape, values)] {
            for (className, config) in Self.activations {
                for loop: (String, JSONObject) in [
                    ("GroupNormalization", ["groups": -1]), ("LayerNormalization", [:]), ("BatchNormalization", [:]), ("UnitNormalization", ["axis": 2]),
                    ("Rescaling", ["scale": .number(0.5), "offset": 1]),
                ] {
                    let layers: [(String, JSONObject)] = [loop, (className, config), ("ReLU", [:])]
                    try check(chain(shape.map { $0 }, layers), [x], steps: ["l0 + l1", "l2"], "\(loop) \(className) \(config)")
                }
                for merge in ["Add", "Maximum", "Concatenate"] {
                    var network = PlanNetwork()
                    network.input("x", [nil] + shape.dropFirst().map { $0 })
                    network.input("z", [nil] + shape.dropFirst().map { $0 })
                    network.add(merge, "m", ["dtype": "float32"], on: "x", "z")
                    var own = config
                    own["dtype"] = "float32"
                    network.add(className, "a", own, on: "m")
                    network.end("a")
                    try check(network, [x, PlanNetwork.random(shape, seed: 6)], steps: ["m + a"], "\(merge) \(className) \(config)")
                }
            }
        }
    }

    /// Activations stay where others read what is before them, and along rows.
    @Test func activationsStayWhereOthersRead() throws {
        let shape = [2, 3, 4, 5, 2]
        var network = PlanNetwork()
        network.input("x", shape.map { $0 })
        network.add("GroupNormalization", "g", ["groups": 2, "dtype": "float32"], on: "x")
        network.add("ReLU", "r", ["dtype": "float32"], on: "g")
        network.add("Add", "s", ["dtype": "float32"], on: "g", "r")
        network.add("Softmax", "p", ["dtype": "float32"], on: "s")
        network.end("p")
        try check(network, [PlanNetwork.random(shape, seed: 7)], steps: ["g", "r", "s", "p"], "two readers")
    }

    /// Numbers that ascend from piece to piece, far from 0: no piece has the mean of all, nor the beginning of a piece that of the piece. Sums of
    /// what the numbers are more than the first one are exact.
    @Test func momentsOfUnevenData() throws {
        for (channels, groups, start) in [(6, 2, 0x1p20), (1, 1, 0x1p20), (16, 16, -0x1p20), (33, 3, 3), (130, 130, 0x1p10)] {
            let shape = [1, 40, 25, 21, channels]
            let (voxels, width) = (40 * 25 * 21, channels / groups)
            func more(_ voxel: Int, _ channel: Int) -> Double { Double(voxel + channel) }
            let x = try Tensor(shape: shape, (0..<voxels * channels).map { start + more($0 / channels, $0 % channels) })
            var network = PlanNetwork()
            network.input("x", [nil] + shape.dropFirst().map { $0 })
            network.add(
                "GroupNormalization", "g",
                ["groups": .integer(groups), "epsilon": .number(0.25), "center": false, "scale": false, "dtype": "float32"], on: "x")
            network.end("g")
            let model = try network.model(type: "float64")
            let y = try model(x, threads: 3).doubles
            #expect(try model(x, threads: 1).doubles == y, "\(channels), \(groups)")
            for group in 0..<groups {
                var (sum, squares) = (0.0, 0.0)
                for channel in group * width..<(group + 1) * width {
                    for voxel in 0..<voxels {
                        sum += more(voxel, channel)
                        squares += more(voxel, channel) * more(voxel, channel)
                    }
                }
                let count = Double(voxels * width)
                let variance = (squares - sum * sum / count) / count
                // Roundings of numbers up to 2^21 that are 2^12 deviations and less, and 17 n of 2^-53 for pieces of up to 2^15 rows.
                for voxel in stride(from: 0, to: voxels, by: 977) {
                    let expected = (more(voxel, group * width) - sum / count) / (variance + 0.25).squareRoot()
                    let received = y[voxel * channels + group * width]
                    #expect(abs(received - expected) <= 0x1p-33, "\(channels), \(groups): \(received), \(expected)")
                }
            }
        }
    }

    /// What is no number, or has no square, keeps to its group.
    @Test func momentsOfNumbersWithoutSquares() throws {
        let shape = [1, 10, 9, 11, 4]
        for (value, isZero) in [(Double.nan, false), (.infinity, false), (-.infinity, false), (1e200, true), (-1e300, true)] {
            for place in [0, 3001] {
                var values = try PlanNetwork.random(shape, seed: 8).doubles
                values[place / 4 * 4] = value
                var network = PlanNetwork()
                network.input("x", [nil] + shape.dropFirst().map { $0 })
                network.add("GroupNormalization", "g", ["groups": 2, "center": false, "scale": false, "dtype": "float32"], on: "x")
                network.end("g")
                let y = try network.model(type: "float64")(Tensor(shape: shape, values)).doubles
                for (index, number) in y.enumerated() {
                    let isOther = index % 4 >= 2
                    // A variance without end divides everything to 0.
                    #expect(isOther ? number.isFinite && abs(number) < 8 : isZero ? number == 0 : number.isNaN, "\(value), \(index): \(number)")
                }
            }
        }
    }
}
