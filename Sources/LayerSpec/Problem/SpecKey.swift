/// The text of a `KernelSpec`, the name under which kernels are registered and found. Round-trips.
///
///     transposedConvolution;i80x96x80;o160x192x160;k4x4x4;s2x2x2;d1x1x1;p1x1x1;c16;f8;g1;last;f32/f32;bias;relu;direct
///
/// Fields: operation; per axis input, output, kernel, stride, dilation, crop; channels; filters; groups; layout; element types, of storage and
/// arithmetic, or of storage, operands, accumulator and result where these are not two (`bf16/bf16/f32/bf16`); `bias` or `nobias`; activation; policy.
public struct SpecKey: Hashable, Sendable, CustomStringConvertible {
    /// The 15 fields, separated by semicolons.
    public let text: String
    public var description: String { text }

    /// The key of a problem.
    public init(_ spec: KernelSpec) {
        let axes = spec.geometry.axes
        func list(_ prefix: String, _ value: (AxisGeometry) -> Int) -> String {
            prefix + axes.map { String(value($0)) }.joined(separator: "x")
        }
        text = [
            spec.op.rawValue,
            list("i", \.input), list("o", \.output), list("k", \.kernel), list("s", \.stride), list("d", \.dilation),
            list("p", \.crop),
            "c\(spec.geometry.channels)", "f\(spec.geometry.filters)", "g\(spec.geometry.groups)",
            spec.layout.token,
            spec.elements.token,
            spec.epilogue.hasBias ? "bias" : "nobias",
            spec.epilogue.activation.token,
            spec.policy.rawValue,
        ].joined(separator: ";")
    }

    /// Longest text that is read as a key; anything longer is refused before it is parsed.
    public static let maximumLength = 1024

    /// - Throws: `SpecError.malformedKey` unless `text` is exactly what `init(_:)` prints for a legal problem.
    public init(parsing text: String) throws(SpecError) {
        self = try Self.parse(text).key
    }

    /// The problem this key stands for.
    public var spec: KernelSpec {
        // Fails only for a spec made with activation parameters that no layer takes.
        get throws(SpecError) { try Self.parse(text) }
    }

    private static func parse(_ text: String) throws(SpecError) -> KernelSpec {
        func malformed(_ reason: String) -> SpecError {
            .malformedKey(String(text.prefix(200)), reason: reason)
        }
        if text.utf8.count > maximumLength { throw malformed("longer than \(maximumLength) characters") }
        let fields = text.split(separator: ";", omittingEmptySubsequences: false)
        guard fields.count == 15 else { throw malformed("expected 15 fields, received \(fields.count)") }
        guard let op = KernelOp(rawValue: String(fields[0])) else { throw malformed("unknown operation \(fields[0])") }

        func numbers(_ index: Int, _ prefix: Character) throws(SpecError) -> [Int] {
            guard fields[index].first == prefix else { throw malformed("field \(index + 1) must begin with \(prefix)") }
            var values: [Int] = []
            for part in fields[index].dropFirst().split(separator: "x", omittingEmptySubsequences: false) {
                guard let value = Int(part) else { throw malformed("\(part) is not a number") }
                values.append(value)
            }
            return values
        }
        let lists = [
            try numbers(1, "i"), try numbers(2, "o"), try numbers(3, "k"), try numbers(4, "s"), try numbers(5, "d"),
            try numbers(6, "p"),
        ]
        let rank = lists[0].count
        guard (1...Geometry.maximumRank).contains(rank), lists.allSatisfy({ $0.count == rank }) else { throw malformed("unequal numbers of axes") }
        let counts = [try numbers(7, "c"), try numbers(8, "f"), try numbers(9, "g")]
        guard counts.allSatisfy({ $0.count == 1 }) else { throw malformed("channels, filters and groups are single numbers") }
        guard let layout = Layout(token: fields[10]) else { throw malformed("unknown layout \(fields[10])") }
        guard let elements = ElementTypes(token: fields[11]) else { throw malformed("unknown element types \(fields[11])") }
        guard fields[12] == "bias" || fields[12] == "nobias" else { throw malformed("expected bias or nobias") }
        guard let activation = Activation(token: fields[13]) else { throw malformed("unknown activation \(fields[13])") }
        try activation.checkParameters(in: elements.storage)
        guard let policy = Policy(rawValue: String(fields[14])) else { throw malformed("unknown policy \(fields[14])") }

        var axes: [AxisGeometry] = []
        for axis in 0..<rank {
            axes.append(
                try AxisGeometry(
                    input: lists[0][axis], output: lists[1][axis], kernel: lists[2][axis], stride: lists[3][axis],
                    dilation: lists[4][axis], crop: lists[5][axis], axis: axis))
        }
        let spec = KernelSpec(
            op: op,
            geometry: try Geometry(axes: axes, channels: counts[0][0], filters: counts[1][0], groups: counts[2][0]),
            layout: layout, elements: elements,
            epilogue: Epilogue(hasBias: fields[12] == "bias", activation: activation), policy: policy)
        guard spec.key.text == text else { throw malformed("not in canonical form") }
        return spec
    }
}
