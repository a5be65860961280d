import CVoxInterpreter
import Glibc
import VoxLayerSpec

/// Activations of tensors, for the interpreter and for kernels that were found without their activation.
///
/// Everything is computed in double precision (`Activation.value(at:)`, and for float32 what `cinterpreter.h` says) and rounded once, so a float32
/// result is within 1 ulp of the exact one everywhere, in gelu's tail and softplus's too. Parameters are first rounded to the type of the elements (`Activation.rounded(to:)`),
/// so that comparisons have the same outcome as in Keras and in kernels.
public enum ActivationArithmetic {
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
        case .float32: applyToFloats(activation, buffer.assumingMemoryBound(to: Float.self), rowLength: rowLength, rows: rows)
        case .float64: apply(activation, to: buffer.assumingMemoryBound(to: Double.self), rowLength: rowLength, rows: rows)
        default:
            // Stored only: in float32, rounded once.
            let count = rows.count * rowLength
            let stored = UnsafeMutableRawBufferPointer(
                start: buffer + rows.lowerBound * rowLength * type.byteCount, count: count * type.byteCount)
            var values = [Float](repeating: 0, count: count)
            values.withUnsafeMutableBytes { type.convert(UnsafeRawBufferPointer(stored), to: .float32, $0) }
            values.withUnsafeMutableBufferPointer { values in
                if let base = values.baseAddress { applyToFloats(activation, base, rowLength: rowLength, rows: 0..<rows.count) }
            }
            values.withUnsafeBytes { ElementType.float32.convert($0, to: type, stored) }
        }
    }

    /// Those that whole networks spend time in have loops in C, which compute eight numbers at a time. The same ones for any number of rows, so that
    /// an element has the same bits wherever rows are cut.
    private static func applyToFloats(_ activation: Activation, _ elements: UnsafeMutablePointer<Float>, rowLength: Int, rows: Range<Int>) {
        let (start, count) = (elements + rows.lowerBound * rowLength, Int64(rows.count * rowLength))
        switch activation {
        case .softmax where rowLength <= Int(VS_INTERP_SOFTMAX_LENGTH): vs_interp_softmax(Int64(rows.count), Int64(rowLength), start)
        case .sigmoid: vs_interp_sigmoid(count, start)
        case .silu: vs_interp_silu(count, start)
        case .leakyRelu(let slope): vs_interp_leaky(count, start, slope)
        default: apply(activation, to: elements, rowLength: rowLength, rows: rows)
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
        default: each { .from(activation.value(at: $0.asDouble)) }
        }
    }

    /// Any NaN makes the whole row NaN.
    @inline(__always)
    private static func rowwise<T: InterpretedElement>(_ activation: Activation, _ row: UnsafeMutableBufferPointer<T>) {
        // Powers take most of the time, and are computed once.
        if activation == .softmax {
            withUnsafeTemporaryAllocation(of: Double.self, capacity: row.count) { powers in
                let map = RowMap(.softmax, count: row.count, powers: powers) { row[$0].asDouble }
                for index in row.indices { row[index] = .from(powers[index] / map.sum) }
            }
            return
        }
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

/// An activation along one row: numbers that depend on the whole row, and with them a function of each element.
struct RowMap {
    private let activation: Activation
    private var largest = -Double.infinity
    /// Of e^(x - largest).
    private(set) var sum = 0.0
    /// What sparsemax subtracts from every element.
    private var shift = 0.0

    /// - Parameters:
    ///   - activation: `softmax`, `logSoftmax` or `sparsemax`.
    ///   - powers: is given e^(x - largest) of each element, but for `sparsemax`.
    init(_ activation: Activation, count: Int, powers: UnsafeMutableBufferPointer<Double>? = nil, element: (Int) -> Double) {
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
            for index in 0..<count {
                let power = exp(element(index) - largest)
                powers?[index] = power
                sum += power
            }
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
