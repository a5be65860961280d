import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

extension MergeRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let shapes = Self.aligned(xs.map { x in x.shape.map { $0 } }).map { shape in shape.map { $0 ?? 1 } }
        let elements: ElementFunction = switch function {
        case .add, .average: .add
        case .subtract: .subtract
        case .multiply: .multiply
        case .maximum: .maximum
        case .minimum: .minimum
        }
        return try FoldLoop(elements, shapes, to: shape, isMean: function == .average).run(xs, to: shape, threads: threads)
    }
}

extension ConcatenateRule: ComputedRule {
    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let place = try Activation.index(ofAxis: axis, rank: shape.count)
        return try ConcatenateLoop(xs.map(\.shape), axis: place).run(xs, to: shape, threads: threads)
    }
}

extension DotRule: ComputedRule {
    /// Keras's least length.
    private static let epsilon = 1e-7

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let places = try places(in: xs.map { x in x.shape.map { $0 } })
        let operands = normalize
            ? try zip(xs, places).map { try UnitNormalizationRule.normalized($0, along: [$1], epsilon: Self.epsilon, threads: threads) } : xs
        return try DotLoop(xs.map(\.shape), places: places).run(operands, to: shape, threads: threads)
    }
}

extension OperationRule: ComputedRule {
    func rounded(to type: ElementType) -> OperationRule {
        var result = self
        result.operands = operands.map { operand in
            if case .numbers(let numbers) = operand { return .numbers(numbers.rounded(to: type)) }
            return operand
        }
        return result
    }

    func compute(_ xs: [Tensor], weights: [Tensor], to shape: [Int], threads: Int) throws -> Tensor {
        let type = xs.first?.elementType ?? .float32
        let operands = try operands.map { operand in
            switch operand {
            case .tensor(let index): xs[index]
            case .numbers(let numbers): try numbers.tensor(type)
            }
        }
        switch function {
        case .elements(let function): return try FoldLoop(function, operands.map(\.shape), to: shape).run(operands, to: shape, threads: threads)
        case .activation(let activation): return try ActivationLayer.apply(activation, to: operands[0], threads: threads)
        case .concatenation(let axis):
            let place = try Activation.index(ofAxis: axis, rank: shape.count)
            return try ConcatenateLoop(operands.map(\.shape), axis: place).run(operands, to: shape, threads: threads)
        }
    }
}
