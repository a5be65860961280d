import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

@Suite struct ActivationTests {
    // A buffer's `elements` do not keep it alive.
    private func floats(_ buffer: GuardedBuffer) -> [Float] {
        withExtendedLifetime(buffer) { Array(buffer.elements(Float.self)) }
    }

    private func doubles(_ buffer: GuardedBuffer) -> [Double] {
        withExtendedLifetime(buffer) { Array(buffer.elements(Double.self)) }
    }

    private func apply(
        _ activation: Activation, to buffer: GuardedBuffer, type: ElementType, shape: [Int], threads: Int = 1
    ) {
        withExtendedLifetime(buffer) {
            ActivationArithmetic.apply(activation, to: buffer.address, type: type, shape: shape, threads: threads)
        }
    }

    /// Values computed to 17 digits with mpmath 1.3.
    @Test func referenceValues() {
        let cases: [(Activation, Double, Double)] = [
            (.elu(alpha: 0.3), -1, -0.18963616764856730), (.selu, -2, -1.5201664685956948), (.selu, 2, 2.1014019747109610),
            (.softplus, -40, 4.2483542552915890e-18), (.softplus, 0, 0.69314718055994531), (.softplus, 800, 800),
            (.softsign, -3, -0.75), (.tanh, 0.5, 0.46211715726000976), (.sigmoid, -2, 0.11920292202211756),
            (.sigmoid, -800, 0), (.hardSigmoid(slope: 0.2), 1, 0.7), (.hardSigmoid(slope: 1.0 / 6), -3.5, 0),
            (.hardSigmoid(slope: 0.2), 9, 1), (.exponential, 1, 2.7182818284590452), (.leakyRelu(slope: 0.2), -3, -0.6),
            (.gelu(approximate: false), 1, 0.84134474606854295), (.gelu(approximate: false), -10, -7.6198530241605261e-23),
            (.gelu(approximate: true), 1, 0.84119199060827670), (.silu, -2, -0.23840584404423511), (.relu, -1, 0),
            (.relu, 3, 3), (.linear, -3, -3),
        ]
        for (activation, x, expected) in cases {
            let y = activation.value(at: x)
            // erfc magnifies the rounding of its argument by 2x^2.
            #expect(abs(y - expected) <= 4e-16 * (1 + x * x) * abs(expected), "\(activation) of \(x) is \(y)")
        }
    }

    /// float32 in place: within one unit in the last place of double arithmetic, over the whole range.
    @Test func float32IsRoundedOnce() {
        for activation in Activation.samples where activation.isPointwise {
            let values = (-4000...4000).map { Float($0) / 50 }
            let buffer = GuardedBuffer(values, placement: .atEnd)
            apply(activation, to: buffer, type: .float32, shape: [values.count])
            for (x, y) in zip(values, floats(buffer)) {
                let expected = ScatterOracle.activate(Double(x), activation.rounded(to: .float32))
                // The oracle's 1 + erf and 1 + tanh cancel at about 1e-16 of the argument.
                let bound = Double(Float(expected).ulp) + 1e-15 * abs(Double(x))
                #expect(abs(Double(y) - expected) <= bound, "\(activation) of \(x) is \(y) instead of \(expected)")
            }
        }
    }

    /// Comparisons fall as in float32, where Keras makes them: 0.1 is less than the float32 nearest to it, and 0.3 and 0.7 are more.
    @Test func thresholdsAreNumbersOfTheType() {
        for parameter in [0.1, 0.3, 0.7] {
            let step = Float(parameter)
            let inputs = [step.nextDown, step, step.nextUp, -step.nextDown, -step, -step.nextUp]
            let (below, above) = (inputs[0], inputs[2])
            let cases: [(Activation, [Float])] = [
                (.rectified(negativeSlope: 0, maximum: nil, threshold: parameter), [0, 0, above, 0, 0, 0]),
                (.threshold(parameter, value: -1), [-1, -1, above, -1, -1, -1]),
                (.hardShrink(threshold: parameter), [0, 0, above, 0, 0, -above]),
                (.softShrink(threshold: parameter), [0, 0, above - step, 0, 0, step - above]),
                (.rectified(negativeSlope: 0, maximum: parameter, threshold: 0), [below, step, step, 0, 0, 0]),
                (.rectified(negativeSlope: 0, maximum: 9, threshold: -parameter), [below, step, above, 0, 0, 0]),
            ]
            for (activation, expected) in cases {
                let buffer = GuardedBuffer(inputs, placement: .atEnd)
                apply(activation, to: buffer, type: .float32, shape: [inputs.count])
                let received = floats(buffer)
                #expect(received == expected, "\(activation)")
            }
            // In float64 the parameter is itself.
            let double = GuardedBuffer([parameter, parameter.nextUp], placement: .atEnd)
            apply(.threshold(parameter, value: -1), to: double, type: .float64, shape: [2])
            #expect(doubles(double) == [-1, parameter.nextUp])
        }
    }

