import Testing
import VoxLayerSpec

@Suite struct LayerConfigTests {
    func config(
        filters: Int = 1, kernel: [Int] = [3, 3, 3], strides: [Int] = [1, 1, 1], dilation: [Int] = [1, 1, 1],
        padding: PaddingRule = .valid(outputPadding: nil), groups: Int = 1, layout: Layout = .channelsLast,
        activation: Activation = .linear
    ) throws -> LayerConfig {
        try LayerConfig(
            name: "layer", filters: filters, kernelSize: kernel, strides: strides, dilationRate: dilation, padding: padding,
            groups: groups, layout: layout, activation: activation)
    }

    @Test func axesAndLayoutsAreNotMixedUp() throws {
        for layout in Layout.allCases {
            let layer = try config(
                filters: 6, kernel: [2, 3, 4], strides: [3, 2, 1], dilation: [1, 2, 3],
                padding: .explicit(begin: [0, 1, 2], end: [1, 0, 3], outputPadding: [2, 1, 0]), groups: 2, layout: layout)
            let geometry = try layer.geometry(inputShape: layout.shape(batch: 9, spatial: [5, 6, 7], channels: 4))
            #expect(geometry.axes.map(\.input) == [5, 6, 7])
            #expect(geometry.axes.map(\.output) == [15, 15, 11])  // reach 14, 15, 16; + 2, 1, 0; - 1, 1, 5
            #expect(geometry.axes.map(\.crop) == [0, 1, 2])
            #expect((geometry.channels, geometry.filters, geometry.groups) == (4, 6, 2))
            #expect(geometry.kernelShape == [2, 3, 4, 3, 4])
            #expect(geometry.inputShape(batch: 0, layout: layout) == layout.shape(batch: 0, spatial: [5, 6, 7], channels: 4))
            #expect(geometry.outputShape(batch: 2, layout: layout) == layout.shape(batch: 2, spatial: [15, 15, 11], channels: 6))
        }
    }

    /// Operation, input, second operand, result and length of the bias of every pass; and the channels and filters of the gather.
    @Test func everyPassOfBothKinds() throws {
        func passes(_ layer: LayerConfig) throws -> ([KernelOp], [[[Int]]]) {
            let specs = try Pass.allCases.map { try layer.spec(inputShape: [1, 2, 3, 4, 4], pass: $0) }
            let shapes = specs.map { spec in
                [spec.inputShape(batch: 5), spec.operandShape(batch: 5), spec.outputShape(batch: 5), [spec.biasCount]]
            }
            #expect(specs.map(\.epilogue.hasBias) == [true, false, false])
            return (specs.map(\.op), shapes)
        }
        let (transposed, shapes) = try passes(try config(filters: 6, kernel: [2, 1, 3], groups: 2))
        #expect(transposed == [.transposedConvolution, .convolution, .kernelGradient])
        var (x, y, w) = ([5, 2, 3, 4, 4], [5, 3, 3, 6, 6], [2, 1, 3, 3, 4])
        #expect(shapes == [[x, w, y, [6]], [y, w, x, [4]], [x, y, w, [4]]])

        // Channels 4, filters 6: the kernel is (taps, channels of a group, filters). Its gradient reads dy where a transposed layer's reads x.
        let (ordinary, ordinaryShapes) = try passes(try LayerConfig(kind: .ordinary, name: "c", filters: 6, kernelSize: [2, 1, 3], groups: 2))
        #expect(ordinary == [.convolution, .transposedConvolution, .kernelGradient])
        (x, y, w) = ([5, 2, 3, 4, 4], [5, 1, 3, 2, 6], [2, 1, 3, 2, 6])
        #expect(ordinaryShapes == [[x, w, y, [6]], [y, w, x, [4]], [y, x, w, [6]]])
    }

