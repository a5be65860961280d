import CVoxHost
import Glibc
import VoxPluginLoading

extension KernelRegistry {
    /// Loads the plugins that the build of a target made. Called by the Swift file that the build plugin `PregenerateKernels` generates;
    /// applications call its `loadPregenerated()`.
    ///
    /// The folder with the plugins is looked for beside the executable, beside the library that holds `image`, and where the build
    /// left them.
    /// - Parameters:
    ///   - bundle: the name of the folder that the build puts beside its products.
    ///   - plugins: names of the files to load; others in the folder may be of earlier builds.
    ///   - image: an address in the program or library that the target became part of.
    ///   - buildFolder: the folder the build made the plugins in.
    /// - Returns: for each plugin what was registered, and what was not and why, as `load(folder:)` does.
    /// - Throws: `PluginError.bundleMissing`.
    @discardableResult
    public func loadPregenerated(
        bundle: String, plugins: [String], image: UnsafeRawPointer, buildFolder: String
    ) throws(PluginError) -> [PluginReport] {
        let beside = [Self.path(ofLink: "/proc/self/exe"), Self.path(ofImage: image)].compactMap { $0.map(Self.folder) }
        var places: [String] = []
        for place in beside.map({ $0 + "/" + bundle }) + [buildFolder] where !places.contains(place) { places.append(place) }
        guard let folder = places.first(where: Self.isFolder) else { throw .bundleMissing(name: bundle, lookedAt: places) }
        return load(files: plugins.map { PluginFolder.File(path: folder + "/" + $0) })
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return String(path[..<slash])
    }

    /// Where a symbolic link leads; nil when it cannot be read, or leads to what has no name.
    private static func path(ofLink link: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &bytes, bytes.count)
        guard count > 0, count < bytes.count else { return nil }
        return String(validating: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The file an address of this process was loaded from, every symbolic link followed.
    private static func path(ofImage address: UnsafeRawPointer) -> String? {
        guard let name = vs_image_path(address), let real = realpath(name, nil) else { return nil }
        defer { free(real) }
        return String(validatingCString: real)
    }
}
