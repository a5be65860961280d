import Foundation

/// Arithmetic that ends the process when its operands are too large: where it stands, and why it may.
enum ArithmeticRules {
    /// What is looked for in a line of code.
    static let patterns: [(name: String, pattern: String)] = [
        ("a product over a list", #"reduce\([^)]*\*\)"#),
        ("a product over a list", #"reduce\([^)]*\) \{[^}]*\$0 \* "#),
        ("a product with the batch", #"(\b[bB]atch(Size)? \* |\* (\w+\.)?batch(Size)?\b)"#),
        ("a sum with an extent's rest", #"\+ \w+ - 1\) / \w+"#),
        ("seconds as a Duration", #"[ (]\.(seconds|milliseconds)\([^0-9.)]"#),
        ("a number made an integer", #"\bU?Int(8|16|32|64)?\((?!clamping|exactly|truncating).*(\.rounded|nanoseconds|seconds|Double\()"#),
        ("checked arithmetic of its own", #"ReportingOverflow"#),
    ]

    /// File, a part of the line, and why the numbers in it cannot be too large.
    static let allowed: [(file: String, part: String, reason: String)] = [
        ("Sources/LayerSpec/CheckedArithmetic.swift", "", "the one place"),
        ("Sources/LayerSpec/Geometry/Geometry.swift", "axes.reduce(", "Geometry.init has checked these products, with factors left out"),
        ("Sources/LayerSpec/Geometry/Gather.swift", "axes.reduce(", "the same products, of either side of the relation"),
        ("Sources/LayerSpec/Problem/KernelSpec.swift", "geometry.axes.reduce(1)", "at most the extents of a tensor"),
        ("Sources/Scheduling/Families/MinimalFiltering/MinimalFilteringSchedule.swift", "reduce(",
            "tiles and points of a geometry whose tensors have 2^40 bytes at most"),
        ("Sources/Interpreter/InterpreterCorrelation.swift", "inputs.dropLast().reduce(1)", "inputs of a geometry"),
        ("Sources/Interpreter/InterpreterGather.swift", "reduce(", "extents and taps of a geometry"),
        ("Sources/Interpreter/InterpreterGather.swift", "rowsPerItem", "rows of a geometry"),
        ("Sources/PluginLoading/ElfObject.swift", "load.addresses.upperBound + page - 1", "addresses below the largest image"),
        ("Sources/TensorIO/HDF5Structure+Values.swift", "count + unit - 1", "a number of two bytes"),
        ("Sources/Tensors/GuardedBuffer.swift", "byteCount + page - 1", "memory that was held against what is available"),
        ("Sources/Tensors/StoragePool.swift", "byteCount + grain - 1", "at most Int.max less a huge page, as the line before it says"),
        ("Sources/KernelRuntime/CallCost.swift", "Int(nanoseconds / Self.leastShare)", "less than the threads, as the comparison before it says"),
        ("Sources/KernelRuntime/CallCost.swift", "Int(min(Double(Self.mostPieces)", "at most that"),
        ("Sources/KernelRuntime/ThreadPool.swift", "UInt64(cost.nanoseconds)", "less than CallCost.worthWaking"),
        ("Sources/Forge/VerificationProcess.swift", "Int(Checked.duration(seconds: seconds)", "seconds of a duration that was clamped"),
        ("Sources/Verification/VerificationRequest.swift", "Int(arguments[3])", "a text made an integer, nil beyond 64 bits"),
        ("Sources/Verification/KernelVerifier.swift", "extents.reduce(1)", "extents of a geometry"),
        ("Sources/Verification/KernelVerifier.swift", "reduce(0", "an index into operands, and sums of doubles"),
        ("Sources/TensorIO/HDF5Structure+Values.swift", "multipliedReportingOverflow", "a count that is clamped at 2^48, and the bytes of so many"),
        ("Sources/KerasObjects/Initializers/VarianceScaling.swift", "reduce(1)", "doubles"),
        ("Sources/Voxelsmith/Graph/Model+Summary.swift", "Int((value * 100).rounded())", "less than 1024 times 100, or bytes that exist"),
        ("Sources/VoxelsmithCLI/ThreadsCommand.swift", "Int(min(work * steps / Double(items), 1e9))", "at most that"),
        ("Sources/VoxelsmithCLI/TimeCallsCommand.swift", "Int(words[1])", "a text made an integer, nil beyond 64 bits"),
        ("Sources/VoxelsmithCLI/Volume.swift", "UInt8(max(0, min(255,", "within 0 and 255, what is no number too"),
        ("Sources/KernelBuild/AwakeTime.swift", ".seconds(tick)", "a tenth of a second at most"),
        ("Sources/KernelBuild/PluginReader.swift", "addingReportingOverflow", "a sum that is compared and not used"),
    ]

    struct Finding: Hashable, CustomStringConvertible {
        let file: String
        let line: Int
        let name: String
        let text: String
        var description: String { "\(file):\(line): \(name): \(text.trimmingCharacters(in: .whitespaces))" }
    }

    static func findings(_ lines: [String], file: String) throws -> [Finding] {
        let expressions = try patterns.map { ($0.name, try Regex($0.pattern)) }
        return lines.enumerated().flatMap { number, line -> [Finding] in
            if line.drop(while: { $0 == " " }).hasPrefix("//") { return [] }
            return expressions.compactMap { name, expression in
                line.firstMatch(of: expression) == nil ? nil : Finding(file: file, line: number + 1, name: name, text: line)
            }
        }
    }

    static func isAllowed(_ finding: Finding) -> Bool {
        allowed.contains { $0.file == finding.file && ($0.part.isEmpty || finding.text.contains($0.part)) }
    }
}
