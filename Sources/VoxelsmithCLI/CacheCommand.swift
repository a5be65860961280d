import ArgumentParser
import VoxKernelBuild

struct CacheCommand: ReportingVerb {
    static let configuration = CommandConfiguration(
        commandName: "cache", abstract: "Shows or empties the folder with compiled kernels.",
        discussion: "Without an option: both the folder and its size. Everything in it can be made again.")

    @Flag(help: "Print the folder.")
    var path = false

    @Flag(help: "Print the number of entries and their bytes.")
    var size = false

    @Flag(help: "Remove all entries.")
    var clear = false

    @OptionGroup var reportOption: ReportOption
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        reportOption.list(in: &files)
        return files
    }

    func run() throws {
        guard let cache = PluginCache.standard() else { throw CommandFailure.noCache }
        let isSilent = path || size || clear
        var removed: PluginCache.Size?
        if path || !isSilent { Console.show("\(cache.folder)") }
        if size || !isSilent { Console.show("\(Self.text(cache.size()))") }
        if clear {
            let size = try cache.clear()
            Console.say("removed \(Self.text(size))")
            removed = size
        }
        try reportOption.write(CacheReport(cache, removed: removed))
    }

    private static func text(_ size: PluginCache.Size) -> String {
        "\(size.entries) \(size.entries == 1 ? "entry" : "entries"), \(size.bytes) bytes"
    }
}

/// The whole of `cache --json`: what there is now, and with `--clear` what there was.
struct CacheReport: Encodable {
    struct Size: Encodable {
        let entries: Int
        let bytes: Int
    }

    let folder: String
    let entries: Int
    let bytes: Int
    let removed: Size?

    init(_ cache: PluginCache, removed: PluginCache.Size?) {
        let size = cache.size()
        (folder, entries, bytes) = (cache.folder, size.entries, size.bytes)
        self.removed = removed.map { Size(entries: $0.entries, bytes: $0.bytes) }
    }
}
