import Testing
import VoxLayerSpec

/// Sizes from outside: their products and sums never trap.
@Suite struct CheckedArithmeticTests {
    @Test func productsBeyond64BitsAreNil() throws {
        #expect(Checked.product([Int]()) == 1)
        #expect(Checked.product([3, 5, 7]) == 105)
        #expect(Checked.product([1 << 31, 1 << 31]) == 1 << 62)
        #expect(Checked.product([1 << 32, 1 << 31]) == nil)
        #expect(Checked.product([Int.max, Int.max, Int.max]) == nil)
        #expect(Checked.product([1 << 61, 0, 2, 4, 2]) == 0, "nothing is nothing, wherever the zero stands")
        #expect(Checked.product([Int.max, Int.max, 0]) == 0)
        #expect(Checked.clampedProduct(1 << 62, 4) == .max)
        #expect(Checked.clampedProduct(6, 7) == 42)
        #expect(Checked.clampedCount([Int.max, 2]) == .max)
        #expect(Checked.clampedSum(.max, 1, 5) == .max)
        #expect(Checked.clampedSum(1, 2, 3) == 6)
        #expect(throws: SpecError.tooLarge("size", [.max, 2])) { try Checked.product([.max, 2], "size") }
        #expect(try Checked.product([4, 2], "size") == 8)
    }

    @Test func secondsBecomeDurations() {
        #expect(Checked.duration(seconds: 1.5) == .milliseconds(1500))
        for nothing in [0, -1, -1e300, -Double.infinity, Double.nan] { #expect(Checked.duration(seconds: nothing) == .zero, "\(nothing)") }
        for much in [1e9, 1e10, 1e300, Double.infinity] { #expect(Checked.duration(seconds: much) == .seconds(1_000_000_000), "\(much)") }
    }

    /// Every number of a layer at once, at the limits of 64 bits.
    @Test func layersOfAnyNumbersAreErrors() {
        let large: [Int] = [1, 2, 1 << 20, 1 << 21, 1 << 31, 1 << 40, 1 << 61, .max - 1, .max]
        for value in large {
            for shape in [[1, value, 2, 2, 2], [value, 2, 2, 2, 2], [1, 2, 2, 2, value], [1, value, value, value, value], [value, 0, 2, 2, 2]] {
                for (filters, kernel, stride, dilation) in [
                    (value, 1, 1, 1), (2, value, 1, 1), (2, 2, value, 1), (2, 2, 1, value), (value, value, value, value),
                ] {
                    for kind in [LayerKind.transposed, .ordinary] {
                        for padding in [PaddingRule.valid(outputPadding: nil), .same(outputPadding: nil)] {
                            let list = { (number: Int) in [number, number, number] }
                            guard let config = try? LayerConfig(
                                kind: kind, name: "l", filters: filters, kernelSize: list(kernel), strides: list(stride), dilationRate: list(dilation),
                                padding: padding)
                            else { continue }
                            if let spec = try? config.spec(inputShape: shape) {
                                // A legal problem has numbers of its own, whatever the batch.
                                #expect(spec.geometry.flopCount >= 0)  // 0 where no tap reaches an output
                                #expect(spec.outputShape(batch: .max)[0] == .max)
                            }
                            _ = try? config.outputShape(inputShape: shape.map { $0 == 2 ? nil : $0 })
                        }
                    }
                }
            }
        }
    }

    @Test func workItemsOfAnyBatch() {
        #expect(WorkItems.perSample(3).count(batch: 4) == 12)
        #expect(WorkItems.perSample(1 << 40).count(batch: 1 << 40) == .max)
        #expect(WorkItems.perCall(5).count(batch: .max) == 5)
    }

    @Test func groupsBelowOneAreRefused() {
        for groups in [0, -1, Int.min] {
            #expect(throws: SpecError.tooSmall("number of groups", groups, minimum: 1)) {
                try LayerConfig(name: "l", filters: 2, kernelSize: [1, 1, 1], groups: groups)
            }
        }
    }
}
