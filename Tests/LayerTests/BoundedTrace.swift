import VoxTensorIO
import Voxelsmith
import _TestSupport

/// A tensor in exact arithmetic, and how far float32 arithmetic may be from it.
struct Bounded {
    let shape: [Int]
    let values: [Double]
    let errors: [Double]

    private static let unit = ElementType.float32.unitRoundoff

    /// Carries values and error bounds through a model. A convolution, and a layer of products, adds the bound of its rounded sums and multiplies
    /// the errors of its input by the sums of its weights' magnitudes; a normalization by its factors. The other layers here change by no
    /// more than their input does.
    static func results(_ model: Model, _ x: Tensor) throws -> [Bounded] {
        let start = Bounded(shape: x.shape, values: x.doubles, errors: x.doubles.map { _ in 0 })
        return try model.trace([start]) { layer, inputs in
            let x = inputs[0]
            if let layer = layer as? Conv3D { return [try convolution(layer, x)] }
            switch layer.className {
            case "BatchNormalization": return [normalization(layer, x)]
            case "Dense": return [product(layer, x)]
            case "Reshape", "UpSampling3D", "Cropping3D", "ZeroPadding3D": return [try copy(layer, x)]
            default: return [try pointwise(layer, x)]
            }
        }
    }

    private static func convolution(_ layer: Conv3D, _ x: Bounded) throws -> Bounded {
        let spec = try layer.config.spec(inputShape: x.shape, policy: .direct)
        let weights = layer.getWeights().map(\.doubles)
        let batch = x.shape[0]
        let exact = ScatterOracle.run(spec, batch: batch, input: x.values, operand: weights[0], bias: weights.count > 1 ? weights[1] : nil)
        let carried = ScatterOracle.run(
            spec, batch: batch, input: x.errors, operand: weights[0].map(abs), bias: weights.count > 1 ? weights[1].map { _ in 0 } : nil)
        let own = ErrorBound.bounds(
            chain: spec.longestChain + 1, type: .float32, magnitudes: zip(exact.magnitudes, carried.values).map { $0 + $1 })
        return Bounded(shape: spec.outputShape(batch: batch), values: exact.values, errors: zip(carried.values, own).map { $0 + $1 })
    }

    private static func pointwise(_ layer: Layer, _ x: Bounded) throws -> Bounded {
        let y = try layer(Tensor(shape: x.shape, x.values.map { Float($0) }), threads: 1)
        let most = layer.className == "Softmax" ? x.errors.max() ?? 0 : 0
        // Rounding of the argument and of the result, once here and once in a float32 computation of a few operations.
        let results = y.doubles
        let errors = x.values.indices.map { max(x.errors[$0], most) + unit * (abs(x.values[$0]) + 8 * abs(results[$0])) }
        return Bounded(shape: y.shape, values: results, errors: errors)
    }

    /// Gamma, beta, mean and variance along the last axis. A float32 computation folds them into a factor and a shift, in four roundings each.
    private static func normalization(_ layer: Layer, _ x: Bounded) -> Bounded {
        let weights = layer.getWeights().map(\.doubles)
        let channels = weights[0].count
        var (values, errors): ([Double], [Double]) = ([], [])
        for (index, value) in x.values.enumerated() {
            let channel = index % channels
            let factor = weights[0][channel] / (weights[3][channel] + 1e-3).squareRoot()
            values.append((value - weights[2][channel]) * factor + weights[1][channel])
            let magnitude = (abs(value) + x.errors[index] + abs(weights[2][channel])) * abs(factor) + abs(weights[1][channel])
            errors.append(x.errors[index] * abs(factor) + ErrorBound.gamma(8, .float32) * magnitude)
        }
        return Bounded(shape: x.shape, values: values, errors: errors)
    }

    private static func product(_ layer: Layer, _ x: Bounded) -> Bounded {
        let weights = layer.getWeights()
        let (kernel, bias) = (weights[0].doubles, weights[1].doubles)
        let (channels, units) = (weights[0].shape[0], weights[0].shape[1])
        var (values, errors): ([Double], [Double]) = ([], [])
        for row in 0..<x.values.count / channels {
            for unit in 0..<units {
                var (sum, carried, magnitude) = (bias[unit], 0.0, abs(bias[unit]))
                for channel in 0..<channels {
                    let (place, weight) = (row * channels + channel, kernel[channel * units + unit])
                    sum += x.values[place] * weight
                    carried += x.errors[place] * abs(weight)
                    magnitude += (abs(x.values[place]) + x.errors[place]) * abs(weight)
                }
                values.append(sum)
                errors.append(carried + ErrorBound.gamma(channels + 1, .float32) * magnitude)
            }
        }
        return Bounded(shape: x.shape.dropLast() + [units], values: values, errors: errors)
    }

    /// Values move and errors with them; both are rounded to float32 on the way.
    private static func copy(_ layer: Layer, _ x: Bounded) throws -> Bounded {
        let y = try layer(Tensor(shape: x.shape, x.values.map { Float($0) }), threads: 1)
        let errors = try layer(Tensor(shape: x.shape, x.errors.map { Float($0) }), threads: 1).doubles
        return Bounded(shape: y.shape, values: y.doubles, errors: zip(errors, y.doubles).map { $0 * (1 + 2 * unit) + unit * abs($1) })
    }
}
