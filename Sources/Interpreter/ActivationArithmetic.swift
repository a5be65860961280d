import Glibc
import LayerSpec
import Tensors

/// The activations in Swift, for the interpreter and for kernels that were found without their activation.
///
/// Everything is computed in double precision and rounded once, so a float32 result is within 1 ulp of the exact one everywhere, in gelu's
/// tail and softplus's too. Parameters are first rounded to the type of the elements (`Activation.rounded(to:)`), so that comparisons fall
/// as Keras's and the kernels' do. NaN stays NaN. Infinite arguments follow the formulas: silu and gelu of minus infinity and softsign of
/// an infinity are NaN.
public enum ActivationArithmetic {
    /// A pointwise activation of one number, with its parameters as they are; the others give NaN.
    public static func value(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .linear: x
        case .relu: x < 0 ? 0 : x
        case .elu(let alpha): x > 0 ? x : alpha * expm1(x)
        case .selu: Activation.seluScale * (x > 0 ? x : Activation.seluAlpha * expm1(x))
        case .softplus: x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
        case .softsign: x / (1 + abs(x))
        case .tanh: Glibc.tanh(x)
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let slope): clip(slope * x + 0.5)
        case .exponential: exp(x)
        case .leakyRelu(let slope): x < 0 ? slope * x : x
        // erfc keeps the digits of the negative tail that 1 + erf would cancel.
        case .gelu(approximate: false): 0.5 * x * erfc(-x * 0.5.squareRoot())
        // (1 + tanh u) / 2 = sigmoid(2u), again without cancellation.
        case .gelu(approximate: true): x / (1 + exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case .silu: x / (1 + exp(-x))
        case .rectified(let slope, let maximum, let threshold):
            if x <= threshold {
                slope == 0 ? 0 : slope * (x - threshold)  // 0 * infinity would be NaN
            } else if let maximum {
                x < 0 ? 0 : (x > maximum ? maximum : x)
            } else {
                x
            }
        case .celu(let alpha): x > 0 ? x : alpha * expm1(x / alpha)
        case .logSigmoid: x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x))
        case .hardSilu: x * (clip((x + 3) / 6))
        case .hardTanh: x < -1 ? -1 : (x > 1 ? 1 : x)
        case .hardShrink(let threshold): abs(x) <= threshold ? 0 : x
        case .softShrink(let threshold): x > threshold ? x - threshold : (x < -threshold ? x + threshold : x * 0)
        case .tanhShrink: x - Glibc.tanh(x)
        case .mish: mish(x)
        case .sparsePlus: x <= -1 ? 0 : (x >= 1 ? x : (x + 1) * (x + 1) / 4)
        case .squareplus(let b):
            // x + root cancels below 0, where it equals b / (root - x).
            x < 0 ? b / (hypot(x, b.squareRoot()) - x) / 2 : (x + hypot(x, b.squareRoot())) / 2
        case .threshold(let threshold, let value): x <= threshold ? value : x
        case .softmax, .logSoftmax, .sparsemax, .alongAxis: .nan
        }
    }

    /// With t = e^x, tanh(log(1 + t)) = n / (n + 2) for n = t (t + 2), which rounds to 1 above x = 20.
    private static func mish(_ x: Double) -> Double {
        let t = exp(x > 20 ? 20 : x)
        let n = t * (t + 2)
        return x * (n / (n + 2))
    }

    private static func clip(_ x: Double) -> Double { x < 0 ? 0 : (x > 1 ? 1 : x) }

    /// Applies an activation in place to consecutive rows of a buffer; rows may be given to several threads.
    /// - Parameters:
    ///   - activation: what is applied.
    ///   - buffer: start of the whole tensor.
    ///   - type: element type of the tensor.
    ///   - rowLength: length of the tensor's last axis, along which softmax and its like run.
    ///   - rows: the rows to change.
    public static func apply(
        _ activation: Activation, to buffer: UnsafeMutableRawPointer, type: ElementType, rowLength: Int, rows: Range<Int>
    ) {
        let activation = activation.rounded(to: type)
        switch type {
        case .float32: apply(activation, to: buffer.assumingMemoryBound(to: Float.self), rowLength: rowLength, rows: rows)
        case .float64: apply(activation, to: buffer.assumingMemoryBound(to: Double.self), rowLength: rowLength, rows: rows)
        case .float16, .bfloat16:
            // In float32, rounded once.
            let start = buffer.assumingMemoryBound(to: UInt16.self) + rows.lowerBound * rowLength
            let isHalf = type == .float16
            var values = (0..<rows.count * rowLength).map {
                isHalf ? HalfPrecision.float(float16: start[$0]) : HalfPrecision.float(bfloat16: start[$0])
            }
            values.withUnsafeMutableBufferPointer { values in
                if let base = values.baseAddress { apply(activation, to: base, rowLength: rowLength, rows: 0..<rows.count) }
            }
            for (index, value) in values.enumerated() {
                start[index] = isHalf ? HalfPrecision.float16(value) : HalfPrecision.bfloat16(value)
            }
        }
    }

    @inline(__always)
    private static func apply<T: InterpretedElement>(
        _ activation: Activation, to elements: UnsafeMutablePointer<T>, rowLength: Int, rows: Range<Int>
    ) {
        let range = rows.lowerBound * rowLength..<rows.upperBound * rowLength
        @inline(__always)
        func each(_ function: (T) -> T) {
            for index in range { elements[index] = function(elements[index]) }
        }
        switch activation {
        case .linear: break
        // These need no more than the element's own precision: one rounding, or none.
        case .relu: each { $0 < 0 ? 0 : $0 }
        case .softmax, .logSoftmax, .sparsemax:
            for row in rows {
                rowwise(activation, UnsafeMutableBufferPointer(start: elements + row * rowLength, count: rowLength))
            }
        default: each { .from(value(activation, $0.asDouble)) }
        }
    }

    /// Any NaN makes the whole row NaN.
    @inline(__always)
    private static func rowwise<T: InterpretedElement>(_ activation: Activation, _ row: UnsafeMutableBufferPointer<T>) {
        let map = RowMap(activation, count: row.count) { row[$0].asDouble }
        for index in row.indices { row[index] = .from(map(row[index].asDouble)) }
    }
}