    @Test func notANumberStays() {
        for activation in Activation.samples {
            for type in ElementType.arithmeticTypes {
                let buffer =
                    type == .float32
                    ? GuardedBuffer([Float.nan, .nan, -.nan], placement: .atEnd) : GuardedBuffer([Double.nan, .nan, -.nan], placement: .atEnd)
                apply(activation, to: buffer, type: type, shape: [3])
                let results = type == .float32 ? floats(buffer).map { Double($0) } : doubles(buffer)
                #expect(results.count == 3 && results.allSatisfy { $0.isNaN }, "\(activation) \(type)")
            }
        }
    }

    @Test func softmaxRows() {
        let inputs: [Double] = [1, 2, 3, 1000, 1000, 1000, -1000, 0, 1000, 0, .nan, 0]
        let buffer = GuardedBuffer(inputs, placement: .atEnd)
        apply(.softmax, to: buffer, type: .float64, shape: [2, 2, 3])
        let y = doubles(buffer)
        for (index, expected) in [0.090030573170380458, 0.24472847105479765, 0.66524095577482189].enumerated() {
            #expect(abs(y[index] - expected) <= 2e-16)
        }
        #expect(y[3...5].allSatisfy { abs($0 - 1.0 / 3) <= 2e-16 })
        #expect(Array(y[6...8]) == [0, 0, 1])
        #expect(y[9...11].allSatisfy { $0.isNaN })
    }

    /// Rows of float32 up to the length that is computed eight rows at a time, and beyond; numbers of rows that are no multiple of eight.
    @Test func softmaxOfShortRows() {
        var random = SeededRandom(seed: 12)
        for length in Array(1...20) + [31, 32, 33, 63, 64, 65, 70] {
            for rows in [1, 2, 7, 8, 9, 19] {
                let values = random.reals(rows * length).map { Float(30 * $0) }
                let buffer = GuardedBuffer(values, placement: .atEnd)
                apply(.softmax, to: buffer, type: .float32, shape: [rows, length])
                let y = floats(buffer)
                for row in 0..<rows {
                    let own = Array(values[row * length..<(row + 1) * length])
                    let expected = ActivationArithmetic.row(.softmax, own.map { Double($0) })
                    for (received, value) in zip(y[(row * length)...], expected) {
                        #expect(abs(Double(received) - value) <= Double(Float(value).ulp), "\(row) of \(rows) of \(length)")
                    }
                    // A row has the same bits by itself.
                    let alone = GuardedBuffer(own, placement: .atEnd)
                    apply(.softmax, to: alone, type: .float32, shape: [1, length])
                    #expect(floats(alone) == Array(y[(row * length)..<((row + 1) * length)]), "\(row) of \(rows) of \(length)")
                }
            }
        }
    }

    /// What is no finite number keeps to its row, as in double precision.
    @Test func softmaxOfInfinities() {
        let (nan, infinity) = (Float.nan, Float.infinity)
        let rows: [[Float]] = [
            [1, 2, 3], [nan, 0, 1], [0, 1, nan], [infinity, 0, 1], [-infinity, 0, 0], [-infinity, -infinity, -infinity], [0, -infinity, infinity],
            [-3e38, 3e38, 0], [-0.0, 0, -100], [nan, infinity, -infinity], [0, -103, -745],
        ]
        let buffer = GuardedBuffer(rows.flatMap(\.self), placement: .atEnd)
        apply(.softmax, to: buffer, type: .float32, shape: [rows.count, 3])
        let y = floats(buffer)
        for (index, row) in rows.enumerated() {
            let expected = ActivationArithmetic.row(.softmax, row.map { Double($0) })
            for (received, value) in zip(y[(3 * index)...], expected) {
                #expect(received.isNaN ? value.isNaN : abs(Double(received) - value) <= Double(Float(value).ulp), "\(row)")
            }
        }
    }

    @Test func endsOfTheRange() {
        let values: [Float] = [.nan, .infinity, -.infinity, 0, -0.0, 3e38, -3e38, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, -87, -104, 710, -710]
        for activation in [Activation.sigmoid, .silu, .leakyRelu(slope: 0.25), .leakyRelu(slope: -2), .relu] {
            let buffer = GuardedBuffer(values, placement: .atEnd)
            apply(activation, to: buffer, type: .float32, shape: [values.count])
            for (x, y) in zip(values, floats(buffer)) {
                let expected = activation.value(at: Double(x))
                let isNear = expected.isNaN ? y.isNaN : y == Float(expected) || abs(Double(y) - expected) <= Double(Float(expected).ulp)
                #expect(isNear && (y != 0 || y.sign == expected.sign), "\(activation) of \(x) is \(y) instead of \(expected)")
            }
        }
    }

    @Test func threadsDoNotChangeABit() {
        var random = SeededRandom(seed: 11)
        let values = random.reals(60 * 7 * 50).map { Float(4 * $0) }
        for activation in Activation.samples {
            let results = [1, 2, 3, 7].map { threads in
                let buffer = GuardedBuffer(values, placement: .atEnd)
                apply(activation, to: buffer, type: .float32, shape: [60, 7, 50], threads: threads)
                return floats(buffer).map(\.bitPattern)
            }
            #expect(results.allSatisfy { $0 == results[0] }, "\(activation)")
            #expect(activation == .linear || results[0] != values.map(\.bitPattern), "\(activation)")
        }
    }
}
