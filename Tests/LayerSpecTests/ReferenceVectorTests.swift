import Testing
import VoxLayerSpec
import _TestSupport

/// Results of Keras itself: kernel all ones, x = 1, 2, 3.
@Suite struct ReferenceVectorTests {
    struct Vector {
        let kernel: Int, stride: Int
        let padding: PaddingRule
        let expected: [Double]

        init(_ kernel: Int, _ stride: Int, same: Bool, _ outputPadding: Int?, _ expected: [Double]) {
            self.kernel = kernel
            self.stride = stride
            self.expected = expected
            // The axis under test stands first; the other two have size 1, where the output padding must be 0.
            let list = outputPadding.map { [$0, 0, 0] }
            padding = same ? .same(outputPadding: list) : .valid(outputPadding: list)
        }
    }

    static let vectors = [
        Vector(3, 2, same: true, nil, [1, 1, 3, 2, 5, 3]),
        Vector(3, 2, same: false, nil, [1, 1, 3, 2, 5, 3, 3]),
        Vector(4, 2, same: true, nil, [1, 3, 3, 5, 5, 3]),
        Vector(5, 2, same: true, nil, [1, 3, 3, 6, 5, 5]),
        Vector(2, 4, same: true, nil, [1, 1, 0, 0, 2, 2, 0, 0, 3, 3, 0, 0]),
        Vector(1, 3, same: false, nil, [1, 0, 0, 2, 0, 0, 3, 0, 0]),
        Vector(3, 2, same: true, 0, [1, 3, 2, 5, 3]),
        Vector(3, 2, same: true, 1, [1, 1, 3, 2, 5, 3]),
        Vector(3, 2, same: false, 1, [1, 1, 3, 2, 5, 3, 3, 0]),
        Vector(4, 3, same: true, 1, [1, 1, 3, 2, 2, 5, 3]),
        Vector(4, 3, same: true, 2, [1, 1, 3, 2, 2, 5, 3, 3]),
        Vector(5, 3, same: true, 0, [1, 3, 3, 2, 5, 5, 3]),
    ]

    @Test func everyAxisGivesKerasResults() throws {
        #expect(Self.vectors.count == 12)
        for vector in Self.vectors {
            for axis in 0..<3 {
                /// Moves the first of three values to the axis under test.
                func placed(_ value: Int, _ other: Int) -> [Int] { (0..<3).map { $0 == axis ? value : other } }
                let padding: PaddingRule =
                    switch vector.padding {
                    case .same(let list): .same(outputPadding: list.map { placed($0[0], 0) })
                    case .valid(let list): .valid(outputPadding: list.map { placed($0[0], 0) })
                    default: vector.padding
                    }
                let config = try LayerConfig(
                    name: "vector", filters: 1, kernelSize: placed(vector.kernel, 1), strides: placed(vector.stride, 1),
                    padding: padding, useBias: false)
                let spec = try config.spec(inputShape: [1] + placed(3, 1) + [1])
                let comment: Comment = "kernel \(vector.kernel), stride \(vector.stride), \(vector.padding), axis \(axis)"
                #expect(spec.outputShape(batch: 1) == [1] + placed(vector.expected.count, 1) + [1], comment)

                let scattered = ScatterOracle.run(
                    spec, batch: 1, input: [1, 2, 3], operand: [Double](repeating: 1, count: vector.kernel), bias: nil)
                #expect(scattered.values == vector.expected, comment)

                let geometry = spec.geometry.axes[axis]
                let gathered = (0..<geometry.output).map { o in
                    AxisGather(geometry, .transposedConvolution).contributions(toResult: o).reduce(0.0) { $0 + Double($1.source + 1) }
                }
                #expect(gathered == vector.expected, comment)
            }
        }
    }
}
