/// Names of modules and of the rooms they live in: the rule of `Package.swift`, which speaks of rooms as these tests do.
enum ModuleName {
    static func name(ofRoom room: String) -> String {
        if room.hasPrefix("Voxelsmith") || room.hasPrefix("_") { return room }
        return isC(room) ? "CVox" + room.dropFirst() : "Vox" + room
    }

    /// What is no module of this package keeps its name.
    static func room(ofModule name: String) -> String {
        if name.hasPrefix("Voxelsmith") { return name }
        if name.hasPrefix("CVox"), name.count > 4 { return "C" + name.dropFirst(4) }
        return name.hasPrefix("Vox") && name.dropFirst(3).first?.isUppercase == true ? String(name.dropFirst(3)) : name
    }

    private static func isC(_ room: String) -> Bool { room.hasPrefix("C") && room.dropFirst().first?.isUppercase == true }
}

/// The targets of `Package.swift` with what they depend on, read from its text: asking SwiftPM would wait for the build that
/// runs this test.
struct Manifest {
    /// Targets of the package, by name.
    private(set) var dependencies: [String: Set<String>] = [:]
    /// Targets made by `tests(...)`.
    private(set) var testTargets: Set<String> = []

    init(_ text: String) {
        let text = text.split(separator: "\n").map { Self.withoutComment(String($0)) }.joined(separator: "\n")
        // `let crypto: Target.Dependency = .product(name: "Crypto", ...)`
        var products: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("let ") && line.contains(".product(") {
            let name = line.dropFirst(4).prefix { $0 != ":" }
            products[String(name)] = Self.quoted(line).first
        }
        // The dependencies that `tests(...)` gives to every test target.
        var common: Set<String> = []
        if let start = text.firstRange(of: ".testTarget("), let body = text[start.upperBound...].firstRange(of: "dependencies: [") {
            common = Set(Self.quoted(text[body.upperBound...].prefix { $0 != "]" }))
        }
        guard let package = text.firstRange(of: "\n    targets: [") else { return }
        let targets = text[package.upperBound...]
        for call in ["module(", ".target(", ".executableTarget(", "tests("] {
            var rest = targets
            while let start = rest.firstRange(of: call) {
                let arguments = Self.balanced(rest[start.upperBound...])
                rest = rest[arguments.endIndex...]
                guard let name = Self.quoted(arguments).first else { continue }
                var list = arguments[arguments.startIndex..<arguments.startIndex]
                if call.hasPrefix(".") {
                    if let label = arguments.firstRange(of: "dependencies: [") { list = arguments[label.upperBound...] }
                } else if let bracket = arguments.firstIndex(of: "[") {
                    list = arguments[arguments.index(after: bracket)...]
                }
                let items = list.prefix { $0 != "]" }.split(separator: ",").map { item in
                    item.filter { !$0.isWhitespace }
                }
                let names = items.filter { !$0.isEmpty }.map { $0.hasPrefix("\"") ? String($0.dropFirst().dropLast()) : products[$0] ?? $0 }
                dependencies[name] = Set(names).union(call == "tests(" ? common : [])
                if call == "tests(" { testTargets.insert(name) }
            }
        }
    }

    /// Everything a target reaches.
    func closure(of target: String) -> Set<String> {
        var reached: Set<String> = []
        var waiting = [target]
        while let next = waiting.popLast() {
            for dependency in dependencies[next] ?? [] where reached.insert(dependency).inserted { waiting.append(dependency) }
        }
        return reached
    }

    private static func withoutComment(_ line: String) -> String {
        // A `//` inside a text is part of an address.
        guard let start = line.firstRange(of: "//"), line[..<start.lowerBound].filter({ $0 == "\"" }).count % 2 == 0 else { return line }
        return String(line[..<start.lowerBound])
    }

    /// The texts between quotes.
    private static func quoted(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().compactMap { $0 % 2 == 1 ? String($1) : nil }
    }

    /// What stands before the parenthesis that closes the one just opened.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 1
        return text.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
    }
}

/// The module table of `Documentation/architecture.md`: by room, what it may import.
enum ModuleTable {
    static func read(_ text: String) -> [String: Set<String>] {
        var table: [String: Set<String>] = [:]
        var isInside = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { cell in
                String(cell).split(separator: " ").joined(separator: " ")
            }
            if cells == ["module", "what it holds", "may import"] {
                isInside = true
            } else if cells.count != 3 {
                isInside = false
            } else if isInside, !cells[0].hasPrefix("-") {
                let names = cells[2].split(separator: ",").map { name in ModuleName.room(ofModule: name.filter { $0 != "`" && $0 != " " }) }
                table[ModuleName.room(ofModule: cells[0].filter { $0 != "`" })] = Set(names).subtracting(["-"])
            }
        }
        return table
    }
}

/// The modules a Swift file imports, by their rooms.
enum Imports {
    /// What comes with the toolchain and needs no declaration.
    static let system: Set<String> = [
        "Dispatch", "Foundation", "FoundationEssentials", "FoundationXML", "Glibc", "Musl", "Darwin", "Synchronization", "PackageDescription", "Testing",
    ]

    private static let kinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]

    static func modules(in lines: [String]) -> Set<String> {
        var modules: Set<String> = []
        var isText = false  // inside """: a program in another language, say
        for line in lines {
            if line.ranges(of: "\"\"\"").count % 2 == 1 { isText.toggle() }
            if isText { continue }
            let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
            var words = code.split(separator: " ")[...]
            while let first = words.first, first.hasPrefix("@") || ["public", "package", "internal", "private", "fileprivate"].contains(first) {
                words = words.dropFirst()
            }
            guard words.first == "import" else { continue }
            words = words.dropFirst()
            if let kind = words.first, kinds.contains(String(kind)) { words = words.dropFirst() }
            if words.count == 1, let name = words.first { modules.insert(ModuleName.room(ofModule: String(name.prefix { $0 != "." }))) }
        }
        return modules
    }

    /// Imports of a target's files that its dependencies do not contain, each with its file.
    static func undeclared(_ imports: [String: Set<String>], dependencies: Set<String>) -> [String] {
        imports.sorted { $0.key < $1.key }.flatMap { file, modules in
            modules.subtracting(system).subtracting(dependencies).sorted().map { "\(file) imports \($0)" }
        }
    }
}
