import FoundationEssentials
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensorIO

/// Everything that a measured decision depends on, apart from the problem.
public struct TuningContext: Codable, Hashable, Sendable {
    /// Name of the processor.
    public let cpu: String
    /// Its cores.
    public let cores: Int
    /// What code was compiled for.
    public let instructionSet: String
    /// Threads of a call.
    public let threads: Int
    /// What the compiler says of itself.
    public let compiler: String
    /// Digest of the templates, the kernels' source.
    public let templates: String

    /// A context from its parts; the defaults are those of this machine and program.
    public init(
        cpu: String = HostCPU.modelName, cores: Int = ThreadPool.defaultThreadCount, target: Target, threads: Int, compiler: String,
        templates: String = generatorDigest
    ) {
        self.cpu = cpu
        self.cores = cores
        instructionSet = target.instructionSet.rawValue
        self.threads = threads
        self.compiler = compiler
        self.templates = templates
    }

    /// Whether a decision may be used for kernels of a target: it was made for its instruction set and with this version's templates.
    func isUsable(for target: Target) -> Bool { instructionSet == target.instructionSet.rawValue && templates == generatorDigest }

    /// In what another context differs from this one, in words; nil when in nothing.
    func difference(_ other: TuningContext) -> String? {
        if (cpu, cores) != (other.cpu, other.cores) { return "of another machine" }
        if instructionSet != other.instructionSet { return "for another instruction set" }
        if threads != other.threads { return "for another number of threads" }
        if compiler != other.compiler { return "of another compiler" }
        return templates == other.templates ? nil : "of other templates"
    }
}

/// One measured decision.
public struct TuningRecord: Hashable, Sendable {
    /// The problem.
    public let key: SpecKey
    /// Where it was measured.
    public let context: TuningContext
    /// What the estimate took and what the best took, in milliseconds; the estimate is absent when it computed wrongly.
    public let estimateMilliseconds: Double?
    /// Of the decision.
    public let bestMilliseconds: Double
    /// Candidates compiled, and those left out as their inner loops spill or they computed wrongly.
    public let tried: Int
    /// How many of them were left out.
    public let dropped: Int
    /// As in the file: what `Decision` means may change with the templates.
    fileprivate let encodedDecision: JSONObject

    /// A record of a search.
    public init(_ key: SpecKey, _ context: TuningContext, _ tuning: LayerTuning) throws {
        self.key = key
        self.context = context
        estimateMilliseconds = tuning.estimate.map { $0.seconds * 1e3 }
        bestMilliseconds = tuning.best.seconds * 1e3
        tried = tuning.tried
        dropped = tuning.spilling + tuning.wrong.count
        encodedDecision = try Tunings.encode(tuning.best.schedule.decision)
    }

    fileprivate init(_ fields: RecordFields) throws {
        let text = try fields.string("key")
        do { key = try SpecKey(parsing: text) } catch { throw fields.error("key", "\(error)") }
        context = TuningContext(
            cpu: try fields.string("cpu"), cores: try fields.integer("cores", 1...1 << 20),
            instructionSet: try fields.string("instruction_set"), threads: try fields.integer("threads", 1...ThreadPool.maximumThreads),
            compiler: try fields.string("compiler"), templates: try fields.string("templates"))
        estimateMilliseconds = try fields.isNull("estimate_ms") ? nil : fields.milliseconds("estimate_ms")
        bestMilliseconds = try fields.milliseconds("best_ms")
        tried = try fields.integer("tried", 1...1 << 20)
        dropped = try fields.integer("dropped", 0...tried)
        encodedDecision = try fields.object("decision")
        try fields.checkNothingElse()
    }

    /// The decision.
    /// - Throws: a sentence naming the field when it is none.
    fileprivate func decision() throws -> Decision { try Tunings.decode(encodedDecision) }

    fileprivate var json: JSONValue {
        [
            "key": .string(key.text), "cpu": .string(context.cpu), "cores": .integer(context.cores),
            "instruction_set": .string(context.instructionSet), "threads": .integer(context.threads),
            "compiler": .string(context.compiler), "templates": .string(context.templates), "decision": .object(encodedDecision),
            "estimate_ms": estimateMilliseconds.map { .number($0) } ?? .null, "best_ms": .number(bestMilliseconds),
            "tried": .integer(tried), "dropped": .integer(dropped),
        ]
    }
}

extension TuningContext {
    fileprivate init(cpu: String, cores: Int, instructionSet: String, threads: Int, compiler: String, templates: String) {
        (self.cpu, self.cores, self.instructionSet) = (cpu, cores, instructionSet)
        (self.threads, self.compiler, self.templates) = (threads, compiler, templates)
    }
}

