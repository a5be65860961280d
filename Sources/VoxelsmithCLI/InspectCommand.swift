import ArgumentParser
import VoxInspection
import VoxLayerSpec

struct InspectCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Writes a page about the kernels of a plugin: schedules, tiles, C, machine code, speed.",
        discussion: """
            The page is one HTML file without scripts and without references to other files. Its facts are those of `describe --json`. Kernels that this \
            machine can run are measured on one thread, and the answers checked; with --no-measure nothing of the plugin is executed.
            """)

    @Argument(help: ArgumentHelp("A plugin for any machine.", valueName: "PLUGIN"))
    var plugin: String

    @Argument(help: ArgumentHelp("The one kernel to show, by its name. Default: all.", valueName: "KERNEL"))
    var kernel: String?

    @Option(name: [.short, .customLong("output")], help: ArgumentHelp("Where to write the page.", valueName: "PAGE.html"))
    var output: String

    @Flag(name: .customLong("no-measure"), help: "Execute nothing; leave out what was measured.")
    var withoutMeasuring = false

    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        files.reads(plugin, "the plugin")
        files.writes(output, "--output")
        return files
    }

    func run() throws {
        let inspection = try PluginInspection(path: plugin, kernel: kernel, trustedFolders: trust.trustedFolders)
        let page = try inspection.page(measures: !withoutMeasuring) { number in
            Console.progress("looking at kernel \(number) of \(inspection.kernelCount)")
        }
        Console.endProgress()
        try TextFiles.write(page, to: output)
        Console.say("\(output): \(counted(inspection.kernelCount, "kernel")) of \(plugin)")
    }
}
