import VoxLayerSpec

/// A parsed template: text with tags, in the part of Mustache's language that the C templates use.
///
/// - `{{name}}`: the value of a field, as Swift prints it; `{{.}}`: the element of the innermost list.
/// - `{{#name}}...{{/name}}`: once for `true` and for a value, once per element of a list, not at all for `false`, `nil` and an empty list.
///   Inside, the fields of the value or element come first, then those around it.
/// - `{{^name}}...{{/name}}`: where the section `#name` would give nothing.
/// - `last()` in the place of a name: whether this is the last element of the innermost list.
///
/// A tag of a section that stands alone on its line takes the line away with it. Nothing is computed, and nothing escaped unless the caller says
/// how; a name that no field has is an error, never empty text.
package struct TemplateText: Sendable {
    private let pieces: [TemplatePiece]

    /// - Throws: `TemplateFault` with the line of a tag that cannot be read.
    package init(parsing text: String) throws(TemplateFault) {
        var parser = TemplateParser(text)
        pieces = try parser.pieces(inSection: nil)
    }

    /// - Parameters:
    ///   - context: a struct; its stored properties are the fields.
    ///   - escape: what becomes of every value that is written, except `Markup`.
    /// - Throws: `TemplateFault.unknownName`.
    package func rendered(_ context: Any, escape: @escaping (String) -> String = { $0 }) throws(TemplateFault) -> String {
        var renderer = TemplateRenderer(escape: escape)
        try renderer.render(pieces, scope: TemplateScope(context, around: nil, isLast: true))
        return renderer.text
    }
}

package enum TemplateFault: Error, Hashable, CustomStringConvertible {
    case unfinishedTag(line: Int)
    case wrongEnd(line: Int, received: String, expected: String?)
    case unfinishedSection(name: String)
    case unknownName(String)

    package var description: String {
        let sentence: Sentence = switch self {
        case .unfinishedTag(let line): "line \(line) begins a tag; expected its end, }}, in the same line"
        case .wrongEnd(let line, let received, let expected?): "line \(line) ends section \(received); expected the end of \(expected)"
        case .wrongEnd(let line, let received, nil): "line \(line) ends section \(received); expected no end outside of sections"
        case .unfinishedSection(let name): "section \(name) begins; expected its end"
        case .unknownName(let name): "it names \(name); expected a field of its context"
        }
        return sentence.text
    }
}

indirect enum TemplatePiece: Sendable {
    case text(String)
    case value(name: String)
    case section(name: String, isInverted: Bool, pieces: [TemplatePiece])
}

/// Reads a template line by line, so that a tag alone on its line is seen as such.
private struct TemplateParser {
    private let lines: [Substring]
    private var line = 0
    /// What of the current line is left to read.
    private var rest: Substring

    init(_ text: String) {
        // Each line keeps its end, the last has none.
        var lines: [Substring] = []
        var start = text.startIndex
        while let end = text[start...].firstIndex(of: "\n") {
            let next = text.index(after: end)
            lines.append(text[start..<next])
            start = next
        }
        lines.append(text[start...])
        self.lines = lines
        rest = lines[0]
    }

    /// - Parameter section: the section whose end is looked for; nil for the whole text.
    mutating func pieces(inSection section: String?) throws(TemplateFault) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        while true {
            guard let open = rest.firstRange(of: "{{") else {
                if !rest.isEmpty { pieces.append(.text(String(rest))) }
                line += 1
                if line == lines.count { break }
                rest = lines[line]
                continue
            }
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { throw .unfinishedTag(line: line + 1) }
            let tag = rest[open.upperBound..<close.lowerBound]
            let before = rest[..<open.lowerBound]
            let after = rest[close.upperBound...]
            guard let kind = tag.first, "#^/".contains(kind) else {
                if !before.isEmpty { pieces.append(.text(String(before))) }
                pieces.append(.value(name: String(tag)))
                rest = after
                continue
            }
            let isAlone = before.startIndex == lines[line].startIndex && (before + after).allSatisfy(\.isWhitespace)
            if !isAlone && !before.isEmpty { pieces.append(.text(String(before))) }
            rest = isAlone ? after[after.endIndex...] : after
            let name = String(tag.dropFirst())
            if kind == "/" {
                if name != section { throw .wrongEnd(line: line + 1, received: name, expected: section) }
                return pieces
            }
            pieces.append(.section(name: name, isInverted: kind == "^", pieces: try self.pieces(inSection: name)))
        }
        if let section { throw .unfinishedSection(name: section) }
        return pieces
    }
}

/// The fields that names stand for at one place of the text: of the innermost value, then of those around it.
private final class TemplateScope {
    let value: Any
    /// Whether `value` is the last element of its list.
    let isLast: Bool
    private let around: TemplateScope?
    /// Read when the first name is looked up: elements that are numbers have none.
    private lazy var fields = Dictionary(
        Mirror(reflecting: value).children.compactMap { child in child.label.map { ($0, child.value) } }, uniquingKeysWith: { first, _ in first })

    init(_ value: Any, around: TemplateScope?, isLast: Bool) {
        self.value = value
        self.around = around
        self.isLast = isLast
    }

    subscript(name: String) -> Any? {
        if name == "." { return value }
        if name == "last()" { return isLast }
        return fields[name] ?? around?[name]
    }
}

private struct TemplateRenderer {
    let escape: (String) -> String
    var text = ""

    mutating func render(_ pieces: [TemplatePiece], scope: TemplateScope) throws(TemplateFault) {
        for piece in pieces {
            switch piece {
            case .text(let literal): text += literal
            case .value(let name): try write(look(name, scope))
            case .section(let name, let isInverted, let pieces):
                let value = try look(name, scope)
                if isInverted {
                    if Self.isNothing(value) { try render(pieces, scope: scope) }
                } else {
                    try render(pieces, section: value, scope: scope)
                }
            }
        }
    }

    private mutating func render(_ pieces: [TemplatePiece], section value: Any?, scope: TemplateScope) throws(TemplateFault) {
        switch value {
        case nil: break
        case let condition as Bool: if condition { try render(pieces, scope: scope) }
        case let list as [Any]:
            for (index, element) in list.enumerated() {
                try render(pieces, scope: TemplateScope(element, around: scope, isLast: index == list.count - 1))
            }
        case let value?: try render(pieces, scope: TemplateScope(value, around: scope, isLast: true))
        }
    }

    private mutating func write(_ value: Any?) {
        switch value {
        case nil: break
        case let literal as String: text += escape(literal)
        case let number as Int: text += String(number)
        case let markup as Markup: text += markup.text
        case let value?: text += escape("\(value)")
        }
    }

    /// The value a name stands for, nil where its field is.
    private func look(_ name: String, _ scope: TemplateScope) throws(TemplateFault) -> Any? {
        guard let value = scope[name] else { throw .unknownName(name) }
        guard let optional = value as? any OptionalValue else { return value }
        return optional.content
    }

    private static func isNothing(_ value: Any?) -> Bool {
        switch value {
        case nil: true
        case let condition as Bool: !condition
        case let list as [Any]: list.isEmpty
        default: false
        }
    }
}

/// An optional of any type.
private protocol OptionalValue {
    var content: Any? { get }
}

extension Optional: OptionalValue {
    fileprivate var content: Any? { self }
}