extension ActivationArithmetic {
    /// A row after `softmax`, `logSoftmax` or `sparsemax`, without any rounding to an element type.
    public static func row(_ activation: Activation, _ values: [Double]) -> [Double] {
        let map = RowMap(activation, count: values.count) { values[$0] }
        return values.map { map($0) }
    }
}

/// An activation along one row: what the row's elements decide together, then a function of each.
struct RowMap {
    private let activation: Activation
    private var largest = -Double.infinity
    /// Of e^(x - largest).
    private var sum = 0.0
    /// What sparsemax subtracts from every element.
    private var shift = 0.0

    /// - Parameter activation: `softmax`, `logSoftmax` or `sparsemax`.
    init(_ activation: Activation, count: Int, element: (Int) -> Double) {
        self.activation = activation
        for index in 0..<count {
            let x = element(index)
            if x > largest || x.isNaN { largest = x }  // NaN compares with nothing, so it stays the largest
        }
        if activation == .sparsemax {
            var total = 0.0
            var totals = 0.0
            for (index, x) in (0..<count).map(element).sorted(by: >).enumerated() {
                let length = Double(index + 1)
                total += x
                if x - (total - 1) / length > 0 {
                    totals += total
                    shift = (totals - 1) / length
                }
            }
            if largest.isNaN { shift = .nan }
        } else {
            for index in 0..<count { sum += exp(element(index) - largest) }
        }
    }

    func callAsFunction(_ x: Double) -> Double {
        switch activation {
        case .softmax: exp(x - largest) / sum
        case .logSoftmax: x - largest - log(sum)
        default: x - shift < 0 ? 0 : x - shift
        }
    }
}

/// The two element types, so that loops over raw buffers are written once. The conversions are requirements because the generic
/// ones of `BinaryFloatingPoint` are not always reduced to an instruction.
protocol InterpretedElement: BinaryFloatingPoint, BitwiseCopyable {
    var asFloat: Float { get }
    var asDouble: Double { get }
    static func from(_ value: some InterpretedElement) -> Self
}

extension Float: InterpretedElement {
    @inline(__always) var asFloat: Float { self }
    @inline(__always) var asDouble: Double { Double(self) }
    @inline(__always) static func from(_ value: some InterpretedElement) -> Float { value.asFloat }
}

extension Double: InterpretedElement {
    @inline(__always) var asFloat: Float { Float(self) }
    @inline(__always) var asDouble: Double { self }
    @inline(__always) static func from(_ value: some InterpretedElement) -> Double { value.asDouble }
}
