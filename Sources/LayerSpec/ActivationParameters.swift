extension Activation {
    /// The numeric parameters by their Keras names; nil is the absence of a maximum.
    public var parameters: [(name: String, value: Double?)] {
        switch self {
        case .rectified(let slope, let maximum, let threshold):
            [("negative_slope", slope), ("max_value", maximum), ("threshold", threshold)]
        case .elu(let alpha), .celu(let alpha): [("alpha", alpha)]
        case .hardSigmoid(let slope): [("slope", slope)]
        case .hardShrink(let threshold), .softShrink(let threshold): [("threshold", threshold)]
        case .leakyRelu(let slope): [("negative_slope", slope)]
        case .squareplus(let b): [("b", b)]
        case .threshold(let threshold, let value): [("threshold", threshold), ("default_value", value)]
        default: []
        }
    }

    /// The same activation with its parameters rounded to the type. Keras does so with a Python number before it compares or multiplies,
    /// and kernels have such parameters. The slope of `hardSigmoid` stays as it is: in Keras it is a division by 6, 5 or 2.
    public func rounded(to type: ElementType) -> Activation {
        if type.arithmetic == .float64 { return self }
        func nearest(_ value: Double) -> Double { Double(Float(value)) }
        return switch self {
        case .rectified(let slope, let maximum, let threshold):
            .rectified(negativeSlope: nearest(slope), maximum: maximum.map(nearest), threshold: nearest(threshold))
        case .elu(let alpha): .elu(alpha: nearest(alpha))
        case .celu(let alpha): .celu(alpha: nearest(alpha))
        case .hardShrink(let threshold): .hardShrink(threshold: nearest(threshold))
        case .softShrink(let threshold): .softShrink(threshold: nearest(threshold))
        case .leakyRelu(let slope): .leakyRelu(slope: nearest(slope))
        case .squareplus(let b): .squareplus(b: nearest(b))
        case .threshold(let threshold, let value): .threshold(nearest(threshold), value: nearest(value))
        default: self
        }
    }

    /// Refuses parameters that cannot be right: those that are not finite, that are beyond the type's range, or for which the activation is
    /// undefined for some sums.
    /// - Throws: `SpecError.invalidParameter`.
    package func checkParameters(in type: ElementType) throws(SpecError) {
        for (parameter, value) in parameters {
            guard let value else { continue }
            let what = "\(parameter) of the activation \(name)"
            if !value.isFinite { throw .invalidParameter(what, value, expected: "a finite number") }
            if type.arithmetic == .float32, !Float(value).isFinite {
                throw .invalidParameter(what, value, expected: "a number that float32 has, at most \(Float.greatestFiniteMagnitude) in magnitude")
            }
        }
        switch rounded(to: type) {
        // The exponent is divided by it, and below 0 it would grow with the magnitude of the sum.
        case .celu(let alpha) where alpha <= 0:
            throw .invalidParameter("alpha of the activation celu", parameters.first?.value ?? alpha, expected: "more than 0, in \(type.arithmetic.rawValue) too")
        // The root of x * x + b.
        case .squareplus(let b) where b < 0:
            throw .invalidParameter("b of the activation squareplus", b, expected: "0 or more")
        // Keras's ReLU layer refuses it: what is at most a negative number and at least 0 is nothing.
        case .rectified(_, let maximum?, _) where maximum < 0:
            throw .invalidParameter("max_value of the activation relu", maximum, expected: "0 or more")
        default: break
        }
    }
}
