import Testing
import VoxKerasConfig
import VoxLayerSpec

/// Each pass by itself, on outlines.
@Suite struct NetworkFusionTests {
    private func convolution(
        _ padding: PaddingRule = .valid(outputPadding: nil), kind: LayerKind = .ordinary, activation: Activation = .linear, layout: Layout = .channelsLast
    ) throws -> NetworkOutline.Kind {
        let config = try LayerConfig(
            kind: kind, name: "c", filters: 3, kernelSize: [2, 1, 3], padding: padding, layout: layout, activation: activation, useBias: false)
        return .convolution(config, inputShape: layout == .channelsLast ? [nil, 4, 5, 6, 2] : [nil, 2, 4, 5, 6])
    }

    /// One call after another.
    private func chain(_ kinds: [NetworkOutline.Kind], types: [ElementType?]? = nil) -> NetworkOutline {
        var outline = NetworkOutline()
        var last = outline.addInput()
        for (index, kind) in kinds.enumerated() {
            let type = if let types { types[index] } else { ElementType?.some(.float32) }
            last = outline.add(kind, type: type, inputs: [last])[0]
        }
        outline.outputs = [last]
        return outline
    }

    private func parts(_ outline: NetworkOutline, _ pass: (inout NetworkFusion) throws -> Void) rethrows -> [[Int]] {
        var fusion = NetworkFusion(outline)
        try pass(&fusion)
        return fusion.groups.map(\.parts)
    }

    @Test func callsThatNoOutputNeedsGo() throws {
        var outline = chain([.other, .other])
        outline.add(.other, type: .float32, inputs: [1])
        outline.add(.other, type: .float32, inputs: [3], resultCount: 2)
        let last = outline.add(.other, type: .float32, inputs: [1])
        outline.outputs += last
        #expect(NetworkFusion(outline).groups.map(\.call) == [0, 1, 4])
    }

    @Test func nothingsGo() {
        let nothing = NetworkOutline.Kind.activation(.linear)
        #expect(parts(chain([.other, nothing, nothing, .other])) { $0.dropNothings() } == [[0, 1, 2], [3]])
        // On an input of the network, and where it is a cast, it stays.
        #expect(parts(chain([nothing, .other])) { $0.dropNothings() } == [[0], [1]])
        #expect(parts(chain([.other, nothing, .other], types: [.float32, .float64, .float32])) { $0.dropNothings() } == [[0], [1], [2]])
        var fusion = NetworkFusion(chain([.other, nothing]))
        fusion.dropNothings()
        #expect(fusion.outputs == [1])
        #expect(parts(chain([.other, .activation(.relu)])) { $0.dropNothings() } == [[0], [1]])
    }

    @Test func normalizationsGoBackward() throws {
        let (along, across) = (NetworkOutline.Kind.normalization(axis: -1), NetworkOutline.Kind.normalization(axis: 1))
        func folded(_ outline: NetworkOutline, _ weights: NetworkFusion.Weights = .unknown) throws -> [[Int]] {
            try parts(outline) { try $0.foldBackward(weights) }
        }
        for kind in [LayerKind.ordinary, .transposed] {
            #expect(try folded(chain([convolution(.same(outputPadding: nil), kind: kind), along, along])) == [[0, 1, 2]])
        }
        var fusion = NetworkFusion(chain([try convolution(), along]))
        try fusion.foldBackward(.unknown)
        #expect(fusion.groups[0].after == [1] && fusion.groups[0].config?.useBias == true && fusion.groups[0].results == fusion.outputs)
        #expect(try folded(chain([convolution(layout: .channelsFirst), across])) == [[0, 1]])
        #expect(try folded(chain([convolution(), across])) == [[0], [1]])
        #expect(try folded(chain([convolution(activation: .relu), along])) == [[0], [1]])
        #expect(try folded(chain([convolution(), along], types: [.float32, .float64])) == [[0], [1]])
        #expect(try folded(chain([convolution(), along]), .init(allow: { _ in false }, haveNoShift: { _ in false })) == [[0], [1]])
        var shared = chain([try convolution(), along])
        shared.outputs.append(1)
        #expect(try folded(shared) == [[0], [1]])
        var read = chain([try convolution(), along])
        read.outputs += read.add(.other, type: .float32, inputs: [1])
        #expect(try folded(read) == [[0], [1], [2]])
    }

    @Test func normalizationsGoForward() throws {
        let along = NetworkOutline.Kind.normalization(axis: -1)
        func folded(_ outline: NetworkOutline, _ weights: NetworkFusion.Weights = .unknown) throws -> [[Int]] {
            try parts(outline) { try $0.foldForward(weights) }
        }
        let unshifted = NetworkFusion.Weights(allow: { _ in true }, haveNoShift: { _ in true })
        #expect(try folded(chain([along, along, convolution(activation: .relu)])) == [[0, 1, 2]])
        var fusion = NetworkFusion(chain([along, try convolution()]))
        try fusion.foldForward(.unknown)
        #expect(fusion.groups[0].before == [0] && fusion.groups[0].inputs == [0] && fusion.groups[0].config?.useBias == true)
        for kind in [try convolution(.same(outputPadding: nil)), try convolution(kind: .transposed)] {
            #expect(try folded(chain([along, kind])) == [[0], [1]])
            var fusion = NetworkFusion(chain([along, kind]))
            try fusion.foldForward(unshifted)
            #expect(fusion.groups.map(\.parts) == [[0, 1]] && fusion.groups[0].config?.useBias == false)
        }
        var two = chain([along, try convolution()])
        two.outputs += two.add(try convolution(), type: .float32, inputs: [1])
        #expect(try folded(two, unshifted) == [[0], [1], [2]])
        var output = chain([along, try convolution()])
        output.outputs.append(1)
        #expect(try folded(output, unshifted) == [[0], [1]])
    }

