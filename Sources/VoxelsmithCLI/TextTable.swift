import FoundationEssentials
import Glibc
import VoxLayerSpec

/// Columns of text under headings: the first left-aligned, the others right-aligned.
struct TextTable {
    private var rows: [[String]]

    init(_ headings: [String]) { rows = [headings] }

    mutating func add(_ row: [String]) { rows.append(row.map(escaped)) }

    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}

/// A number with a fixed count of decimals. `String(format:)` would bring all of Foundation, and with it 40 MB of Unicode tables.
func decimal(_ value: Double, _ places: Int) -> String {
    // The largest double has 309 digits before its point.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 320 + places) { buffer in
        guard let text = buffer.baseAddress else { return "\(value)" }
        let length = withVaList([Int32(places), value]) { vsnprintf(text, buffer.count, "%.*f", $0) }
        return String(decoding: UnsafeRawBufferPointer(buffer).prefix(max(0, Int(length))), as: UTF8.self)
    }
}

/// "1 kernel", "2 kernels".
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// A fraction as a percentage, "-" where there is none.
func percent(_ value: Double?) -> String { value.map { decimal(100 * $0, 1) + " %" } ?? "-" }

/// Documented JSON: keys in snake case and sorted.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return visibleJSON(String(decoding: try encoder.encode(value), as: UTF8.self)) + "\n"
}