/// Why a tunings file is not used.
public enum TuningsError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(path: String, reason: String)
    case field(path: String, field: String, reason: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .malformed(let path, let reason): "The tunings file \(path) is no JSON: \(reason)."
        case .field(let path, let field, let reason):
            "The field \(field) of the tunings file \(path) is not what it must be: \(reason)\(reason.hasSuffix(".") ? "" : ".")"
        }
        return sentence.text
    }
}

/// Measured decisions, as a file keeps them (`Documentation/files.md`).
public struct Tunings: Hashable, Sendable {
    /// In the order of the file.
    public private(set) var records: [TuningRecord]

    /// No decisions.
    public init() { records = [] }

    /// Bytes beyond which a file is refused; a record has some 800.
    static let byteLimit = 16 << 20
    private static let format = "voxelsmith-tunings"
    private static let version = 1

    /// Reads a file, whole or not at all.
    /// - Parameters:
    ///   - path: of the file.
    ///   - context: the decisions of records with this context are read too; those of others may be of another version.
    /// - Throws: `TensorIOError` when it cannot be read, `TuningsError`.
    public init(path: String, context: TuningContext) throws {
        try self.init(bytes: InputFile.bytes(of: path, limit: Self.byteLimit), path: path, context: context)
    }

    /// - Parameter path: used in error sentences only.
    package init(bytes: [UInt8], path: String, context: TuningContext) throws {
        try self.init(bytes: bytes, path: path) { $0 == context }
    }

    /// - Parameter isOwn: whether the decisions of a context are this version's, and so to be read.
    private init(bytes: [UInt8], path: String, isOwn: (TuningContext) -> Bool) throws {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: bytes)
        } catch {
            throw TuningsError.malformed(path: path, reason: "\(error)")
        }
        let top = RecordFields(path: path, prefix: "", members: json.object ?? [:])
        guard json.object != nil, try top.string("format") == Self.format else {
            throw top.error("format", "expected \"\(Self.format)\"")
        }
        _ = try top.integer("version", Self.version...Self.version)
        guard let values = json.object?["records"]?.array else { throw top.error("records", "expected a list") }
        records = []
        for (index, value) in values.enumerated() {
            guard let members = value.object else { throw top.error("records[\(index)]", "expected an object, received \(value.excerpt)") }
            let fields = RecordFields(path: path, prefix: "records[\(index)].", members: members)
            let record = try TuningRecord(fields)
            if isOwn(record.context) {
                do { _ = try record.decision() } catch { throw fields.error("decision", Self.reason(error)) }
            }
            records.append(record)
        }
    }

    /// What a file says about one problem.
    public enum Answer: Hashable, Sendable {
        case decision(Decision, TuningRecord)
        /// There are records of the problem, but none for this context; why, in words.
        case foreign(String)
        case none
    }

    /// The decision for a problem in a context: the last one there is.
    public func lookup(_ key: SpecKey, _ context: TuningContext) -> Answer {
        let known = records.filter { $0.key == key }
        if let record = known.last(where: { $0.context == context }), let decision = try? record.decision() {
            return .decision(decision, record)
        }
        return known.last.flatMap { $0.context.difference(context) }.map { .foreign($0) } ?? .none
    }

    /// Reads a file whose decisions are to be used wherever they were made.
    /// - Parameters:
    ///   - path: of the file.
    ///   - target: the decisions of records for its instruction set and this version's templates are read too.
    /// - Throws: as `init(path:context:)`.
    public init(path: String, target: Target) throws {
        try self.init(bytes: InputFile.bytes(of: path, limit: Self.byteLimit), path: path) { $0.isUsable(for: target) }
    }

    /// The decision for a problem on whatever machine of a target: the last one there is, whichever machine it was measured on and whichever
    /// compiler made its candidates.
    /// - Parameters:
    ///   - key: the problem.
    ///   - target: what the kernel is for.
    ///   - threads: those of a call; nil for any number.
    public func lookup(_ key: SpecKey, target: Target, threads: Int?) -> Answer {
        let known = records.filter { $0.key == key }
        let usable = known.filter { $0.context.isUsable(for: target) && (threads ?? $0.context.threads) == $0.context.threads }
        if let record = usable.last, let decision = try? record.decision() { return .decision(decision, record) }
        return known.last.map { record in
            if record.context.instructionSet != target.instructionSet.rawValue { return .foreign("for another instruction set") }
            return .foreign(record.context.isUsable(for: target) ? "for another number of threads" : "of other templates")
        } ?? .none
    }

    /// Adds a record; it takes the place of those for the same problem, machine, instruction set and threads.
    public mutating func add(_ record: TuningRecord) {
        records.removeAll {
            $0.key == record.key
                && ($0.context.cpu, $0.context.cores, $0.context.instructionSet, $0.context.threads)
                    == (record.context.cpu, record.context.cores, record.context.instructionSet, record.context.threads)
        }
        records.append(record)
    }

    /// Writes the file in one step: readers see the old one or the new one. What a reader would refuse is not written.
    /// - Throws: `TensorIOError.cannotWrite`; `TuningsError` for records that no reader takes.
    public func write(to path: String) throws {
        let bytes = Array(text.utf8)
        if bytes.count > Self.byteLimit { throw TensorIOError.fileTooLarge(path: path, limit: Self.byteLimit) }
        _ = try Tunings(bytes: bytes, path: path) { $0.templates == generatorDigest }
        try bytes.withUnsafeBytes { try StagedFile.write([$0], to: path) }
    }

    /// What `write` writes: a line for each record.
    package var text: String {
        let lines = records.map { $0.json.text }.joined(separator: ",\n")
        return "{\"format\": \"\(Self.format)\", \"version\": \(Self.version), \"records\": [\n\(lines)\n]}\n"
    }

    // MARK: Decisions

    /// Largest number in a decision; every parameter counts registers, tiles or rows.
    private static let largestParameter = 4096

    fileprivate static func encode(_ decision: Decision) throws -> JSONObject {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try JSONValue(parsing: encoder.encode(decision)).object ?? [:]
    }

    fileprivate static func decode(_ object: JSONObject) throws -> Decision {
        if let number = numbers(.object(object)).first(where: { !(0...largestParameter).contains($0) }) {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "received the number \(number), expected at most \(largestParameter)"))
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let decision = try decoder.decode(Decision.self, from: Data(JSONValue.object(object).text.utf8))
        // Names that nobody asked for are misspelt ones, of this version or another.
        guard try encode(decision) == object else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "it has members that no parameter of its family is called"))
        }
        return decision
    }

    private static func numbers(_ value: JSONValue) -> [Int] {
        switch value {
        case .integer(let number): [number]
        case .array(let values): values.flatMap(numbers)
        case .object(let object): object.keys.flatMap { numbers(object[$0] ?? .null) }
        default: []
        }
    }

    /// What a decoder complains of, with the place.
    private static func reason(_ error: any Error) -> String {
        func place(_ context: DecodingError.Context, _ last: String? = nil) -> String {
            let names = context.codingPath.map(\.stringValue) + [last].compactMap(\.self)
            return names.isEmpty ? "" : names.joined(separator: ".") + ": "
        }
        return switch error {
        case DecodingError.keyNotFound(let key, let context): place(context, key.stringValue) + "it is missing"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context), DecodingError.dataCorrupted(let context):
            place(context) + context.debugDescription
        default: "\(error)"
        }
    }
}

