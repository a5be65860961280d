import Testing
import VoxLayerSpec

/// The table of `CONTRIBUTING.md` that says what one must touch to add something.
@Suite struct ContributingPageTests {
    /// What can be added, and how the code spells one that there is.
    private static let kinds: [(row: String, spellings: [String])] = [
        ("a kernel family", ["BatchRows", "batchRows", "batch_rows"]),
        ("a multiply unit", ["voxelsmith_vectors.h", "case .vectors:", "[.vectors]"]),
        ("a machine", [Target.InstructionSet.x86_64_v2.rawValue, "x86_64_v2"]),
        ("a layer", ["SpatialDropout3D", "RepeatVector", "TimeDistributedLayer("]),
        ("a file format", ["case .npz", "case .hdf5"]),
        ("an operation", KernelOp.allCases.suffix(1).map { ".\($0.rawValue)" } + ["VS_OP_KERNEL_GRADIENT"]),
        ("an element type", ["bfloat16", "Bfloat16"]),
        // Of Keras 3 alone, as the list of Keras 2's names is complete.
        ("an activation", ["tanhShrink", "tanh_shrink", "sparsePlus", "sparse_plus"]),
    ]

    /// The rows of the table: by the first cell, the paths that the others name.
    private func rows() throws -> [String: [String]] {
        var rows: [String: [String]] = [:]
        for line in try PackageFiles.lines("CONTRIBUTING.md") where line.hasPrefix("| a") {
            let cells = line.split(separator: "|", maxSplits: 1)
            let name = cells[0].split(separator: " ").joined(separator: " ")
            let quoted = cells[1].split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
            rows[name] = quoted.map { String($0.element) }.filter { $0.contains("/") || PackageFiles.roots.contains($0) }
        }
        return rows
    }

    /// The code of a file: no lines of comments, nothing behind `//`.
    private func code(_ path: String) throws -> String {
        try PackageFiles.lines(path).map { line in
            let start = line.drop { $0 == " " }
            if start.hasPrefix("*") || start.hasPrefix("/*") { return "" }
            return line.firstRange(of: "//").map { String(line[..<$0.lowerBound]) } ?? line
        }.joined(separator: "\n")
    }

    @Test func everyPlaceThatRepeatsAListIsNamed() throws {
        let rows = try rows()
        #expect(rows.keys.sorted() == Self.kinds.map(\.row).sorted())
        var texts: [(path: String, code: String)] = []
        for root in ["Sources", "Templates", "Plugins", "Package.swift"] {
            for path in try PackageFiles.files(under: root) where [".swift", ".h", ".c", ".mustache"].contains(where: { path.hasSuffix($0) }) {
                texts.append((path, try code(path)))
            }
        }
        for (row, spellings) in Self.kinds {
            let places = rows[row] ?? []
            #expect(!places.isEmpty, "\(row)")
            let found = texts.filter { text in spellings.contains { text.code.contains($0) } }.map(\.path)
            #expect(!found.isEmpty, "\(row): \(spellings) occurs nowhere")
            let unnamed = found.filter { path in !places.contains { path == $0 || path.hasPrefix($0 + "/") } }
            #expect(unnamed == [], "\(row): CONTRIBUTING.md does not name these")
            for place in places { #expect(PackageFiles.exists(place), "\(row): \(place)") }
        }
    }
}
