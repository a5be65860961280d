import Testing
import VoxLayerSpec

@Suite struct AxisGeometryTests {
    /// Compares every function of one axis, and of both its gathers, with a scatter over inputs and taps.
    static func check(_ axis: AxisGeometry, _ comment: Comment) {
        var pairs: [(tap: Int, input: Int, output: Int)] = []
        for t in 0..<axis.kernel {
            for i in 0..<axis.input {
                let o = i * axis.stride + t * axis.dilation - axis.crop
                if o >= 0 && o < axis.output { pairs.append((t, i, o)) }
            }
        }
        #expect(axis.pairCount == pairs.count, comment)
        #expect(axis.effectiveKernel == (axis.kernel - 1) * axis.dilation + 1, comment)
        for t in 0..<axis.kernel {
            #expect(Array(axis.inputs(ofTap: t)) == pairs.filter { $0.tap == t }.map(\.input).sorted(), comment)
        }
        let transposed = AxisGather(axis, .transposedConvolution)
        #expect((transposed.sources, transposed.results, transposed.phases, transposed.step) == (axis.input, axis.output, axis.stride, 1), comment)
        check(transposed, of: axis, pairs.map { (tap: $0.tap, source: $0.input, result: $0.output) }, comment)
        let convolution = AxisGather(axis, .convolution)
        #expect((convolution.sources, convolution.results, convolution.phases, convolution.step) == (axis.output, axis.input, 1, axis.stride), comment)
        check(convolution, of: axis, isConvolution: true, pairs.map { (tap: $0.tap, source: $0.output, result: $0.input) }, comment)
    }

    /// - Parameter pairs: every pair that a tap connects.
    private static func check(
        _ gather: AxisGather, of axis: AxisGeometry, isConvolution: Bool = false, _ pairs: [(tap: Int, source: Int, result: Int)], _ comment: Comment
    ) {
        var results: [Int] = []
        var longest = 0
        for r in 0..<gather.phases {
            let taps = gather.taps(inPhase: r)
            let expectedTaps = (0..<axis.kernel).filter { isConvolution || ($0 * axis.dilation) % axis.stride == r % axis.stride }
            #expect(taps.map(\.tap) == expectedTaps, comment)
            longest = max(longest, taps.count)
            let positions = gather.positions(inPhase: r)
            results += positions.map { gather.result(position: $0, phase: r) }
            // Where a tap of the phase leads, whether there is a source or not: the relation must connect the two places.
            for q in positions {
                for tap in taps {
                    let (source, result) = (q * gather.step - tap.lag, gather.result(position: q, phase: r))
                    let (i, o) = isConvolution ? (result, source) : (source, result)
                    #expect(o == i * axis.stride + tap.tap * axis.dilation - axis.crop, comment)
                }
            }
            for lag in Set(taps.map(\.lag)) {
                let reached = positions.filter { (0..<gather.sources).contains($0 * gather.step - lag) }
                #expect(Array(gather.positions(reachedBy: lag).clamped(to: positions)) == reached, comment)
            }
        }
        #expect(results.sorted() == Array(0..<gather.results), comment)
        #expect(gather.longestChain == longest, comment)
        let all = (0..<gather.phases).flatMap { Array(gather.positions(inPhase: $0)) }
        #expect(gather.positions.lowerBound == all.min() && gather.positions.upperBound == all.max().map { $0 + 1 }, comment)
        #expect(gather.mostPositions == (0..<gather.phases).map { gather.positions(inPhase: $0).count }.max(), comment)

        struct Pair: Hashable { let tap: Int, source: Int }
        var reached = [[Pair]](repeating: [], count: gather.results)
        for pair in pairs { reached[pair.result].append(Pair(tap: pair.tap, source: pair.source)) }
        for result in 0..<gather.results {
            #expect(gather.contributions(toResult: result).map { Pair(tap: $0.tap, source: $0.source) } == reached[result], comment)
            let (phase, position) = gather.phase(ofResult: result)
            #expect(gather.result(position: position, phase: phase) == result, comment)
            #expect(gather.positions(inPhase: phase).contains(position), comment)
        }
    }

    /// Every combination of n 1-5, k 1-5, s 1-4, d 1-3, both Keras paddings and every legal output padding.
    @Test func kerasCombinations() {
        var (legal, empty) = (0, 0)
        for n in 1...5 {
            for k in 1...5 {
                for s in 1...4 {
                    for d in 1...3 {
                        for same in [false, true] {
                            for op in [nil] + (0..<s).map(Optional.some) {
                                let comment: Comment = "n \(n), k \(k), s \(s), d \(d), same \(same), output padding \(op as Any)"
                                let list = op.map { [$0] }
                                let rule: PaddingRule = same ? .same(outputPadding: list) : .valid(outputPadding: list)
                                // The table of Keras's own rule, typed in independently of PaddingRule.
                                let ke = (k - 1) * d + 1
                                let length =
                                    switch (same, op) {
                                    case (false, nil): n * s + max(ke - s, 0)
                                    case (false, let op?): (n - 1) * s + ke + op
                                    case (true, nil): n * s
                                    case (true, let op?): (n - 1) * s + ke - 2 * (ke / 2) + op
                                    }
                                let before = same ? max(0, (n - 1) * s + ke - length) / 2 : 0
                                if length < 1 {
                                    empty += 1
                                    #expect(throws: SpecError.emptyOutput(axis: 0, length: length), comment) {
                                        try rule.resolve(axis: 0, input: n, kernel: k, stride: s, dilation: d)
                                    }
                                    continue
                                }
                                do {
                                    let axis = try rule.resolve(axis: 0, input: n, kernel: k, stride: s, dilation: d)
                                    legal += 1
                                    #expect(axis.output == length && axis.crop == before, comment)
                                    Self.check(axis, comment)
                                } catch {
                                    Issue.record(error, comment)
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(legal >= 2000, "\(legal) legal combinations")
        #expect(legal + empty == 5 * 5 * 3 * 2 * (2 + 3 + 4 + 5))
        #expect(empty > 0, "\(empty) combinations without output")
    }

    /// Crops and output lengths no Keras rule produces: asymmetric, beyond the kernel, room at the end.
    @Test func everyCropAndOutput() throws {
        var count = 0
        for n in 1...3 {
            for k in 1...4 {
                for s in 1...4 {
                    for d in 1...3 {
                        for crop in 0...6 {
                            for output in [1, 2, 5, 9, 14] {
                                let axis = try AxisGeometry(
                                    input: n, output: output, kernel: k, stride: s, dilation: d, crop: crop)
                                Self.check(axis, "\(axis)")
                                count += 1
                            }
                        }
                    }
                }
            }
        }
        #expect(count == 3 * 4 * 4 * 3 * 7 * 5)
    }

    @Test func divisionRoundsAsNamed() {
        for value in -13...13 {
            for divisor in 1...5 {
                let quotient = Double(value) / Double(divisor)
                #expect(value.flooredDivision(by: divisor) == Int(quotient.rounded(.down)), "\(value) / \(divisor)")
                #expect(value.ceilingDivision(by: divisor) == Int(quotient.rounded(.up)), "\(value) / \(divisor)")
            }
        }
    }
}
