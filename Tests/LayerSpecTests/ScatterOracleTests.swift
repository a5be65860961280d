import Testing
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// The oracle is checked by hand-computed numbers and by algebra, not by the code it will judge.
@Suite struct ScatterOracleTests {
    @Test func groupsByHand() throws {
        // One voxel, one tap, 2 groups of 2 channels and 2 filters: y[f] = sum of x[c] w[f mod 2][c] over the group's channels.
        let axis = try AxisGeometry(input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, crop: 0)
        let geometry = try Geometry(axes: [axis, axis, axis], channels: 4, filters: 4, groups: 2)
        let (x, w) = ([1.0, 2, 3, 4], [1.0, 10, 100, 1000, 5, 7, 11, -13])
        let y = ScatterOracle.run(
            KernelSpec(geometry: geometry, epilogue: Epilogue(hasBias: true, activation: .linear)), batch: 1, input: x,
            operand: w, bias: [0.5, 0, 0, -0.25])
        #expect(y.values == [21.5, 19, 4300, -19.25])
        #expect(y.magnitudes == [21.5, 19, 4300, 85.25])
        let dx = ScatterOracle.run(
            KernelSpec(op: .convolution, geometry: geometry), batch: 1, input: x, operand: w, bias: nil)
        #expect(dx.values == [11.0, 24.0, 344.0, 2948.0])
        let dw = ScatterOracle.run(
            KernelSpec(op: .kernelGradient, geometry: geometry), batch: 1, input: [1, 2, 3, 4], operand: [1, 10, 100, 1000],
            bias: nil)
        #expect(dw.values == [1, 2, 300, 400, 10, 20, 3000, 4000])
    }

    /// <convT(x), dy> = <x, convolution(dy)> = <w, kernelGradient(x, dy)>, exactly, with small integers.
    @Test func theThreeOperationsAreAdjoint() throws {
        var random = SeededRandom(seed: 3)
        var nonzero = 0
        for index in 0..<300 {
            let geometry = try randomSpec(&random, rank: 1 + index % 3).geometry
            let layout = random.choice(Layout.allCases)
            let batch = random.integer(0...3)
            func run(_ op: KernelOp, _ input: [Double], _ operand: [Double]) -> [Double] {
                ScatterOracle.run(
                    KernelSpec(op: op, geometry: geometry, layout: layout), batch: batch, input: input, operand: operand,
                    bias: nil
                ).values
            }
            func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
            let x = random.integers(batch * geometry.inputVolume * geometry.channels, limit: 4)
            let dy = random.integers(batch * geometry.outputVolume * geometry.filters, limit: 4)
            let w = random.integers(geometry.kernelShape.reduce(1, *), limit: 4)
            let forward = dot(run(.transposedConvolution, x, w), dy)
            #expect(forward == dot(x, run(.convolution, dy, w)), "\(geometry)")
            #expect(forward == dot(w, run(.kernelGradient, x, dy)), "\(geometry)")
            if forward != 0 { nonzero += 1 }
        }
        #expect(nonzero > 150, "\(nonzero) of 300 have a product other than 0")
    }

    /// Transposing input and output turns one layout's result into the other's.
    @Test func layoutsAgree() throws {
        var random = SeededRandom(seed: 8)
        for _ in 0..<50 {
            let spec = try randomSpec(&random)
            let geometry = spec.geometry
            func toFirst(_ values: [Double], voxels: Int, features: Int) -> [Double] {
                (0..<values.count).map { index in
                    let (rest, voxel) = (index / voxels, index % voxels)
                    let (batch, feature) = (rest / features, rest % features)
                    return values[(batch * voxels + voxel) * features + feature]
                }
            }
            let x = random.reals(2 * geometry.inputVolume * geometry.channels)
            let w = random.reals(geometry.kernelShape.reduce(1, *))
            let bias = random.reals(geometry.filters)
            let epilogue = Epilogue(hasBias: true, activation: .silu)
            let last = ScatterOracle.run(
                KernelSpec(geometry: geometry, epilogue: epilogue), batch: 2, input: x, operand: w, bias: bias)
            let first = ScatterOracle.run(
                KernelSpec(geometry: geometry, layout: .channelsFirst, epilogue: epilogue), batch: 2,
                input: toFirst(x, voxels: geometry.inputVolume, features: geometry.channels), operand: w, bias: bias)
            let expected = toFirst(last.values, voxels: geometry.outputVolume, features: geometry.filters)
            #expect(zip(first.values, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(geometry)")
        }
    }

    /// Values of Keras 3 (float32, `keras.activations`) at x = -2, 0.5 and 4.
    @Test func activations() {
        let points = [-2.0, 0.5, 4.0]
        let table: [(Activation, [Double])] = [
            (.linear, [-2, 0.5, 4]), (.relu, [0, 0.5, 4]), (.elu(alpha: 1), [-0.8646647, 0.5, 4]),
            (.selu, [-1.5201665, 0.52535, 4.202804]), (.softplus, [0.126928, 0.974077, 4.01815]),
            (.softsign, [-0.6666667, 0.33333334, 0.8]), (.tanh, [-0.9640276, 0.46211717, 0.9993293]),
            (.sigmoid, [0.11920292, 0.62245935, 0.98201376]), (.hardSigmoid(slope: 1.0 / 6), [0.16666667, 0.5833333, 1]),
            (.hardSigmoid(slope: 0.2), [0.1, 0.6, 1]), (.exponential, [0.13533528, 1.6487213, 54.59815]),
            (.leakyRelu(slope: 0.2), [-0.4, 0.5, 4]), (.gelu(approximate: false), [-0.04550028, 0.34573123, 3.9998732]),
            (.gelu(approximate: true), [-0.04540229, 0.345714, 3.9999297]), (.silu, [-0.23840584, 0.31122968, 3.928055]),
        ]
        for (activation, expected) in table {
            for (x, y) in zip(points, expected) {
                let value = ScatterOracle.activate(x, activation)
                #expect(abs(value - y) <= 2e-6 * max(1, abs(y)), "\(activation) of \(x) is \(value)")
            }
            #expect(ScatterOracle.activate(.nan, activation).isNaN, "\(activation)")
        }
        let softmax = ScatterOracle.activate([1, 2, 3, -5, -5, -5], .softmax, rowLength: 3)
        let expected = [0.09003057, 0.24472848, 0.66524094, 1.0 / 3, 1.0 / 3, 1.0 / 3]
        #expect(zip(softmax, expected).allSatisfy { abs($0 - $1) < 1e-7 })
    }
}
