import VoxKerasConfig
import VoxLayerSpec

/// What a target wants of its build: the contents of the file `voxelsmith.json` beside its sources.
package struct PregenerationPlan: Hashable, Sendable {
    /// Files with layers, as paths from the folder of the file.
    package let layers: [String]
    /// What kernels are made for, in the order of the file.
    package let targets: [Target]
    /// Of all layers.
    package let policy: Policy
    /// A tunings file, as a path from the folder of the file; nil for schedules by the cost model.
    package let tunings: String?
    /// Threads that calls will have; nil where that is not known.
    package let threads: Int?
    /// Whether a build without a compiler that works goes on without kernels.
    package let isOptional: Bool

    package static let fileName = "voxelsmith.json"

    /// Some lines of text; a larger file is something else.
    package static let byteLimit = 1 << 20

    /// What programs for this architecture find on the machines of their users: any x86-64 server since 2013 has x86-64-v3. Never
    /// the instruction set of the machine that happens to build.
    package static let defaultTargets: [Target] = {
        #if arch(arm64)
            [Target(.aarch64NEON)]
        #else
            [Target(.x86_64_v4), Target(.x86_64_v3)]
        #endif
    }()

    /// - Parameter path: of the file; for errors.
    /// - Throws: `PregenerationError`.
    package init(bytes: [UInt8], path: String) throws(PregenerationError) {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
        guard let object = value.object else { throw .malformed(path: path, reason: "Received \(value.excerpt); expected an object.") }
        let fields = Fields(path: path, members: object)
        try fields.checkNames()
        layers = try fields.layers()
        targets = try fields.targets()
        policy = try fields.policy()
        tunings = try fields.tunings()
        threads = try fields.threads()
        isOptional = try fields.isOptional()
    }

    /// The files that the plan names, as paths from the folder.
    package var inputs: [String] { layers + [tunings].compactMap(\.self) }

    /// A file that SwiftPM does not watch would change without a new build.
    ///
    /// SwiftPM asks the plugin for its inputs only when it plans a build, and plans anew when files come or go in the target's folder or
    /// when `Package.swift` changes, but not when a JSON file changes.
    /// - Parameter planned: the files it watches, as paths from the folder.
    /// - Throws: `PregenerationError.unplannedFile`.
    package func check(planned: [String], path: String) throws(PregenerationError) {
        let planned = Set(planned)
        if let file = inputs.first(where: { !planned.contains($0) }) { throw .unplannedFile(path: path, file: file) }
    }
}

/// The members of `voxelsmith.json`, read strictly.
private struct Fields {
    let path: String
    let members: JSONObject

    static let names = ["layers", "targets", "policy", "tunings", "threads", "optional"]

    func checkNames() throws(PregenerationError) {
        for name in members.keys where !Self.names.contains(name) { throw .unknownField(path: path, field: name, known: Self.names) }
    }

    /// A list of distinct texts; nil when there is no such member.
    private func texts(_ field: String, of what: String) throws(PregenerationError) -> [String]? {
        guard let value = members[field] else { return nil }
        guard let values = value.array, !values.isEmpty else { throw wrong(field, value, "a list of \(what), at least one") }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.string else { throw wrong("\(field)[\(index)]", value, "one of \(what)") }
            guard !texts.contains(text) else { throw wrong("\(field)[\(index)]", value, "each of \(what) once") }
            texts.append(text)
        }
        return texts
    }

    private func wrong(_ field: String, _ value: JSONValue?, _ expected: String) -> PregenerationError {
        .wrongField(path: path, field: field, received: value?.excerpt ?? "nothing", expected: expected)
    }

    func layers() throws(PregenerationError) -> [String] {
        let expected = "the paths of files with layers, seen from the folder of this file"
        guard let layers = try texts("layers", of: expected) else { throw wrong("layers", nil, "a list of \(expected)") }
        for (index, layer) in layers.enumerated() where !Self.isRelative(layer) {
            throw wrong("layers[\(index)]", .string(layer), "one of \(expected)")
        }
        return layers
    }

    /// Whether a text is a path from a folder.
    private static func isRelative(_ path: String) -> Bool { !path.isEmpty && !path.hasPrefix("/") && !path.utf8.contains(0) }

    func tunings() throws(PregenerationError) -> String? {
        guard let value = members["tunings"] else { return nil }
        guard let path = value.string, Self.isRelative(path) else {
            throw wrong("tunings", value, "the path of a file that `voxelsmith tune` wrote, seen from the folder of this file")
        }
        return path
    }

    func threads() throws(PregenerationError) -> Int? {
        guard let value = members["threads"] else { return nil }
        guard case .integer(let threads) = value, (1...WorkItems.maximumThreads).contains(threads) else {
            throw wrong("threads", value, "a whole number from 1 to \(WorkItems.maximumThreads)")
        }
        return threads
    }

    func isOptional() throws(PregenerationError) -> Bool {
        guard let value = members["optional"] else { return false }
        guard case .bool(let isOptional) = value else { throw wrong("optional", value, "true or false") }
        return isOptional
    }

    func targets() throws(PregenerationError) -> [Target] {
        let expected = Target.named.map(\.name).joined(separator: ", ")
        guard let names = try texts("targets", of: expected) else { return PregenerationPlan.defaultTargets }
        var targets: [Target] = []
        for (index, name) in names.enumerated() {
            guard let target = Target.named.first(where: { $0.name == name }) else { throw wrong("targets[\(index)]", .string(name), "one of \(expected)") }
            targets.append(target)
        }
        return targets
    }

    func policy() throws(PregenerationError) -> Policy {
        guard let value = members["policy"] else { return .fast }
        guard let policy = value.string.flatMap(Policy.init(rawValue:)) else {
            throw wrong("policy", value, "one of \(Policy.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return policy
    }
}