    @Test func unknownExtentsStayUnknown() throws {
        for layout in Layout.allCases {
            let layer = try config(filters: 6, kernel: [2, 3, 4], strides: [3, 2, 1], groups: 2, layout: layout)
            func place(_ batch: Int?, _ spatial: [Int?], _ features: Int?) -> [Int?] {
                layout == .channelsLast ? [batch] + spatial + [features] : [batch, features] + spatial
            }
            let known = try layer.outputShape(inputShape: place(7, [5, 6, 7], 4))
            #expect(known == layout.shape(batch: 7, spatial: [15, 13, 10], channels: 6))
            #expect(try layer.outputShape(inputShape: place(nil, [5, 6, 7], 4)) == place(nil, [15, 13, 10], 6))
            #expect(try layer.outputShape(inputShape: place(0, [nil, 6, nil], 4)) == place(0, [nil, 13, nil], 6))
            let refused: [([Int?], SpecError)] = [
                (place(1, [5, 6, 7], nil), .tooSmall("number of channels", 0, minimum: 1)),
                (place(1, [5, nil, 7], 0), .tooSmall("number of channels", 0, minimum: 1)),
                (place(-1, [5, 6, 7], 4), .tooSmall("batch", -1, minimum: 0)),
                (place(1, [5, nil, 7], 3), .groupsDoNotDivide(groups: 2, what: "channels", 3)),
                (place(1, [0, nil, 7], 4), .tooSmall("input length", 0, minimum: 1)),
            ]
            for (shape, error) in refused { #expect(throws: error) { try layer.outputShape(inputShape: shape) } }
        }
    }

    @Test func illegalNumbersThrow() {
        let shape = [1, 4, 4, 4, 4]
        let cases: [(SpecError, () throws -> Void)] = [
            (.tooSmall("number of filters", 0, minimum: 1), { _ = try config(filters: 0) }),
            (.wrongCount("kernel size", [], expected: 3), { _ = try config(kernel: []) }),
            (.wrongCount("strides", [1, 1], expected: 3), { _ = try config(strides: [1, 1]) }),
            (.wrongCount("dilation rate", [], expected: 3), { _ = try config(dilation: []) }),
            (.wrongCount("output padding", [0], expected: 3), { _ = try config(padding: .same(outputPadding: [0])) }),
            (
                .wrongCount("pads at the end", [0, 0], expected: 3),
                { _ = try config(padding: .explicit(begin: [0, 0, 0], end: [0, 0], outputPadding: [0, 0, 0])) }
            ),
            (.tooSmall("kernel size", -1, minimum: 1), { _ = try config(kernel: [1, -1, 1]) }),
            (.tooSmall("strides", 0, minimum: 1), { _ = try config(strides: [1, 1, 0]) }),
            (.wrongCount("input shape", [1, 2], expected: 5), { _ = try config().geometry(inputShape: [1, 2]) }),
            (.tooSmall("input length", 0, minimum: 1), { _ = try config().geometry(inputShape: [1, 4, 0, 4, 4]) }),
            (.tooSmall("number of channels", 0, minimum: 1), { _ = try config().geometry(inputShape: [1, 4, 4, 4, 0]) }),
            (.tooSmall("number of groups", 0, minimum: 1), { _ = try config(groups: 0).geometry(inputShape: shape) }),
            (.groupsDoNotDivide(groups: 2, what: "filters", 1), { _ = try config(groups: 2).geometry(inputShape: shape) }),
            (
                .outputPadding(axis: 1, 1, stride: 1),
                { _ = try config(padding: .valid(outputPadding: [0, 1, 0])).geometry(inputShape: shape) }
            ),
            (
                .outputPadding(axis: 0, -1, stride: 1),
                { _ = try config(padding: .same(outputPadding: [-1, 0, 0])).geometry(inputShape: shape) }
            ),
            (
                .negativePadding(axis: 0, total: -1, rule: "SAME_LOWER"),
                {
                    _ = try config(kernel: [1, 1, 1], strides: [2, 1, 1], padding: .sameLower(outputPadding: [0, 0, 0]))
                        .geometry(inputShape: shape)
                }
            ),
            (
                .tooSmall("padding", -1, minimum: 0),
                {
                    _ = try config(padding: .explicit(begin: [0, 0, -1], end: [0, 0, 0], outputPadding: [0, 0, 0]))
                        .geometry(inputShape: shape)
                }
            ),
        ]
        for (expected, body) in cases { #expect(throws: expected) { try body() } }
        for activation in [Activation.elu(alpha: .nan), .leakyRelu(slope: .infinity), .hardSigmoid(slope: -.infinity)] {
            #expect(throws: SpecError.self, "\(activation)") { try config(activation: activation) }
        }
    }

    /// Numbers whose sums and products leave 64 bits throw a typed error; they never trap.
    @Test func hugeNumbersThrow() throws {
        let huge = [(1 << 20) + 1, 1 << 21, 1 << 31, 1 << 40, 1 << 62, Int.max - 1, Int.max, Int.min, Int.min + 1, -1]
        let shape = [1, 4, 4, 4, 4]
        let zero = [0, 0, 0]
        var thrown = 0
        func mustThrow(_ what: String, _ body: () throws -> Void) {
            do {
                try body()
                Issue.record("\(what) was accepted")
            } catch is SpecError { thrown += 1 } catch { Issue.record("\(what): \(error)") }
        }
        for value in huge {
            let three = [value, value, value]
            mustThrow("filters \(value)") { _ = try config(filters: value, groups: 1).geometry(inputShape: [1, 4096, 4096, 4096, 1]) }
            mustThrow("kernel \(value)") { _ = try config(kernel: three).geometry(inputShape: shape) }
            mustThrow("kernel on one axis \(value)") { _ = try config(filters: 1 << 20, kernel: [1, 1, value]).geometry(inputShape: shape) }
            mustThrow("strides \(value)") { _ = try config(strides: three).geometry(inputShape: shape) }
            mustThrow("dilation \(value)") { _ = try config(dilation: three).geometry(inputShape: shape) }
            mustThrow("input \(value)") { _ = try config().geometry(inputShape: [1] + three + [1]) }
            mustThrow("channels \(value)") { _ = try config().geometry(inputShape: [1, 1 << 10, 1 << 10, 1 << 10, value]) }
            mustThrow("groups \(value)") { _ = try config(groups: value).geometry(inputShape: shape) }
            mustThrow("output padding \(value)") {
                _ = try config(padding: .valid(outputPadding: three)).geometry(inputShape: shape)
            }
            for rule in [
                PaddingRule.explicit(begin: three, end: zero, outputPadding: zero),
                .explicit(begin: three, end: three, outputPadding: zero), .explicit(begin: zero, end: three, outputPadding: zero),
                .explicit(begin: zero, end: zero, outputPadding: three), .sameUpper(outputPadding: three),
                .sameLower(outputPadding: three), .outputShape(three, outputPadding: zero, oddAtEnd: true),
            ] {
                mustThrow("\(rule)") { _ = try config(padding: rule).geometry(inputShape: shape) }
            }
            mustThrow("output padding with output shape \(value)") {
                _ = try config(padding: .outputShape([1 << 20, 1 << 20, 1 << 20], outputPadding: three, oddAtEnd: false))
                    .geometry(inputShape: shape)
            }
            mustThrow("axis \(value)") {
                _ = try AxisGeometry(input: value, output: value, kernel: value, stride: value, dilation: value, crop: Int.max)
            }
        }
        #expect(thrown == huge.count * 18)

        let widest = AxisGeometry.maximum
        let axis = try AxisGeometry(input: widest, output: 2 * widest, kernel: widest, stride: widest, dilation: widest, crop: 0)
        #expect(axis.pairCount == 3)  // outputs 0 (one pair) and `maximum` (two pairs)
        #expect(AxisGather(axis, .transposedConvolution).longestChain == widest && AxisGather(axis, .convolution).longestChain == widest)
        #expect(throws: SpecError.self) { try Geometry(axes: [axis, axis, axis], channels: 1, filters: 1) }
        #expect(throws: SpecError.self) {
            try Geometry(
                axes: Array(repeating: AxisGeometry(input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, crop: 0), count: 9), channels: 1, filters: 1)
        }
        #expect(throws: SpecError.self) { try Geometry(axes: [], channels: 1, filters: 1) }
    }
}
