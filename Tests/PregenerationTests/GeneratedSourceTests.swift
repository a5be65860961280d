import Foundation
import Testing
import VoxLayerSpec
import VoxPregeneration
import _TestSupport

/// The Swift file that a target gets.
@Suite struct GeneratedSourceTests {
    @Test func theTextNamesBundlePluginsAndFolder() {
        let text = GeneratedSource(bundle: "App_app", buildFolder: "some/where", targets: [Target(.x86_64_v4), Target(.aarch64NEON)]).text
        for line in [
            "import Voxelsmith", "    nonisolated func loadPregenerated() throws(PluginError) -> [PluginReport] {",
            "            bundle: \"App_app.resources\",", "            plugins: [\"kernels-x86-64-v4.so\", \"kernels-aarch64-neon.so\"],",
            "            image: #dsohandle,", "            buildFolder: \"some/where\")",
        ] {
            #expect(text.split(separator: "\n").contains { $0 == line }, "\(line)")
        }
        #expect(!text.contains("Bundle"))
        #expect(text.hasSuffix("}\n"))
    }

    /// The compiler reads the literals back as they were meant, whatever the names of packages and folders.
    @Test func namesAreLiteralsOfSwift() throws {
        let name = "a\"b\\c\\(d)\n\u{1b}\u{202e}ü😀'/ #"
        let text = GeneratedSource(bundle: name, buildFolder: name, targets: [Target(.x86_64_v3)]).text
        #expect(text.utf8.allSatisfy { $0 == 0x0A || (0x20..<0x7F).contains($0) })
        let line = try #require(text.split(separator: "\n").first { $0.contains("buildFolder: ") })
        let literal = line.drop { $0 != "\"" }.dropLast()
        let folder = try TemporaryFolder()
        let program = """
            let name = \(literal)
            print(name.unicodeScalars.map { String($0.value) }.joined(separator: " "))
            """
        let source = try folder.write(Array(program.utf8), as: "main.swift")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["swiftc", source, "-o", folder.path("main")]
        try compiler.run()
        compiler.waitUntilExit()
        #expect(compiler.terminationStatus == 0)
        let child = Process()
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: folder.path("main"))
        child.standardOutput = output
        try child.run()
        let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        #expect(printed == name.unicodeScalars.map { String($0.value) }.joined(separator: " ") + "\n")
    }
}
