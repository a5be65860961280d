import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension MergeRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let shapes = Self.aligned(inputs.map { shape in shape.map { $0 } }).map { shape in shape.map { $0 ?? 1 } }
        let elements: ElementFunction = switch function {
        case .add, .average: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .maximum: .maximum
        case .minimum: .minimum
        }
        return LoopCall(FoldLoop(elements, shapes, to: shape, isMean: function == .average), inputCount: inputs.count)
    }
}

extension ConcatenateRule: LoopRule {
    func onlyLoop(_ inputs: [[Int]], _ type: ElementType, weights: [Tensor], to shape: [Int]) throws -> LoopCall {
        let place = try Activation.index(ofAxis: axis, rank: shape.count)
        return LoopCall(ConcatenateLoop(inputs, axis: place), inputCount: inputs.count)
    }
}

extension DotRule: ComputedRule {
    /// Keras's least length.
    private static let epsilon = 1e-7

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let places = try places(in: xs.map { x in x.shape.map { $0 } })
        let operands = normalize
            ? try zip(xs, places).map { x, place in
                try UnitNormalizationRule.normalizing(x.shape, along: [place], epsilon: Self.epsilon).run([x], to: x.shape, threads: threads)
            } : xs
        return try LoopCall(DotLoop(xs.map(\.shape), places: places), inputCount: 2).run(operands, to: shape, threads: threads)
    }
}
