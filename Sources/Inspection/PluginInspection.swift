import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxTuning

/// A plugin to be shown on a page: the facts of `describe --json`, and what they mean for people who look at a kernel.
package struct PluginInspection {
    private let contents: PluginContents
    /// Indices of the kernels that are shown.
    private let shown: [Int]
    private let trustedFolders: [String]

    /// Reads a plugin; executes nothing of it.
    /// - Parameters:
    ///   - path: of the plugin.
    ///   - kernel: the name of the one kernel to show; nil for all.
    ///   - trustedFolders: as `KernelRegistry`'s.
    /// - Throws: `PluginError`, `InspectionError.unknownKernel`.
    package init(path: String, kernel: String?, trustedFolders: [String]) throws {
        contents = try PluginContents(path: path, trustedFolders: trustedFolders, findsHotLoops: true)
        self.trustedFolders = trustedFolders
        guard let kernel else {
            shown = Array(contents.kernels.indices)
            return
        }
        shown = contents.kernels.indices.filter { [contents] in contents.kernels[$0].name == kernel }
        if shown.isEmpty { throw InspectionError.unknownKernel(kernel, path: path, known: contents.kernels.map(\.name)) }
    }

    /// How many kernels are shown.
    package var kernelCount: Int { shown.count }

    /// The page: a whole file in HTML that is well-formed XML too, without scripts and without references to anything outside of it.
    /// - Parameters:
    ///   - measures: whether the kernels that this machine can run are measured; nothing of the plugin is executed otherwise.
    ///   - progress: is told the number of each kernel, from 1, before it is looked at.
    /// - Throws: `EmissionError`; `BenchmarkError.wrongAnswer` for a kernel that answers wrongly when it is measured.
    package func page(measures: Bool, progress: (Int) -> Void) throws -> String {
        try ReportPage.inspection(context(measures: measures, progress: progress))
    }

    /// The names that the page's template may use here, for a test of the template.
    /// - Throws: as `page`.
    package func fieldNames(measures: Bool) throws -> Set<String> { ContextNames.names(try context(measures: measures) { _ in }) }

    private func context(measures: Bool, progress: (Int) -> Void) throws -> PageContext {
        let loops = Dictionary(contents.hotLoops.map { ($0.file, $0) }, uniquingKeysWith: { first, _ in first })
        let (image, obstacle) =
            measures ? KernelMeasurement.image(of: contents, trustedFolders: trustedFolders) : (nil, "Measuring was not asked for.")
        let bandwidth = image == nil ? nil : MemoryBandwidth.measure()
        let sections = try shown.enumerated().map { number, index in
            progress(number + 1)
            let measurement =
                if let image { try KernelMeasurement(index, of: contents, image: image, bandwidth: bandwidth) } else {
                    KernelMeasurement.notMeasured(reason: obstacle)
                }
            let section = KernelSection(contents, index, loop: loops[contents.kernels[index].name + ".c"], measurement)
            return section.context(anchor: "kernel-\(number + 1)")
        }
        return context(sections)
    }

    private func context(_ sections: [KernelContext]) -> PageContext {
        let count = counted(contents.kernels.count, "kernel")
        let known = Set(contents.kernels.map { $0.name + ".c" })
        var others: [InspectedFunction] = []
        var reader = "not inspected"
        if case .inspected(let plugin) = contents.inspection {
            others = plugin.functions.filter { !known.contains($0.file) }
            reader = plugin.inspector
        }
        return PageContext(
            title: "Kernels of \(contents.path)",
            lead: shown.count == contents.kernels.count
                ? "A Voxelsmith plugin with \(count)." : "One kernel of a Voxelsmith plugin with \(count).",
            facts: contents.facts, links: sections.count > 1 ? sections.map { PageContext.Link(anchor: $0.anchor, kernel: $0.name) } : [],
            functions: FunctionTable(others), sections: sections,
            footer: """
                Written by voxelsmith inspect on \(HostCPU.modelName). Facts are those of voxelsmith describe --json; machine code: \(reader). Operations \
                are useful ones, two for each multiply-add that meets an input.
                """)
    }
}
