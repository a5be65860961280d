import ArgumentParser
import Glibc
import VoxForge
import VoxKernelBuild
import VoxKernelEmission
import VoxLayerSpec

struct EmitCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "emit", abstract: "Writes the C of the kernels.",
        discussion: """
            With one layer and no --output the kernel's C goes to standard output. With --standalone it is C that a program compiles in: a header \
            with functions for each layer, a Makefile and a CMakeLists.txt, and a program that checks it. Runs no compiler.
            """)

    @OptionGroup var source: LayersOption
    @OptionGroup var targetOption: TargetOption

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Folder for the C, with its headers; - is standard output.", valueName: "DIR"))
    var output: String?

    @Flag(help: "Plain C for programs that compile it in, without any runtime, in place of a plugin's parts.")
    var standalone = false

    @Option(
        help: ArgumentHelp(
            """
            With --standalone: what header, archive and CMake target are called. Libraries of one program have different names. \
            (default: \(LibraryName.standard.text))
            """, valueName: "NAME"),
        transform: { try LibraryName($0) })
    var name: LibraryName?

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
        if name != nil && !standalone { throw CommandFailure.unusedOption("--name", needs: "--standalone") }
        let selection = try KernelSelection(
            source.resolved(policy: policy), target: targetOption.target, source: source.layers, onEvent: Console.tell)
        guard let output, output != NamedFiles.stream else {
            if standalone { throw CommandFailure.standaloneNeedsFolder }
            guard selection.units.count == 1 else { throw CommandFailure.needsFolder(layers: selection.units.count) }
            Console.show(lines: selection.units[0].source.text)
            return
        }
        let sources = try sources(selection)
        try write(sources, to: output)
        if standalone { try removeEarlier(than: sources, in: output) }
        Console.say("\(output): \(counted(selection.units.count, "kernel")) for \(targetOption.target.instructionSet.rawValue)")
    }

    /// The files of a plugin, or those of plain C.
    private func sources(_ selection: KernelSelection) throws -> [CSource] {
        if standalone {
            return try selection.standaloneSource(name: name ?? .standard, target: targetOption.target, onEvent: Console.tell).files
        }
        let plugin = try PluginSource(selection.units, templateDigest: templateDigest)
        return plugin.kernels + [plugin.table] + plugin.headers
    }

    private func write(_ sources: [CSource], to output: String) throws {
        let made = try TextFiles.makeFolder(output)
        let sources = sources.map { (path: "\(output)/\($0.fileName)", text: $0.text) }
        do {
            var files = self.files
            for file in sources { files.writes(file.path, "--output") }
            try files.check()
            // A Makefile or main.c of the user's own may stand where plain C has one.
            let foreign = try sources.filter { try standalone && TextFiles.isRendered(text: $0.text) && !TextFiles.isFree(orRendered: $0.path) }
            if !foreign.isEmpty { throw CommandFailure.foreignFiles(foreign.map(\.path), folder: output) }
            for file in sources { try TextFiles.write(file.text, to: file.path) }
        } catch {
            // A folder that was made for this goes, with what is in it: a part of the C is of no use. One that was there before, as in
            // new/../old, keeps its files.
            if made.last == output { for file in sources { unlink(file.path) } }
            for folder in made.reversed() { rmdir(folder) }
            throw error
        }
    }

    /// Removes the C of an earlier call that these files do not replace, such as kernels of layers that are gone: a program is made of all that is
    /// there.
    private func removeEarlier(than sources: [CSource], in folder: String) throws {
        let names = Set(sources.map(\.fileName))
        for name in TextFiles.renderedC(in: folder) where !names.contains(name) {
            try TextFiles.remove("\(folder)/\(name)")
            Console.say("deleted \(folder)/\(name)")
        }
    }
}
