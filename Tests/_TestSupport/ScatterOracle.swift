import Glibc
import VoxLayerSpec

/// The three operations in their plainest form: loop over inputs and taps, compute `o = i * stride + t * dilation - crop`, and
/// add where `o` exists. In double precision, for any legal `KernelSpec`.
///
/// It reads the numbers stored in `AxisGeometry` and none of its functions, so that a mistake there cannot hide here.
public enum ScatterOracle {
    public struct Result: Sendable {
        /// The result in row-major order of `KernelSpec.outputShape(batch:)`.
        public let values: [Double]
        /// For each element, sum |x||w| + |bias|: the scale of the rounding errors before the activation.
        public let magnitudes: [Double]
    }

    /// - Parameters:
    ///   - input: x, or dy for `convolution`, in the layout of the spec.
    ///   - operand: the kernel (kernel sizes..., F / G, C), or dy for `kernelGradient`.
    ///   - bias: one value per filter (`transposedConvolution`), per channel (`convolution`), per element of dw's last axis
    ///     (`kernelGradient`); used only when the spec's epilogue has one.
    public static func run(_ spec: KernelSpec, batch: Int, input: [Double], operand: [Double], bias: [Double]?) -> Result {
        let geometry = spec.geometry
        let (channels, filters) = (geometry.channels, geometry.filters)
        let channelsPerGroup = channels / geometry.groups
        let filtersPerGroup = filters / geometry.groups
        let isLast = spec.layout == .channelsLast

        let inputVolume = geometry.axes.reduce(1) { $0 * $1.input }
        let outputVolume = geometry.axes.reduce(1) { $0 * $1.output }
        let tapVolume = geometry.axes.reduce(1) { $0 * $1.kernel }
        let xCount = batch * inputVolume * channels
        let yCount = batch * outputVolume * filters
        let wCount = tapVolume * filtersPerGroup * channels
        let resultCount: Int
        switch spec.op {
        case .transposedConvolution:
            resultCount = yCount
            precondition(input.count == xCount && operand.count == wCount, "forward: wrong element counts")
        case .convolution:
            resultCount = xCount
            precondition(input.count == yCount && operand.count == wCount, "convolution: wrong element counts")
        case .kernelGradient:
            resultCount = wCount
            precondition(input.count == xCount && operand.count == yCount, "kernelGradient: wrong element counts")
        }
        var values = [Double](repeating: 0, count: resultCount)
        var magnitudes = values

        // Every legal (input, tap, output) triple of all axes together, as offsets into the flattened volumes.
        struct Triple { var input = 0, tap = 0, output = 0 }
        var triples = [Triple()]
        for axis in geometry.axes {
            var longer: [Triple] = []
            for outer in triples {
                for i in 0..<axis.input {
                    for t in 0..<axis.kernel {
                        let o = i * axis.stride + t * axis.dilation - axis.crop
                        guard o >= 0 && o < axis.output else { continue }
                        longer.append(
                            Triple(
                                input: outer.input * axis.input + i, tap: outer.tap * axis.kernel + t,
                                output: outer.output * axis.output + o))
                    }
                }
            }
            triples = longer
        }

        // Distance between two channels of one voxel, and between two voxels of one channel.
        let (xChannelStep, xVoxelStep) = isLast ? (1, channels) : (inputVolume, 1)
        let (yFilterStep, yVoxelStep) = isLast ? (1, filters) : (outputVolume, 1)
        let groups = geometry.groups
        let op = spec.op

        input.withUnsafeBufferPointer { input in
            operand.withUnsafeBufferPointer { operand in
                values.withUnsafeMutableBufferPointer { values in
                    magnitudes.withUnsafeMutableBufferPointer { magnitudes in
                        for b in 0..<batch {
                            for triple in triples {
                                let xBase = b * inputVolume * channels + triple.input * xVoxelStep
                                let yBase = b * outputVolume * filters + triple.output * yVoxelStep
                                for g in 0..<groups {
                                    for inner in 0..<filtersPerGroup {
                                        let y = yBase + (g * filtersPerGroup + inner) * yFilterStep
                                        let firstChannel = g * channelsPerGroup
                                        let w = (triple.tap * filtersPerGroup + inner) * channels + firstChannel
                                        let x = xBase + firstChannel * xChannelStep
                                        switch op {
                                        case .transposedConvolution:
                                            var (sum, magnitude) = (0.0, 0.0)
                                            for c in 0..<channelsPerGroup {
                                                let product = input[x + c * xChannelStep] * operand[w + c]
                                                sum += product
                                                magnitude += abs(product)
                                            }
                                            values[y] += sum
                                            magnitudes[y] += magnitude
                                        case .convolution:
                                            let dy = input[y]
                                            for c in 0..<channelsPerGroup {
                                                let product = dy * operand[w + c]
                                                values[x + c * xChannelStep] += product
                                                magnitudes[x + c * xChannelStep] += abs(product)
                                            }
                                        case .kernelGradient:
                                            let dy = operand[y]
                                            for c in 0..<channelsPerGroup {
                                                let product = input[x + c * xChannelStep] * dy
                                                values[w + c] += product
                                                magnitudes[w + c] += abs(product)
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }

        if spec.epilogue.hasBias {
            guard let bias else { preconditionFailure("the epilogue has a bias, but none was given") }
            // Elements from one feature to the next, and the number of features.
            let (count, step) =
                switch spec.op {
                case .transposedConvolution: (filters, yFilterStep)
                case .convolution: (channels, xChannelStep)
                case .kernelGradient: (channels, 1)
                }
            precondition(bias.count == count, "wrong number of bias values")
            for index in values.indices {
                let value = bias[index / step % count]
                values[index] += value
                magnitudes[index] += abs(value)
            }
        }
        let rowLength = spec.outputShape(batch: batch).last ?? 1
        return Result(values: activate(values, spec.epilogue.activation, rowLength: rowLength), magnitudes: magnitudes)
    }

    /// The activation of every element in double precision; softmax and its like run over rows of `rowLength` elements.
    public static func activate(_ values: [Double], _ activation: Activation, rowLength: Int) -> [Double] {
        switch activation {
        case .linear: return values
        case .softmax, .logSoftmax:
            var result = values
            for start in stride(from: 0, to: values.count, by: rowLength) {
                let row = start..<start + rowLength
                let largest = values[row].max() ?? 0
                var sum = 0.0
                for index in row {
                    result[index] = exp(values[index] - largest)
                    sum += result[index]
                }
                for index in row {
                    result[index] = activation == .softmax ? result[index] / sum : values[index] - largest - log(sum)
                }
            }
            return result
        case .sparsemax:
            var result = values
            for start in stride(from: 0, to: values.count, by: rowLength) {
                let row = start..<start + rowLength
                let descending = values[row].sorted().reversed().map { $0 }
                let sums = descending.indices.map { descending[...$0].reduce(0, +) }
                let supported = descending.indices.filter { Double($0 + 1) * descending[$0] + 1 > sums[$0] }
                let shift = (supported.reduce(-1) { $0 + sums[$1] }) / Double(supported.count)
                for index in row { result[index] = max(0, values[index] - shift) }
            }
            return result
        default: return values.map { activate($0, activation) }
        }
    }

    /// A pointwise activation in double precision.
    public static func activate(_ x: Double, _ activation: Activation) -> Double {
        switch activation {
        case .linear: return x
        case .relu: return x < 0 ? 0 : x
        case .elu(let alpha): return x > 0 ? x : alpha * expm1(x)
        case .selu: return Activation.seluScale * (x > 0 ? x : Activation.seluAlpha * expm1(x))
        case .softplus: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
        case .softsign: return x / (1 + abs(x))
        case .tanh: return Glibc.tanh(x)
        case .sigmoid: return sigmoid(x)
        case .hardSigmoid(let slope):
            let line = slope * x + 0.5
            return line < 0 ? 0 : (line > 1 ? 1 : line)
        case .exponential: return exp(x)
        case .leakyRelu(let slope): return x < 0 ? slope * x : x
        case .gelu(approximate: false): return 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
        case .gelu(approximate: true):
            return 0.5 * x * (1 + Glibc.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .silu: return x * sigmoid(x)
        case .rectified(let slope, let maximum, let threshold):
            if x.isNaN { return x }
            if x <= threshold { return slope == 0 ? 0 : -slope * (threshold - x) }
            return maximum.map { min(max(x, 0), $0) } ?? x
        case .celu(let alpha): return x > 0 ? x : alpha * expm1(x / alpha)
        case .logSigmoid: return min(x, 0) - log1p(exp(-abs(x)))
        case .hardSilu: return x.isNaN ? x : x * min(max(x + 3, 0), 6) / 6
        case .hardTanh: return x.isNaN ? x : min(max(x, -1), 1)
        case .hardShrink(let threshold): return x >= -threshold && x <= threshold ? 0 : x
        case .softShrink(let threshold):
            if x > threshold { return x - threshold }  // first, as in Keras: it matters for a negative threshold
            return x < -threshold ? x + threshold : 0
        case .tanhShrink: return x - Glibc.tanh(x)
        case .mish: return x * Glibc.tanh(activate(x, .softplus))
        case .sparsePlus: return x >= 1 ? x : (x <= -1 ? 0 : 0.25 * (x * x + 2 * x + 1))
        case .squareplus(let b): return x < 0 ? 0.5 * b / (hypot(x, b.squareRoot()) - x) : 0.5 * (x + hypot(x, b.squareRoot()))
        case .threshold(let threshold, let value): return x <= threshold ? value : x
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: preconditionFailure("\(activation) is not pointwise")
        }
    }

    private static func sigmoid(_ x: Double) -> Double {
        if x < 0 {
            let power = exp(x)
            return power / (1 + power)
        }
        return 1 / (1 + exp(-x))
    }
}
