/// Parameters of one kernel family: what a tuning run decides and a tunings file stores.
public struct Decision: Hashable, Sendable {
    /// The parameters; their type is the family.
    public let parameters: any KernelFamily

    /// A decision for a family, not yet checked against a problem.
    public init(_ parameters: some KernelFamily) { self.parameters = parameters }

    /// Canonical text, equal for equal decisions.
    public var text: String { parameters.text }

    /// Reads the text of a decision, as descriptors of kernels have it.
    /// - Returns: nil unless it is exactly what `text` prints.
    public init?(text: String) {
        for family in kernelFamilies {
            if let parameters = family.init(text: text), parameters.text == text {
                self.init(parameters)
                return
            }
        }
        return nil
    }

    public static func == (a: Decision, b: Decision) -> Bool { AnyHashable(a.parameters) == AnyHashable(b.parameters) }
    public func hash(into hasher: inout Hasher) { hasher.combine(AnyHashable(parameters)) }
}

/// An object with one member, named after the family, that holds the family's parameters.
extension Decision: Codable {
    private struct FamilyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ family: any KernelFamily.Type) { stringValue = family.familyName }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: FamilyKey.self)
        let named = kernelFamilies.filter { values.contains(FamilyKey($0)) }
        guard named.count == 1 else {
            let names = kernelFamilies.map { $0.familyName }.joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected one kernel family of \(names)"))
        }
        func parameters<Family: KernelFamily>(_ family: Family.Type) throws -> Decision {
            Decision(try values.decode(family, forKey: FamilyKey(family)))
        }
        self = try parameters(named[0])
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: FamilyKey.self)
        try values.encode(parameters, forKey: FamilyKey(type(of: parameters)))
    }
}
