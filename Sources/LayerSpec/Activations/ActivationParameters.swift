extension Activation {
    /// The same function with other parameters. Only this method says which parameters an activation has.
    /// - Parameter change: takes a parameter's Keras name and its value, and returns the new value. It is called once for each parameter, in their
    ///   order in a `SpecKey` and in a call of the C function. nil means no value, which only the maximum of relu may have.
    /// - Returns: nil where a parameter that must have a value gets none.
    package func mapParameters(_ change: (_ name: String, _ value: Double?) -> Double?) -> Activation? {
        switch self {
        case .rectified(let slope, let maximum, let threshold):
            let values = (change("negative_slope", slope), change("max_value", maximum), change("threshold", threshold))
            guard let slope = values.0, let threshold = values.2 else { return nil }
            return .rectified(negativeSlope: slope, maximum: values.1, threshold: threshold)
        case .elu(let alpha): return change("alpha", alpha).map { .elu(alpha: $0) }
        case .celu(let alpha): return change("alpha", alpha).map { .celu(alpha: $0) }
        case .hardSigmoid(let slope): return change("slope", slope).map { .hardSigmoid(slope: $0) }
        case .hardShrink(let threshold): return change("threshold", threshold).map { .hardShrink(threshold: $0) }
        case .softShrink(let threshold): return change("threshold", threshold).map { .softShrink(threshold: $0) }
        case .leakyRelu(let slope): return change("negative_slope", slope).map { .leakyRelu(slope: $0) }
        case .squareplus(let b): return change("b", b).map { .squareplus(b: $0) }
        case .threshold(let threshold, let value):
            let values = (change("threshold", threshold), change("default_value", value))
            guard let threshold = values.0, let value = values.1 else { return nil }
            return .threshold(threshold, value: value)
        default: return self
        }
    }

    /// The numeric parameters by their Keras names; nil is the absence of a maximum.
    public var parameters: [(name: String, value: Double?)] {
        var parameters: [(name: String, value: Double?)] = []
        _ = mapParameters { name, value in
            parameters.append((name, value))
            return value
        }
        return parameters
    }

    /// The sample of a name that has parameters; nil where there is none.
    /// - Parameter name: `name` of an activation.
    package static func parameterized(named name: String) -> Activation? { parameterizedSamples[name] }

    private static let parameterizedSamples = Dictionary(
        samples.filter { !$0.parameters.isEmpty }.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// The same activation with its parameters rounded to the type that kernels compute in for tensors of a type. Keras rounds a Python number so
    /// before it compares or multiplies, and kernels have rounded parameters. The slope of `hardSigmoid` stays as it is, since Keras divides by 6,
    /// 5 or 2 instead.
    /// - Parameter type: the type of the tensors.
    public func rounded(to type: ElementType) -> Activation {
        if case .hardSigmoid = self { return self }
        let type = type.arithmetic
        return mapParameters { _, value in value.map(type.nearest) } ?? self
    }

    /// Refuses parameters that cannot be right: those that are not finite, that are beyond the type's range, or for which the activation is
    /// undefined for some sums.
    /// - Parameter type: the type of the tensors; its `arithmetic` counts.
    /// - Throws: `SpecError.invalidParameter`.
    package func checkParameters(in type: ElementType) throws(SpecError) {
        let type = type.arithmetic
        for (parameter, value) in parameters {
            guard let value else { continue }
            let what = "\(parameter) of the activation \(name)"
            if !value.isFinite { throw .invalidParameter(what, value, expected: "a finite number") }
            if !type.nearest(value).isFinite {
                throw .invalidParameter(
                    what, value, expected: "a number that \(type.rawValue) has, at most \(type.text(type.greatestFinite)) in magnitude")
            }
        }
        switch rounded(to: type) {
        // The exponent is divided by it, and below 0 it would grow with the magnitude of the sum.
        case .celu(let alpha) where alpha <= 0:
            throw .invalidParameter("alpha of the activation celu", parameters.first?.value ?? alpha, expected: "more than 0, in \(type.rawValue) too")
        // The root of x * x + b.
        case .squareplus(let b) where b < 0:
            throw .invalidParameter("b of the activation squareplus", b, expected: "0 or more")
        // Keras's ReLU layer refuses it: no number is at least 0 and at most a negative maximum.
        case .rectified(_, let maximum?, _) where maximum < 0:
            throw .invalidParameter("max_value of the activation relu", maximum, expected: "0 or more")
        default: break
        }
    }
}
