import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxKernelEmission
import VoxTensorIO
import VoxelsmithModelIO

struct RegenerateCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "regenerate", abstract: "Writes the C that is checked in, from the layers of a suite.",
        discussion: "Writes only files that change and deletes those that belong to nothing.")

    @Option(help: ArgumentHelp("The layers.", valueName: "FILE"))
    var suite = "Tools/suites/golden.json"

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Where the C lies.", valueName: "DIR"))
    var output = "Generated"

    @Flag(help: "Change nothing; list what differs and fail if anything does.")
    var check = false

    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        files.reads(suite, "--suite")
        files.writesFolder(output, "--output")
        return files
    }

    func run() throws {
        let layers = try suiteLayers()
        let files = try GoldenSuite.files(
            layers.map { GoldenSuite.Layer(name: $0.name, spec: $0.spec) }, templateDigest: templateDigest)
        let present = try TextFiles.list(output)
        // Whatever is not in the suite is deleted, so this must not be just any folder.
        if !present.isEmpty && !present.contains(GoldenSuite.manifestFile) { throw CommandFailure.foreignFolder(output) }
        var named = self.files
        for name in files.keys where present.contains(name) { named.writes("\(output)/\(name)", "--output") }
        try named.check()
        let changed = try files.keys.sorted().filter { name in
            guard present.contains(name) else { return true }
            return try InputFile.bytes(of: "\(output)/\(name)") != Array((files[name] ?? "").utf8)
        }
        let orphans = present.filter { files[$0] == nil }
        if check {
            for name in changed { Console.show("\(present.contains(name) ? "differs" : "missing") \(output)/\(name)") }
            for name in orphans { Console.show("orphan  \(output)/\(name)") }
            if !(changed + orphans).isEmpty { throw CommandFailure.generatedDiffers(changed + orphans, folder: output) }
            return
        }
        // Other programs write files of that name too.
        let foreign = try orphans.filter { try !TextFiles.isRendered("\(output)/\($0)") }
        if !foreign.isEmpty { throw CommandFailure.foreignFiles(foreign, folder: output) }
        for name in changed {
            let path = "\(output)/\(name)"
            if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) { try TextFiles.makeFolder(String(path[..<slash])) }
            try TextFiles.write(files[name] ?? "", to: path)
            Console.say("wrote   \(path)")
        }
        for name in orphans {
            if unlink("\(output)/\(name)") != 0 {
                throw CommandFailure.fileSystem(operation: "delete", path: "\(output)/\(name)", reason: String(cString: strerror(errno)))
            }
            Console.say("deleted \(output)/\(name)")
        }
        Console.say("\(output): \(files.count) files, \(changed.count) written, \(orphans.count) deleted")
    }

    /// The layers of the suite, which states all shapes.
    /// - Throws: what reading throws, `ForgeError.unknownShape`.
    private func suiteLayers() throws -> [ResolvedLayer] {
        let set = try LayersFile(path: suite).layers(of: ModelFile(path: suite), onEvent: Console.tell)
        return try set.layers.map { layer in
            guard let resolved = try ResolvedLayer(layer, policy: .fast) else { throw ForgeError.unknownShape(layer: layer.path) }
            return resolved
        }
    }
}
