import Glibc
import VoxKernels
import VoxLayerSpec
import VoxPluginLoading

extension KernelRegistry {
    /// Loads what this machine can run of the plugins of a folder: of its files whose names end in ".so", in the order of their names.
    ///
    /// A file for another machine is no error, and neither is one that is damaged, unreadable or not trusted: it is reported, and the
    /// others are loaded, so that one bad file costs the kernels in it and no more. Where files, or one file, for several instruction
    /// sets have kernels for the same problem, that for the most capable is registered and those it surpasses are reported.
    /// - Returns: for each file what was registered, and what was not and why.
    /// - Throws: `PluginError.cannotListFolder`; then nothing is registered.
    @discardableResult
    public func load(folder: String) throws(PluginError) -> [PluginReport] {
        load(files: try PluginFolder(folder).files)
    }

    /// - Parameter files: plugins, each its path or the reason why it has none.
    func load(files: [PluginFolder.File]) -> [PluginReport] {
        let opened = files.map { file in
            Result { () throws(PluginError) in
                if let error = file.error { throw error }
                return try PluginImage(path: file.path, features: features, trustedFolders: trustedFolders)
            }
        }
        let best = BestKernels(opened.flatMap { (try? $0.get().candidates) ?? [] })
        var chosen: [SpecializedKernel] = []
        var reports: [PluginReport] = []
        for (file, result) in zip(files, opened) {
            do throws(PluginError) {
                let image = try result.get()
                let kernels = try image.kernels(among: best)
                chosen += kernels
                reports.append(PluginReport(path: file.path, loaded: kernels.map(\.name), omitted: image.omitted(besides: best), error: nil))
            } catch {
                reports.append(PluginReport(path: file.path, loaded: [], omitted: omissions(of: file, error, best), error: error))
            }
        }
        register(chosen)
        return reports
    }

    /// The kernels of a file that was refused for the machine's sake; for other faults it is not looked at again.
    private func omissions(of file: PluginFolder.File, _ error: PluginError, _ best: BestKernels) -> [PluginReport.Omission] {
        switch error {
        case .foreignMachine, .missingFeatures, .unknownFeatures: break
        default: return []
        }
        guard let plugin = try? PluginFile(path: file.path, trustedFolders: trustedFolders) else { return [] }
        // A kernel for another architecture cannot run here, whatever features it needs.
        let isForeign = plugin.machine != PluginFile.Machine.host
        return plugin.descriptors.map { kernel in
            let own = isForeign ? nil : plugin.obstacle(to: kernel, features: features)
            return PluginReport.Omission(kernel: kernel.name, reason: .unusable(own ?? error), isReplaced: best.replaces(kernel))
        }
    }
}

/// The plugins of a folder, by name.
struct PluginFolder {
    /// A plugin to load, or why it cannot be.
    struct File {
        let path: String
        var error: PluginError?
    }

    let files: [File]

    /// - Throws: `PluginError.cannotListFolder`.
    init(_ folder: String) throws(PluginError) {
        guard let listing = opendir(folder) else { throw .cannotListFolder(path: folder, reason: String(cString: strerror(errno))) }
        defer { closedir(listing) }
        var files: [File] = []
        errno = 0
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
            // A file whose name is no text cannot be named by one: with the name mended, another might be opened.
            let text = String(validating: name, as: UTF8.self)
            let path = folder + "/" + (text ?? String(decoding: name, as: UTF8.self))
            if path.hasSuffix(".so") {
                files.append(File(path: path, error: text == nil ? .cannotOpen(path: path, reason: "its name is not UTF-8") : nil))
            }
            errno = 0
        }
        if errno != 0 { throw .cannotListFolder(path: folder, reason: String(cString: strerror(errno))) }
        self.files = files.sorted { $0.path < $1.path }
    }
}
