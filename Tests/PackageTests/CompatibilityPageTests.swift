import Testing

/// `Documentation/keras-compatibility.md`: every row is complete and names tests that exist.
@Suite struct CompatibilityPageTests {
    private struct Row {
        let section: String
        let cells: [String]
    }

    /// The rows of all tables, without their heads.
    private func rows() throws -> [Row] {
        var rows: [Row] = []
        var section = ""
        var isBody = false
        for line in try PackageFiles.lines("Documentation/keras-compatibility.md") {
            if line.hasPrefix("## ") { section = String(line.dropFirst(3)) }
            guard line.hasPrefix("|") else {
                isBody = false
                continue
            }
            if line.hasPrefix("|---") {
                isBody = true
            } else if isBody {
                let cells = line.split(separator: "|").map { $0.trimmingPrefix { $0 == " " } }
                rows.append(Row(section: section, cells: cells.map { String($0.reversed().drop { $0 == " " }.reversed()) }))
            }
        }
        return rows
    }

    /// "Suite.function" of every test of the package.
    private func tests() throws -> Set<String> {
        var tests: Set<String> = []
        for path in try PackageFiles.files(under: "Tests") where path.hasSuffix("Tests.swift") {
            var suite = ""
            for line in try PackageFiles.lines(path) {
                let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "@") }
                if let keyword = words.firstIndex(of: "struct"), keyword + 1 < words.count, line.first != " " {
                    suite = String(words[keyword + 1])
                }
                if words.first == "@Test", let keyword = words.firstIndex(of: "func"), keyword + 1 < words.count {
                    tests.insert("\(suite).\(words[keyword + 1])")
                }
            }
        }
        return tests
    }

    @Test func everyRowNamesATestThatExists() throws {
        let (rows, tests) = (try rows(), try tests())
        #expect(rows.count > 50 && tests.count > 150)
        for row in rows {
            #expect(row.cells.count == 5 && row.cells.allSatisfy { !$0.isEmpty }, "\(row.section): \(row.cells.first ?? "")")
            let named = row.cells.last?.split(separator: "`").filter { $0.contains(".") }.map(String.init) ?? []
            #expect(!named.isEmpty, "\(row.section): \(row.cells.first ?? "")")
            for name in named { #expect(tests.contains(name), "\(row.section): there is no test \(name)") }
            #expect(!row.cells.contains { $0.contains("not supported") }, "\(row.section): \(row.cells.first ?? "")")
        }
        #expect(!tests.contains("ConstructorTests.missing"))
    }

    @Test func everyArgumentHasARow() throws {
        let named = Set(try rows().filter { $0.section == "Arguments of Conv3DTranspose" }.map { $0.cells.first ?? "" })
        let arguments = [
            "filters", "kernel_size", "strides", "padding", "data_format", "output_padding", "dilation_rate", "activation",
            "use_bias", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer", "activity_regularizer",
            "kernel_constraint", "bias_constraint", "name", "trainable", "dtype", "input_shape", "batch_input_shape", "batch_size",
            "weights",
        ]
        for argument in arguments { #expect(named.contains(argument), "\(argument)") }
    }
}
