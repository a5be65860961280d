import ArgumentParser
import KernelBuild

struct CacheCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Shows or empties the folder with compiled kernels.",
        discussion: "Without an option: both the folder and its size. Everything in it can be made again.")

    @Flag(help: "Print the folder.")
    var path = false

    @Flag(help: "Print the number of entries and their bytes.")
    var size = false

    @Flag(help: "Remove all entries.")
    var clear = false

    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles { NamedFiles() }

    func run() throws {
        guard let cache = PluginCache.standard() else { throw CommandFailure.noCache }
        let isSilent = path || size || clear
        if path || !isSilent { Console.show("\(cache.folder)") }
        if size || !isSilent { Console.show("\(Self.text(cache.size()))") }
        if clear { Console.say("removed \(Self.text(try cache.clear()))") }
    }

    private static func text(_ size: PluginCache.Size) -> String {
        "\(size.entries) \(size.entries == 1 ? "entry" : "entries"), \(size.bytes) bytes"
    }
}
