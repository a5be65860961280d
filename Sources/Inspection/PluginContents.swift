import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec

/// A plugin as `describe` and `inspect` show it: every fact that both state comes from here.
package struct PluginContents: Encodable {
    /// What its descriptor says of a kernel.
    package struct Kernel: Encodable {
        package let name: String
        package let key: String
        package let target: String
        package let features: [String]
        package let schedule: String
        package let loops: String
        package let packing: String
        package let packedBytes: Int
        package let workspaceBytesPerThread: Int
        package let outputBytesPerSample: Int
        package let workItemsPerSample: Int?
        package let workItemsPerCall: Int?
        package let flopPerSample: Int
        package let templateDigest: String

        package var items: String {
            (workItemsPerSample.map(WorkItems.perSample) ?? .perCall(workItemsPerCall ?? 0)).words
        }

        init(_ descriptor: KernelDescriptor) {
            name = descriptor.name
            key = descriptor.key.text
            target = descriptor.target
            features = descriptor.features.map(\.rawValue)
            schedule = descriptor.schedule
            loops = descriptor.loops
            packing = descriptor.packing
            packedBytes = descriptor.packedByteCount
            workspaceBytesPerThread = descriptor.workspaceByteCount
            outputBytesPerSample = Checked.clampedCount(descriptor.spec.outputShape(batch: 1) + [descriptor.spec.elements.result.byteCount])
            switch descriptor.workItems {
            case .perSample(let number): (workItemsPerSample, workItemsPerCall) = (number, nil)
            case .perCall(let number): (workItemsPerSample, workItemsPerCall) = (nil, number)
            }
            flopPerSample = descriptor.flopsPerSample
            templateDigest = descriptor.templateDigest
        }
    }

    package let path: String
    package let bytes: Int
    package let digest: String
    package let machine: String
    /// What its kernels are for, each once, in the order of the file.
    package let targets: [String]
    package let kernels: [Kernel]
    package let inspection: ObjectInspection

    /// The descriptors that `kernels` are from, in the same order.
    package let descriptors: [KernelDescriptor]
    /// The hottest loop of each kernel's file that has one, where they were looked for.
    let hotLoops: [HotLoop]

    /// The fields of the report in JSON.
    private enum CodingKeys: String, CodingKey {
        case path, bytes, digest, machine, targets, kernels, inspection
    }

    /// Reads a plugin; executes nothing of it.
    /// - Parameters:
    ///   - path: of the plugin.
    ///   - trustedFolders: as `KernelRegistry`'s.
    ///   - findsHotLoops: whether the loops that compute are looked for.
    /// - Throws: `PluginError`.
    package init(path: String, trustedFolders: [String], findsHotLoops: Bool = false) throws(PluginError) {
        // Descriptors and machine code of one reading: the file may be replaced at any time.
        let code = try PluginFile.bytes(of: path, trustedFolders: trustedFolders)
        let file = try PluginFile(bytes: code, path: path)
        self.path = path
        bytes = file.byteCount
        digest = file.digest
        machine = file.machine.rawValue
        descriptors = file.descriptors
        kernels = file.descriptors.map(Kernel.init)
        var seen: Set<String> = []
        targets = kernels.map(\.target).filter { seen.insert($0).inserted }
        if findsHotLoops {
            (inspection, hotLoops) = ObjectInspection.inspectWithLoops(code)
        } else {
            (inspection, hotLoops) = (ObjectInspection.inspect(code), [])
        }
    }

    /// The machine code that came from one kernel's file.
    package func functions(of kernel: Kernel) -> [InspectedFunction] {
        guard case .inspected(let plugin) = inspection else { return [] }
        return plugin.functions.filter { $0.file == kernel.name + ".c" }
    }
}

extension WorkItems {
    /// As people are told.
    var words: String {
        switch self {
        case .perSample(let number): "\(number) items per sample"
        case .perCall(let number): "\(number) items per call"
        }
    }
}
