extension Activation {
    /// The token in a `SpecKey`: the name, and parameters in parentheses.
    package var token: String {
        switch self {
        case .gelu(let approximate): return approximate ? "gelu(tanh)" : "gelu(erf)"
        case .alongAxis(let function, let axis): return "\(function.rawValue)(axis \(axis))"
        default:
            let values = parameters.map { $0.value.map { "\($0)" } ?? "none" }
            return values.isEmpty ? name : "\(name)(\(values.joined(separator: ",")))"
        }
    }

    /// The activation of a token.
    /// - Parameter token: as `token` prints it; nil for any other text.
    init?(token: Substring) {
        if let sample = Self.plainTokens[String(token)] {
            self = sample
            return
        }
        let parts = token.split(separator: "(", maxSplits: 1)
        guard parts.count == 2, parts[1].last == ")", let sample = Self.parameterized(named: String(parts[0])) else { return nil }
        var values: [Double?] = []
        for text in parts[1].dropLast().split(separator: ",", omittingEmptySubsequences: false) {
            if text == "none" {
                values.append(nil)
            } else {
                guard let value = Double(text), value.isFinite else { return nil }
                values.append(value)
            }
        }
        guard values.count == sample.parameters.count else { return nil }
        var rest = values[...]
        guard let activation = sample.mapParameters({ _, _ in rest.removeFirst() }) else { return nil }
        self = activation
    }

    /// The tokens without numbers.
    private static let plainTokens = Dictionary(
        samples.filter(\.parameters.isEmpty).map { ($0.token, $0) }, uniquingKeysWith: { first, _ in first })
}