/// The members of an object of a tunings file, read strictly.
private struct RecordFields {
    let path: String
    let prefix: String
    let members: JSONObject

    static let names: Set<String> = [
        "key", "cpu", "cores", "instruction_set", "threads", "compiler", "templates", "decision", "estimate_ms", "best_ms", "tried",
        "dropped",
    ]

    func error(_ field: String, _ reason: String) -> TuningsError { .field(path: path, field: prefix + field, reason: reason) }

    private func wrong(_ field: String, _ expected: String) -> TuningsError {
        error(field, "received \(members[field]?.excerpt ?? "nothing"), expected \(expected)")
    }

    func string(_ field: String) throws -> String {
        guard let text = members[field]?.string, text.utf8.count <= 4096 else { throw wrong(field, "a text") }
        return text
    }

    func integer(_ field: String, _ range: ClosedRange<Int>) throws -> Int {
        guard case .integer(let number)? = members[field], range.contains(number) else {
            throw wrong(field, "an integer of \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func milliseconds(_ field: String) throws -> Double {
        switch members[field] {
        case .integer(let number)? where number > 0: return Double(number)
        case .number(let number)? where number > 0 && number.isFinite: return number
        default: throw wrong(field, "milliseconds above 0")
        }
    }

    func isNull(_ field: String) -> Bool { members[field]?.isNull == true }

    func object(_ field: String) throws -> JSONObject {
        guard let object = members[field]?.object else { throw wrong(field, "an object") }
        return object
    }

    func checkNothingElse() throws {
        if let name = members.keys.first(where: { !Self.names.contains($0) }) { throw error(name, "no such field is known") }
    }
}
