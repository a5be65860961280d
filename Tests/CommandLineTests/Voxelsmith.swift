import Foundation
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// The built program, run as a child process.
struct Voxelsmith {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Tests run in the package's folder; the program lies beside their bundle.
    static let program: URL = {
        let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [bundle.appendingPathComponent("voxelsmith"), package.appendingPathComponent(".build/release/voxelsmith")]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) } ?? candidates[1]
    }()

    static let package = URL(fileURLWithPath: Fixture.root)

    /// Runs `voxelsmith` with these arguments.
    /// - Parameters:
    ///   - environment: added to this process's.
    ///   - input: what the program reads from standard input.
    ///   - program: another program to run.
    static func run(_ arguments: [String], environment: [String: String] = [:], input: String = "", program: URL = program) throws -> Outcome {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files, not pipes: a pipe nobody drains would stop a talkative child.
        let folder = try TemporaryFolder()
        let (output, errors) = (folder.path("output"), folder.path("errors"))
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try Data(input.utf8).write(to: URL(fileURLWithPath: folder.path("input")))
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.path("input")))
        try process.run()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOfFile: output, encoding: .utf8),
            errors: try String(contentsOfFile: errors, encoding: .utf8))
    }
}

/// Whether the program said one thing on standard error, marked as its own.
func isOneSentence(_ errors: String) -> Bool {
    errors.hasPrefix("voxelsmith: ") && errors.hasSuffix("\n") && errors.dropLast().allSatisfy { $0 != "\n" }
}

extension TemporaryFolder {
    /// The names in the folder, sorted.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path(".")).sorted() }

    func write(_ name: String, _ text: String) throws -> String { try write(Array(text.utf8), as: name) }
}

/// A layer small enough to compile in a moment, with a tail in channels and filters.
enum TinyLayer {
    static let inputShape = [1, 3, 4, 5, 3]
    static let kernelShape = [2, 3, 3, 5, 3]
    static let outputShape = [1, 6, 8, 5, 5]

    static func json(name: String = "tiny", filters: Int = 5, extra: String = "") -> String {
        """
        {"class_name": "Conv3DTranspose", "config": {"name": "\(name)", "filters": \(filters), "kernel_size": [2, 3, 3],
         "strides": [2, 2, 1], "padding": "same", "activation": "relu"\(extra)}, "build_config": {"input_shape": [null, 3, 4, 5, 3]}}
        """
    }

    static func random(_ shape: [Int], seed: UInt64) throws -> Tensor {
        var random = SeededRandom(seed: seed)
        return try Tensor(shape: shape, random.reals(shape.reduce(1, *)).map { Float($0) })
    }
}
