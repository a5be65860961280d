import ArgumentParser
import VoxKernelBuild
import VoxKernelRuntime

struct VersionCommand: Verb, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Shows the version, and with --json what else identifies a build.",
        discussion: """
            --json prints {"name", "version", "abi_version", "machine"}: abi_version is that of the plugins it makes and reads, \
            machine as in `bench --json`.
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles { NamedFiles() }

    func run() async throws {
        let clang = json || verbosity.verbose ? (try? await Compiler.find())?.version : nil
        if json {
            Console.show(lines: try jsonText(VersionReport(clang: clang)))
            return
        }
        Console.show("\(VoxelsmithCommand.configuration.version)")
        Console.detail("kernel ABI \(PluginFile.abiMajor), native target \(HostCPU.nativeTarget.instructionSet.rawValue), clang: \(clang ?? "not found")")
    }
}

/// The whole of `version --json`.
struct VersionReport: Encodable {
    let name = VoxelsmithCommand.configuration.commandName
    let version = Version.number
    let abiVersion = PluginFile.abiMajor
    let machine: BenchmarkMachine

    init(clang: String?) {
        machine = BenchmarkMachine(peakGflopsPerThread: nil, clang: clang ?? "not found")
    }
}
