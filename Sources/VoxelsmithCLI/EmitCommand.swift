import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

struct EmitCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "emit", abstract: "Writes the C of the kernels.",
        discussion: "With one layer and no --output the kernel's C goes to standard output. Runs no compiler.")

    @OptionGroup var source: LayersOption
    @OptionGroup var targetOption: TargetOption

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Folder for the C, with its headers; - is standard output.", valueName: "DIR"))
    var output: String?

    @Option(help: "direct: sums only; fast: algebraic rearrangements too.")
    var policy = Policy.fast

    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        source.list(in: &files)
        files.writesFolder(output, "--output", takesStream: true)
        return files
    }

    func run() throws {
        let selection = try KernelSelection(
            source.resolved(policy: policy), target: targetOption.target, source: source.layers, onEvent: Console.tell)
        guard let output, output != NamedFiles.stream else {
            guard selection.units.count == 1 else { throw CommandFailure.needsFolder(layers: selection.units.count) }
            Console.show(lines: selection.units[0].source.text)
            return
        }
        let plugin = try PluginSource(selection.units, templateDigest: templateDigest)
        let made = try TextFiles.makeFolder(output)
        let sources = (plugin.kernels + [plugin.table] + plugin.headers).map { (path: "\(output)/\($0.fileName)", text: $0.text) }
        do {
            var files = self.files
            for file in sources { files.writes(file.path, "--output") }
            try files.check()
            for file in sources { try TextFiles.write(file.text, to: file.path) }
        } catch {
            // A folder that was made for this goes, with what is in it: a part of the C is of no use. One that was there before, as in
            // new/../old, keeps its files.
            if made.last == output { for file in sources { unlink(file.path) } }
            for folder in made.reversed() { rmdir(folder) }
            throw error
        }
        Console.say("\(output): \(counted(selection.units.count, "kernel")) for \(targetOption.target.instructionSet.rawValue)")
    }
}
