import CVoxLoops
import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension OperationRule: ComputedRule {
    func rounded(to type: ElementType) -> OperationRule { mapped(type.nearest) }

    /// Whether the result is the input under another shape.
    var keepsElements: Bool {
        if case .movement(let movement) = function { return movement.keepsOrder }
        return false
    }

    func loop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall? {
        let own: [LoopCall.Operand] = try operands.map { operand in
            switch operand {
            case .tensor(let index): .input(index)
            case .numbers(let numbers): .constant(try numbers.tensor(type))
            }
        }
        let shapes = operands.map { operand in
            switch operand {
            case .tensor(let index): inputs[index]
            case .numbers(let numbers): numbers.shape
            }
        }
        switch function {
        case .elements(let function): return LoopCall(FoldLoop(function, shapes, to: shape), own)
        case .activation: return nil
        case .clip(let low, let high): return LoopCall(ClipLoop(shape, low: low, high: high), own)
        case .concatenation(let axis):
            return LoopCall(ConcatenateLoop(shapes, axis: try Activation.index(ofAxis: axis, rank: shape.count)), own)
        case .stack(let axis):
            let rows = try Self.stacked(shapes.map { shape in shape.map { $0 } }, axis: axis).map { shape in shape.map { $0 ?? 1 } }
            return LoopCall(ConcatenateLoop(rows, axis: try Activation.index(ofAxis: axis, rank: shape.count)), own)
        case .reduction(let function, _, _):
            return .reducing(inputs[0], function.reduction, over: try reducedPlaces(of: inputs[0].map { $0 }), to: shape)
        case .movement(let movement): return try movement.loop(inputs[0], type, to: shape)
        }
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let type = xs.first?.elementType ?? .float32
        if let loop = try loop(xs.map(\.shape), type, weights: weights, to: shape) { return try loop.run(xs, to: shape, threads: threads) }
        if keepsElements { return try xs[0].reshaped(to: shape) }
        guard case .activation(let activation) = function, let operand = operands.first else { return xs[0] }
        switch operand {
        case .tensor(let index): return try ActivationLayer.apply(activation, to: xs[index], threads: threads)
        case .numbers(let numbers): return try ActivationLayer.apply(activation, to: numbers.tensor(type), threads: threads)
        }
    }
}

extension ReductionFunction {
    fileprivate var reduction: Reduction.Function {
        switch self {
        case .mean: .mean
        case .sum: .sum
        case .maximum: .maximum
        case .minimum: .minimum
        }
    }
}

extension ElementMovement {
    /// - Returns: nil where the elements stay in their order.
    fileprivate func loop(_ input: [Int], _ type: ElementType, to shape: [Int]) throws -> LoopCall? {
        if keepsOrder { return nil }
        // What there is no memory for is refused before there are lists of its places: a result, and an input whose places have no number.
        _ = try Tensor(uninitialized: Checked.product(input) == nil ? input : shape, type)
        if case .transpose = self { return .transposing(input, try order(of: input.map { $0 })) }
        guard case .slices(let key) = self else { return nil }
        let (parts, steps) = (try key.parts(of: input.map { $0 }), Tensor.steps(input))
        // Axes of which one place is taken lead to where all others begin.
        var start = parts.reduce(0) { start, part in part.isKept ? start : start + part.first * (part.axis.map { steps[$0] } ?? 0) }
        var sources: [[Int]] = []
        for part in parts where part.isKept {
            let step = part.axis.map { steps[$0] } ?? 0
            sources.append((0..<(part.count ?? 1)).map { place in start + (part.first + place * part.step) * step })
            start = 0
        }
        return LoopCall(GatherLoop(sources), inputCount: 1)
    }
}

/// Numbers no less than a limit and no more than another one. What is no number stays so.
struct ClipLoop: TensorLoop {
    private let blocks: RowBlocks
    private let elementCount: Int
    private let low: Double
    private let high: Double

    init(_ shape: [Int], low: Double, high: Double) {
        let axes = StridedAxes(shape, [StridedAxes.steps(of: shape, rank: shape.count)])
        (blocks, elementCount) = (RowBlocks(axes), axes.elementCount)
        (self.low, self.high) = (low, high)
    }

    var itemCount: Int { blocks.itemCount }
    func start(ofItem item: Int) -> Int { blocks.start(ofItem: item) }
    var cost: Double { Double(elementCount) * 0.5 }
    var isElementwise: Bool { true }

    func compute<T: LoopElement>(_ items: Range<Int>, _ xs: [UnsafePointer<T>], _ y: UnsafeMutablePointer<T>) {
        let bytes = Int32(MemoryLayout<T>.size)
        var (low, high) = (T(double: self.low), T(double: self.high))
        blocks.forEach(items) { block in
            let target = y + block.start
            vs_fold(VS_COPY, bytes, block.shape, target, xs[0] + block.places[0], Int64(blocks.rowSteps[0]), Int64(blocks.laneSteps[0]))
            vs_fold(VS_MAXIMUM, bytes, block.shape, target, &low, 0, 0)
            vs_fold(VS_MINIMUM, bytes, block.shape, target, &high, 0, 0)
        }
    }
}