    @Test func activationsAreFused() throws {
        func fused(_ outline: NetworkOutline) -> [[Int]] { parts(outline) { $0.fuseActivations() } }
        var fusion = NetworkFusion(chain([try convolution(), .activation(.tanh)]))
        fusion.fuseActivations()
        #expect(fusion.groups.map(\.parts) == [[0, 1]] && fusion.groups[0].config?.activation == .tanh)
        #expect(try fused(chain([convolution(), .activation(.relu), .activation(.relu)])) == [[0, 1], [2]])
        #expect(try fused(chain([convolution(), .activation(.alongAxis(.softmax, axis: 1))])) == [[0], [1]])
        #expect(try fused(chain([convolution(), .activation(.relu)], types: [.float32, .float64])) == [[0], [1]])
        #expect(fused(chain([.other, .activation(.relu)])) == [[0], [1]])
        var shared = chain([try convolution(), .activation(.relu)])
        shared.outputs.append(1)
        #expect(fused(shared) == [[0], [1]])
    }

    @Test func activationsAreJoined() throws {
        func joined(_ outline: NetworkOutline) -> [[Int]] { parts(outline) { $0.joinActivations() } }
        for kind in [NetworkOutline.Kind.loop, .normalization(axis: 1)] {
            var fusion = NetworkFusion(chain([kind, .activation(.silu), .activation(.relu)]))
            fusion.joinActivations()
            #expect(fusion.groups.map(\.parts) == [[0, 1], [2]] && fusion.groups.map(\.activation) == [.silu, .linear])
            #expect(fusion.groups.last?.inputs == [2])
            for activation in [Activation.softmax, .sparsemax, .alongAxis(.softmax, axis: 1), .linear] {
                #expect(joined(chain([kind, .activation(activation)])) == [[0], [1]], "\(activation)")
            }
            #expect(joined(chain([kind, .activation(.relu)], types: [.float32, .float64])) == [[0], [1]])
            #expect(joined(chain([kind, .activation(.relu)], types: [.float16, .float16])) == [[0], [1]])
            #expect(joined(chain([kind, .activation(.relu)], types: [nil, nil])) == [[0], [1]])
            var shared = chain([kind, .activation(.relu)])
            shared.outputs.append(1)
            #expect(joined(shared) == [[0], [1]])
        }
        #expect(try joined(chain([.other, .activation(.relu), convolution(), .activation(.relu)])) == [[0], [1], [2], [3]])
        // A kernel has its activation first, and a folded normalization leaves its own to the convolution.
        var fusion = NetworkFusion(chain([try convolution(), .normalization(axis: -1), .activation(.relu)]))
        try fusion.run(.unknown)
        #expect(fusion.groups.map(\.parts) == [[0, 1, 2]] && fusion.groups[0].config?.activation == .relu && fusion.groups[0].activation == .linear)
    }

    /// As many calls as a graph may have take no longer than as many looks at a few of them.
    @Test(.timeLimit(.minutes(1))) func longNetworksTakeTheTimeOfTheirLength() throws {
        let count = 100_000
        let kinds = [
            NetworkOutline.Kind.activation(.linear), .activation(.relu), .normalization(axis: -1), try convolution(), .other,
        ]
        for kind in kinds {
            var fusion = NetworkFusion(chain(try [convolution(), .activation(.linear)] + Array(repeating: kind, count: count)))
            try fusion.run(.unknown)
            #expect(fusion.groups.map(\.parts.count).reduce(0, +) == count + 2)
        }
        // Only so many are folded on each side, as each changes all weights once more.
        let along = NetworkOutline.Kind.normalization(axis: -1)
        var row = Array(repeating: along, count: 9)
        row.insert(try convolution(), at: 0)
        #expect(try parts(chain(row)) { try $0.foldBackward(.unknown) } == [Array(0...8), [9]])
        row.append(row.removeFirst())
        #expect(try parts(chain(row)) { try $0.foldForward(.unknown) } == [[0], Array(1...9)])
    }

    /// By trying all results.
    @Test func commonTapsAreThoseOfEveryResult() throws {
        for input in 1...4 {
            for output in 1...5 {
                for (kernel, stride, dilation, crop) in [(1, 1, 1, 0), (2, 1, 1, 0), (3, 1, 1, 1), (2, 2, 1, 0), (3, 2, 1, 1), (2, 1, 2, 1), (1, 2, 1, 0)] {
                    let axis = try AxisGeometry(input: input, output: output, kernel: kernel, stride: stride, dilation: dilation, crop: crop)
                    func place(_ i: Int, _ tap: Int) -> Int { i * stride + tap * dilation - crop }
                    let ordinary = (0..<input).map { i in (0..<kernel).filter { (0..<output).contains(place(i, $0)) } }
                    let transposed = (0..<output).map { o in (0..<kernel).filter { tap in (0..<input).contains { place($0, tap) == o } } }
                    for (op, taps) in [(KernelOp.convolution, ordinary), (.transposedConvolution, transposed)] {
                        let isSame = taps.allSatisfy { $0 == taps[0] }
                        #expect(axis.commonTaps(op) == (isSame ? taps[0] : nil), "\(axis), \(op)")
                    }
                }
            }
        }
    }
}
