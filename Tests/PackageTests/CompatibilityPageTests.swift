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
                let cells = line.split(separator: "|").map { cell in cell.trimmingPrefix { $0 == " " } }
                rows.append(Row(section: section, cells: cells.map { cell in String(cell.reversed().drop { $0 == " " }.reversed()) }))
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

    @Test func everyMemberHasARow() throws {
        let cells = try rows().filter { $0.section == "Properties and methods" || $0.section == "Configs" }.map { $0.cells.first ?? "" }
        let named = Set(cells.flatMap { cell in cell.split(separator: ",").map { name in name.filter { $0 != "`" && $0 != " " } } })
        let members = [
            "activity_regularizer", "dtype", "graph", "input", "input_mask", "input_shape", "losses", "name", "non_trainable_variables",
            "non_trainable_weights", "output", "output_mask", "output_shape", "scope_name", "trainable_variables", "trainable_weights",
            "updates", "variables", "weights", "__call__", "__deepcopy__", "__init__", "add_loss", "add_update", "add_variable",
            "add_weight", "apply", "build", "call", "compute_mask", "compute_output_shape", "count_params", "from_config", "get_config",
            "get_input_at", "get_input_mask_at", "get_input_shape_at", "get_losses_for", "get_output_at", "get_output_mask_at",
            "get_output_shape_at", "get_updates_for", "get_weights", "set_weights",
        ]
        for member in members { #expect(named.contains(member), "\(member)") }
        let other = Set(try rows().filter { ["Models", "Activations", "Initializers", "Regularizers and constraints"].contains($0.section) }
            .flatMap { row in (row.cells.first ?? "").split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init) })
        for name in [
            "Input", "Model", "Sequential", "predict", "summary", "to_json", "get_config", "from_config", "relu", "hard_sigmoid", "softmax",
            "glu", "sparsemax", "threshold", "GlorotUniform", "Orthogonal", "VarianceScaling", "L1L2", "OrthogonalRegularizer", "MaxNorm",
            "MinMaxNorm", "NonNeg", "UnitNorm", "RadialConstraint",
        ] { #expect(other.contains(name), "\(name)") }
    }
}
