import ArgumentParser
import Glibc
import KernelBuild
import KernelEmission
import TensorIO

struct RegenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regenerate", abstract: "Writes the C that is checked in, from the layers of a suite.",
        discussion: "Writes only files that change and deletes those that belong to nothing.")

    @Option(help: ArgumentHelp("The layers.", valueName: "FILE"))
    var suite = "Tools/suites/golden.json"

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Where the C lies.", valueName: "DIR"))
    var output = "Generated"

    @Flag(help: "Change nothing; list what differs and fail if anything does.")
    var check = false

    func run() throws {
        let layers = try ResolvedLayer.read(suite, policy: .fast)
        let files = try GoldenSuite.files(
            layers.map { GoldenSuite.Layer(name: $0.name, spec: $0.spec) }, templateDigest: templateDigest)
        let present = TextFiles.list(output)
        // Whatever is not in the suite is deleted, so this must not be just any folder.
        if !present.isEmpty && !present.contains(GoldenSuite.manifestFile) { throw CommandFailure.foreignFolder(output) }
        let changed = try files.keys.sorted().filter { name in
            guard present.contains(name) else { return true }
            return try InputFile.bytes(of: "\(output)/\(name)") != Array((files[name] ?? "").utf8)
        }
        let orphans = present.filter { files[$0] == nil }
        if check {
            for name in changed { print("\(present.contains(name) ? "differs" : "missing") \(output)/\(name)") }
            for name in orphans { print("orphan  \(output)/\(name)") }
            if !(changed + orphans).isEmpty { throw CommandFailure.generatedDiffers(changed + orphans, folder: output) }
            return
        }
        for name in changed {
            let path = "\(output)/\(name)"
            if let slash = path.lastIndex(of: "/") { try TextFiles.makeFolder(String(path[..<slash])) }
            try TextFiles.write(files[name] ?? "", to: path)
            print("wrote   \(path)")
        }
        for name in orphans {
            if unlink("\(output)/\(name)") != 0 {
                throw CommandFailure.fileSystem(operation: "delete", path: "\(output)/\(name)", reason: String(cString: strerror(errno)))
            }
            print("deleted \(output)/\(name)")
        }
        print("\(output): \(files.count) files, \(changed.count) written, \(orphans.count) deleted")
    }
}
