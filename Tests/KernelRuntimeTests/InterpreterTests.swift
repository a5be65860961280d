import Testing
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

@Suite struct InterpreterTests {
    static let instructionSets = InterpreterLoops.InstructionSet.allCases.filter {
        $0.rawValue <= InterpreterLoops.best.rawValue
    }

    static let elementTypes: [ElementTypes] = [
        .float32, .float64, ElementTypes(storage: .float32, arithmetic: .float64),
        ElementTypes(storage: .float64, arithmetic: .float32),
    ]

    /// Seeded random problems of every class against the scatter oracle, inside the classical error bound.
    @Test func randomProblemsMatchTheOracle() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 1))
        var counts: [String: Int] = [:]
        for round in 0..<40 {
            for op in KernelOp.allCases {
                for layout in Layout.allCases {
                    for (index, elements) in Self.elementTypes.enumerated() where index < 2 || round < 10 {
                        let spec = try specs.next(op: op, layout: layout, elements: elements)
                        let batch = round % 4
                        let problem = Problem(spec, batch: batch, random: &specs.random)
                        let set = Self.instructionSets[round % Self.instructionSets.count]
                        let placement = GuardedBuffer.Placement.allCases[round / 2 % 2]
                        let received = try problem.run(InterpreterKernel(spec, instructionSet: set), placement: placement)
                        let oracle = problem.oracle()
                        let violation = ErrorBound.firstViolation(
                            received: received, expected: oracle.values,
                            bounds: ErrorBound.bounds(
                                chain: problem.chain, type: problem.coarseType, magnitudes: oracle.magnitudes))
                        #expect(violation == nil, "\(spec.key) batch \(batch) \(set)")

                        let axes = spec.geometry.axes
                        for (name, holds) in [
                            ("\(op)", true), ("\(layout)", true), ("\(elements.storage)/\(elements.accumulator)", true),
                            ("batch \(batch)", true), ("\(set)", true), ("groups", spec.geometry.groups > 1),
                            ("bias", spec.epilogue.hasBias), ("rank \(axes.count)", true),
                            ("stride with dilation", axes.contains { $0.stride > 1 && $0.dilation > 1 }),
                            ("phase without taps", spec.gather.axes.contains { axis in
                                (0..<axis.phases).contains { axis.taps(inPhase: $0).isEmpty }
                            }),
                            ("stride > kernel", axes.contains { $0.stride > $0.kernel }),
                            ("kernel mod stride", axes.contains { $0.kernel % $0.stride != 0 }),
                            ("input of 1", axes.contains { $0.input == 1 }),
                            ("room at the end", axes.contains { axis in
                                axis.output > (axis.input - 1) * axis.stride + axis.effectiveKernel - axis.crop
                            }),
                            ("filters not of full lanes", spec.geometry.filtersPerGroup % 16 != 0),
                            ("more than one block", spec.geometry.filtersPerGroup > 64),
                        ] where holds {
                            counts[name, default: 0] += 1
                        }
                    }
                }
            }
        }
        let report = counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
        print("interpreter against oracle:", report.joined(separator: ", "))
        for (name, count) in counts { #expect(count >= 20, "too few problems of class \(name)") }
        #expect(counts.count >= 24)
    }

    /// With small integers every sum is exact in float32, so the oracle's numbers must come out bit for bit.
    @Test func integersAreExact() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 2))
        for round in 0..<60 {
            for op in KernelOp.allCases {
                let spec = try specs.next(
                    op: op, layout: Layout.allCases[round % 2], elements: Self.elementTypes[round / 2 % 4])
                let problem = Problem(spec, batch: 1 + round % 3, random: &specs.random, integers: 8)
                let expected = problem.oracle().values
                for set in Self.instructionSets {
                    let received = try problem.run(InterpreterKernel(spec, instructionSet: set), placement: .atStart)
                    #expect(received == expected, "\(spec.key) \(set)")
                }
            }
        }
    }

    /// An axis whose outputs no tap reaches: the results are the bias, and the many taps of the other axes find room.
    @Test func axesWithoutTaps() throws {
        let many = try AxisGeometry(input: 9, output: 17, kernel: 9, stride: 1, dilation: 1, crop: 0)
        let none = try AxisGeometry(input: 2, output: 3, kernel: 2, stride: 1, dilation: 1, crop: 7)
        for axes in [[none, many, many], [many, none, many], [many, many, none]] {
            let spec = KernelSpec(
                geometry: try Geometry(axes: axes, channels: 2, filters: 3), epilogue: Epilogue(hasBias: true, activation: .linear))
            var random = SeededRandom(seed: 12)
            let problem = Problem(spec, batch: 1, random: &random, integers: 5)
            #expect(problem.oracle().magnitudes.max() ?? 0 <= 5)
            for placement in GuardedBuffer.Placement.allCases {
                #expect(try problem.run(InterpreterKernel(spec), placement: placement) == problem.oracle().values, "\(spec.key)")
            }
        }
    }

    @Test func threadsAndItemsDoNotChangeABit() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 3))
        for round in 0..<30 {
            for op in KernelOp.allCases {
                let linear = try specs.next(op: op, layout: Layout.allCases[round % 2], elements: Self.elementTypes[round % 4])
                let spec = linear.with(
                    epilogue: Epilogue(hasBias: true, activation: Activation.samples[round % Activation.samples.count]))
                let problem = Problem(spec, batch: 2, random: &specs.random)
                let kernel = InterpreterKernel(spec)
                let expected = try problem.run(kernel)
                for threads in [2, 3, 7] {
                    let received = try problem.run(kernel, threads: threads)
                    #expect(same(received, expected), "\(spec.key) threads \(threads)")
                }
                let itemByItem = try problem.run(kernel, threads: 2, split: true)
                #expect(same(itemByItem, expected), "\(spec.key) item by item")
            }
        }
    }

    /// A batch of three gives what three batches of one give.
    @Test func batchSplitDoesNotChangeABit() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 4))
        for round in 0..<40 {
            for op in [KernelOp.transposedConvolution, .convolution] {
                let spec = try specs.next(op: op, layout: Layout.allCases[round % 2])
                let kernel = InterpreterKernel(spec)
                let whole = Problem(spec, batch: 3, random: &specs.random)
                let expected = try whole.run(kernel)
                var parts: [Double] = []
                for sample in 0..<3 {
                    var part = whole
                    part.batch = 1
                    let count = whole.input.count / 3
                    part.input = Array(whole.input[sample * count..<(sample + 1) * count])
                    parts += try part.run(kernel)
                }
                #expect(same(parts, expected), "\(spec.key)")
            }
        }
    }

    @Test func emptyBatch() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 5))
        for op in KernelOp.allCases {
            let spec = try specs.next(op: op, layout: .channelsLast).with(epilogue: Epilogue(hasBias: true, activation: .relu))
            let kernel = InterpreterKernel(spec)
            let problem = Problem(spec, batch: 0, random: &specs.random)
            let received = try problem.run(kernel)
            #expect(received == problem.oracle().values, "\(spec.key)")
            if op != .kernelGradient { #expect(kernel.workItemCount(batch: 0) == 0, "\(spec.key)") }
        }
    }

    /// NaN or infinity in one element of either operand reaches exactly the results that read it.
    @Test func badValuesStayWhereTheyAreRead() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 6))
        var unreached = 0
        for round in 0..<60 {
            for op in KernelOp.allCases {
                let spec = try specs.next(op: op, layout: Layout.allCases[round % 2], elements: Self.elementTypes[round / 2 % 2])
                let clean = Problem(spec, batch: 2, random: &specs.random)
                let kernel = InterpreterKernel(spec, instructionSet: Self.instructionSets[round % Self.instructionSets.count])
                let expected = try clean.run(kernel)
                let inInput = round % 3 != 0
                let place = specs.random.integer(0...(inInput ? clean.input.count : clean.operand.count) - 1)

                // With ones everywhere and a single one in the chosen operand, the magnitudes count who reads it.
                var probe = clean
                probe.spec = spec.with(epilogue: Epilogue.none)
                probe.input = [Double](repeating: inInput ? 0 : 1, count: clean.input.count)
                probe.operand = [Double](repeating: inInput ? 1 : 0, count: clean.operand.count)
                if inInput { probe.input[place] = 1 } else { probe.operand[place] = 1 }
                let readers = probe.oracle().magnitudes

                for bad in [Double.nan, .infinity] {
                    var poisoned = clean
                    if inInput { poisoned.input[place] = bad } else { poisoned.operand[place] = bad }
                    let received = try poisoned.run(kernel)
                    for index in received.indices {
                        if readers[index] > 0 {
                            #expect(!received[index].isFinite, "\(spec.key) result \(index) does not show \(bad)")
                        } else {
                            unreached += 1
                            #expect(received[index] == expected[index], "\(spec.key) result \(index) was reached by \(bad)")
                        }
                    }
                }
            }
        }
        #expect(unreached > 10_000)
    }

    /// <transposedConvolution(x, w), dy> = <x, convolution(dy, w)> = <w, kernelGradient(x, dy)>
    @Test func operationsAreAdjoint() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 7))
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        for round in 0..<60 {
            let forward = try specs.next(op: .transposedConvolution, layout: Layout.allCases[round % 2], elements: .float64)
                .with(epilogue: Epilogue.none)
            func other(_ op: KernelOp) -> KernelSpec {
                KernelSpec(op: op, geometry: forward.geometry, layout: forward.layout, elements: .float64)
            }
            let batch = 1 + round % 3
            let first = Problem(forward, batch: batch, random: &specs.random)
            let dy = specs.random.reals(first.resultCount)
            let y = try first.run(InterpreterKernel(forward))

            var second = first
            second.spec = other(.convolution)
            second.input = dy
            let dx = try second.run(InterpreterKernel(second.spec))

            var third = first
            third.spec = other(.kernelGradient)
            third.operand = dy
            let dw = try third.run(InterpreterKernel(third.spec))

            let products = (dot(y, dy), dot(first.input, dx), dot(first.operand, dw))
            let tolerance = 1e-12 * Double(forward.geometry.multiplyAddCount * batch + 1)
            #expect(abs(products.0 - products.1) <= tolerance, "\(forward.key) batch \(batch)")
            #expect(abs(products.0 - products.2) <= tolerance, "\(forward.key) batch \(batch)")
            #expect(products.0 != 0 || forward.geometry.multiplyAddCount == 0, "\(forward.key)")
        }
    }

    /// Every activation, fused: bit for bit the linear result followed by the same activation, and near the oracle's.
    @Test func activations() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 8))
        for activation in Activation.samples {
            for round in 0..<12 {
                let op = KernelOp.allCases[round % KernelOp.allCases.count]
                let spec = try specs.next(
                    op: op, layout: Layout.allCases[round / KernelOp.allCases.count % 2], elements: Self.elementTypes[round % 2]
                ).with(epilogue: Epilogue(hasBias: round % 4 != 0, activation: activation))
                let problem = Problem(spec, batch: 2, random: &specs.random)
                let fused = try problem.run(InterpreterKernel(spec))

                var linear = problem
                linear.spec = spec.with(epilogue: spec.epilogue.withoutActivation)
                let sums = try linear.run(InterpreterKernel(linear.spec))
                let shape = spec.outputShape(batch: 2)
                let buffer = problem.buffer(sums, .atEnd)
                ActivationArithmetic.apply(
                    activation, to: buffer.address, type: spec.elements.storage, shape: shape, threads: 1 + round % 3)
                #expect(same(fused, problem.numbers(buffer)), "\(spec.key)")

                let exact = linear.oracle()
                let rowLength = shape.last ?? 1
                let expected = ScatterOracle.activate(exact.values, activation, rowLength: rowLength)
                let inner = ErrorBound.bounds(chain: problem.chain, type: problem.coarseType, magnitudes: exact.magnitudes)
                let unit = 4 * problem.coarseType.unitRoundoff
                let bounds: [Double]
                if activation == .logSoftmax || activation == .sparsemax {
                    // If every logit moves by at most e, log_softmax moves by 2e, and the mean of sparsemax's running sums by
                    // half the row's length times e.
                    let widest = Double(2 + rowLength) * (inner.max() ?? 0)
                    bounds = expected.map { widest + unit * max(1, abs($0)) + 1e-13 }
                } else if activation == .softmax {
                    // A shift of every logit by at most e changes each share by a factor of at most exp(2e).
                    let widest = inner.max() ?? 0
                    bounds = expected.map { $0 * 4 * widest + unit * abs($0) + 1e-30 }
                } else {
                    // Twice the change over the uncertain interval, as all of them are smooth or piecewise linear; the
                    // oracle's 1 + erf and 1 + tanh cancel at about 1e-16 of the argument.
                    bounds = zip(exact.values, inner).map { x, e in
                        let y = ScatterOracle.activate(x, activation)
                        let moved = max(
                            abs(ScatterOracle.activate(x + e, activation) - y),
                            abs(ScatterOracle.activate(x - e, activation) - y))
                        return 2 * moved + e * 1e-3 + unit * abs(y) + 1e-15 * abs(x) + 1e-30
                    }
                }
                #expect(ErrorBound.firstViolation(received: fused, expected: expected, bounds: bounds) == nil, "\(spec.key)")
            }
        }
    }

    /// Geometry as in the trained models: several items per sample, full blocks and tails of every width.
    @Test func largerLayers() throws {
        var random = SeededRandom(seed: 9)
        for (channels, filters, kernel, stride) in [
            (128, 64, 4, 2), (16, 8, 4, 2), (8, 1, 3, 1), (1, 16, 3, 1), (20, 50, 2, 2), (7, 65, 3, 2),
        ] {
            for layout in Layout.allCases {
                for op in KernelOp.allCases {
                    let axes = try (5...7).map { input in
                        try PaddingRule.same(outputPadding: nil).resolve(
                            axis: 0, input: input, kernel: kernel, stride: stride, dilation: 1)
                    }
                    let spec = KernelSpec(
                        op: op, geometry: try Geometry(axes: axes, channels: channels, filters: filters), layout: layout,
                        epilogue: Epilogue(hasBias: true, activation: .linear))
                    let problem = Problem(spec, batch: 1, random: &random)
                    let kernel = InterpreterKernel(spec)
                    let oracle = problem.oracle()
                    let received = try problem.run(kernel, threads: 2)
                    #expect(
                        ErrorBound.firstViolation(
                            received: received, expected: oracle.values,
                            bounds: ErrorBound.bounds(chain: problem.chain, type: .float32, magnitudes: oracle.magnitudes))
                            == nil, "\(spec.key)")
                }
            }
        }
    }

    /// Types without loops are named when weights are arranged, or at the first call where there are none; nothing is read as another type.
    @Test func otherElementTypesAreRefused() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 11))
        let mixed = ElementTypes(storage: .float32, operands: .bfloat16, accumulator: .float32, result: .float32)
        for elements in [ElementTypes(.float16), ElementTypes(.bfloat16), ElementTypes(storage: .float16, arithmetic: .float32), mixed] {
            for op in KernelOp.allCases {
                let spec = try specs.next(op: op, layout: .channelsLast, elements: elements).with(epilogue: Epilogue.none)
                let kernel = InterpreterKernel(spec)
                let buffer = GuardedBuffer(byteCount: 64, placement: .atStart)
                defer { withExtendedLifetime(buffer) {} }
                let error = KernelError.otherElementTypes(kernel: "interpreter", elements)
                let arguments = KernelArguments(
                    batch: 0, input: buffer.address, operand: buffer.address, bias: nil, output: buffer.address, workspace: buffer.address)
                #expect(kernel.workItemCount(batch: 0) == 1)
                #expect(throws: error) { try kernel.run(arguments, items: 0..<1) }
                #expect(throws: error) { try kernel.pack(weights: buffer.address, into: buffer.address) }
            }
        }
    }

    @Test func missingBuffersAreRefused() throws {
        var specs = RandomSpecs(random: SeededRandom(seed: 10))
        for op in KernelOp.allCases {
            let spec = try specs.next(op: op, layout: .channelsLast).with(epilogue: Epilogue(hasBias: true, activation: .linear))
            let kernel = InterpreterKernel(spec)
            let buffer = GuardedBuffer(byteCount: max(64, kernel.workspaceByteCount), placement: .atStart)
            defer { withExtendedLifetime(buffer) {} }
            for (bias, workspace) in [(nil, buffer.address), (UnsafeRawPointer(buffer.address), nil)] {
                let arguments = KernelArguments(
                    batch: 1, input: buffer.address, operand: buffer.address, bias: bias, output: buffer.address,
                    workspace: workspace)
                #expect(throws: KernelError.failed(kernel: "interpreter", status: 1)) {
                    try kernel.run(arguments, items: 0..<1)
                }
            }
        }
    }
}
