import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// A spec with operands, and the ways to run a kernel on it. All numbers are exactly `Float`s.
struct Problem {
    var spec: KernelSpec
    var batch: Int
    var input: [Double]
    var operand: [Double]
    var bias: [Double]

    init(_ spec: KernelSpec, batch: Int, random: inout SeededRandom, integers limit: Int? = nil) {
        func numbers(_ count: Int) -> [Double] {
            if let limit { random.integers(count, limit: limit) } else { random.reals(count) }
        }
        self.spec = spec
        self.batch = batch
        input = numbers(spec.inputShape(batch: batch).reduce(1, *))
        operand = numbers(spec.operandShape(batch: batch).reduce(1, *))
        bias = numbers(spec.biasCount)
    }

    var resultCount: Int { spec.outputShape(batch: batch).reduce(1, *) }

    /// Most roundings one result passes through, bias included.
    var chain: Int {
        let geometry = spec.geometry
        return switch spec.op {
        case .transposedConvolution: spec.longestChain + 2
        case .convolution: geometry.tapCount * geometry.filtersPerGroup + 2
        case .kernelGradient: batch * geometry.inputVolume + 2
        }
    }

    /// The less precise of the two element types.
    var coarseType: ElementType { spec.elements == .float64 ? .float64 : .float32 }

    func oracle() -> ScatterOracle.Result {
        ScatterOracle.run(spec, batch: batch, input: input, operand: operand, bias: spec.epilogue.hasBias ? bias : nil)
    }

    func buffer(_ values: [Double], _ placement: GuardedBuffer.Placement) -> GuardedBuffer {
        spec.elements.storage == .float64
            ? GuardedBuffer(values, placement: placement) : GuardedBuffer(values.map { Float($0) }, placement: placement)
    }

    func numbers(_ buffer: GuardedBuffer) -> [Double] {
        // `elements` points into the buffer without keeping it alive.
        withExtendedLifetime(buffer) {
            spec.elements.storage == .float64
                ? Array(buffer.elements(Double.self)) : buffer.elements(Float.self).map { Double($0) }
        }
    }

    /// Runs a kernel with every buffer between inaccessible pages and the result pre-filled with NaN.
    /// - Parameter split: hands the items over one by one instead of in one range per thread.
    func run(
        _ kernel: some Kernel, threads: Int = 1, placement: GuardedBuffer.Placement = .atEnd, split: Bool = false
    ) throws -> [Double] {
        let inputs = buffer(input, placement)
        let operands = buffer(operand, placement)
        let biases = buffer(bias, placement)
        let output = GuardedBuffer(byteCount: resultCount * spec.elements.storage.byteCount, placement: placement)
        let packed = GuardedBuffer(byteCount: kernel.packedByteCount, placement: placement, alignment: 64)
        if spec.op != .kernelGradient { try kernel.pack(weights: operands.address, into: packed.address) }
        let workspaces = (0..<threads).map { _ in
            GuardedBuffer(byteCount: kernel.workspaceByteCount, placement: placement, alignment: 64)
        }
        let arguments = KernelArguments(
            batch: batch, input: inputs.address,
            operand: spec.op == .kernelGradient ? operands.address : packed.address,
            bias: spec.epilogue.hasBias ? UnsafeRawPointer(biases.address) : nil, output: output.address, workspace: nil)
        let spaces = workspaces.map(\.address)
        // The addresses do not keep the buffers alive.
        defer { withExtendedLifetime((inputs, operands, biases, output, packed, workspaces)) {} }
        try ThreadPool.shared.run(threads: threads, items: kernel.workItemCount(batch: batch)) {
            participant, range throws(KernelError) in
            var own = arguments
            own.workspace = spaces[participant]
            if split {
                for item in range.reversed() { try kernel.run(own, items: item..<item + 1) }
            } else {
                try kernel.run(own, items: range)
            }
        }
        return numbers(output)
    }
}

/// Equal bit for bit, NaN included whatever its payload.
func same(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
}

/// Random specs that reach the corners: unequal axes, outputs longer and shorter than the taps reach, phases without taps.
struct RandomSpecs {
    var random: SeededRandom

    mutating func axis() throws -> AxisGeometry {
        let (kernel, stride, dilation) = (random.integer(1...4), random.integer(1...3), random.integer(1...3))
        let input = random.chance(0.2) ? 1 : random.integer(1...5)
        let reach = (input - 1) * stride + (kernel - 1) * dilation + 1
        let crop = random.integer(0...min(reach - 1, 4))
        let output = max(1, reach - crop - random.integer(-2...3))
        return try AxisGeometry(input: input, output: output, kernel: kernel, stride: stride, dilation: dilation, crop: crop)
    }

    mutating func next(op: KernelOp, layout: Layout, elements: ElementTypes = .float32) throws -> KernelSpec {
        let rank = random.choice([1, 2, 3, 3, 3, 3, 4])
        let groups = random.choice([1, 1, 1, 2, 3])
        let wide = rank <= 2 || random.chance(0.3)
        let channels = groups * random.choice(wide ? [1, 7, 16, 32, 33, 70, 100] : [1, 2, 3, 4, 5, 8, 16])
        let filters = groups * random.choice(wide && groups == 1 ? [1, 9, 24, 40, 64, 65, 100] : [1, 2, 3, 4, 5, 8, 17])
        var axes: [AxisGeometry] = []
        for _ in 0..<rank { axes.append(try axis()) }
        return KernelSpec(
            op: op, geometry: try Geometry(axes: axes, channels: channels, filters: filters, groups: groups),
            layout: layout, elements: elements,
            epilogue: Epilogue(hasBias: random.chance(0.5), activation: .linear))
    }
}
