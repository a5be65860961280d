import Foundation
import VoxKernelBuild

/// A C compiler that plain C must pass.
struct CCompiler: Sendable, CustomStringConvertible {
    /// `clang` or `gcc`.
    let name: String
    let path: String
    var description: String { name }

    /// Warnings are errors; vector extensions, which pedantic compilers do not mind, are what kernels are written in.
    static let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

    /// The clang that compiles kernels.
    static func clang() async throws -> CCompiler { CCompiler(name: "clang", path: try await Compiler.find().path) }

    /// GCC from version 12 on; earlier ones lack the shuffles. nil where PATH has none.
    static let gcc: CCompiler? = {
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":").map(String.init) ?? []
        guard let path = folders.map({ $0 + "/gcc" }).first(where: FileManager.default.isExecutableFile),
            let answer = try? run([path, "-dumpversion"]), let version = Int(answer.output.prefix { $0.isNumber }), version >= 12
        else { return nil }
        return CCompiler(name: "gcc", path: path)
    }()

    /// Whether it can compile C++: a part of its own in GCC.
    func hasCPlusPlus() throws -> Bool {
        if name == "clang" { return true }
        // A part that is missing is answered by its bare name.
        return try Self.run([path, "-print-prog-name=cc1plus"]).output.hasPrefix("/")
    }

    /// Runs a program to its end.
    /// - Returns: whether it succeeded, and what it printed on both streams.
    static func run(_ command: [String], in folder: String? = nil) throws -> (succeeded: Bool, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus == 0 && process.terminationReason == .exit, String(decoding: output, as: UTF8.self))
    }
}
