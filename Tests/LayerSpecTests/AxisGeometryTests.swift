import LayerSpec
import Testing

@Suite struct AxisGeometryTests {
    /// Compares every function of one axis with a scatter over inputs and taps.
    static func check(_ axis: AxisGeometry, _ comment: Comment) {
        struct Pair: Hashable { let tap: Int, input: Int }
        var reached = [[Pair]](repeating: [], count: axis.output)
        var pairs = 0
        for t in 0..<axis.kernel {
            for i in 0..<axis.input {
                let o = i * axis.stride + t * axis.dilation - axis.crop
                guard o >= 0 && o < axis.output else { continue }
                reached[o].append(Pair(tap: t, input: i))
                pairs += 1
            }
        }
        #expect(axis.pairCount == pairs, comment)
        #expect(axis.effectiveKernel == (axis.kernel - 1) * axis.dilation + 1, comment)

        var outputsOfPhases: [Int] = []
        var longest = 0
        for r in 0..<axis.stride {
            let taps = axis.taps(inPhase: r)
            longest = max(longest, taps.count)
            let expectedTaps = (0..<axis.kernel).filter { ($0 * axis.dilation) % axis.stride == r % axis.stride }
            #expect(taps.map(\.tap) == expectedTaps, comment)
            #expect(taps.allSatisfy { $0.tap * axis.dilation == r + $0.lag * axis.stride }, comment)
            outputsOfPhases += axis.positions(inPhase: r).map { axis.output(position: $0, phase: r) }
        }
        #expect(outputsOfPhases.sorted() == Array(0..<axis.output), comment)
        #expect(axis.longestChain == longest, comment)

        for o in 0..<axis.output {
            let contributions = axis.contributions(toOutput: o)
            #expect(contributions.map { Pair(tap: $0.tap, input: $0.input) } == reached[o], comment)
            let (phase, position) = axis.phase(ofOutput: o)
            #expect(axis.output(position: position, phase: phase) == o, comment)
            #expect(axis.positions(inPhase: phase).contains(position), comment)
        }
        for t in 0..<axis.kernel {
            let expected = (0..<axis.input).filter { i in
                (0..<axis.output).contains(i * axis.stride + t * axis.dilation - axis.crop)
            }
            #expect(Array(axis.inputs(ofTap: t)) == expected, comment)
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
