import VoxLayerSpec

/// One file of generated C.
public struct CSource: Hashable, Sendable {
    /// Name without folders, such as `vs_....c`.
    public let fileName: String
    /// The whole file.
    public let text: String
    /// The instructions that it is written for; nil for what suits any: headers, and the table of a plugin, which is data.
    public let instructionSet: Target.InstructionSet?

    /// A file of the given name and text; neither is checked here.
    public init(fileName: String, text: String, instructionSet: Target.InstructionSet? = nil) {
        self.fileName = fileName
        self.text = text
        self.instructionSet = instructionSet
    }
}

/// Everything that is compiled and linked into one plugin.
public struct PluginSource: Hashable, Sendable {
    /// One translation unit per kernel.
    public let kernels: [CSource]
    /// The translation unit with the exported table of descriptors.
    public let table: CSource
    /// Headers the units include by name; they lie beside the units.
    public let headers: [CSource]

    /// A plugin of the given files; the names are checked where they are compiled.
    public init(kernels: [CSource], table: CSource, headers: [CSource]) {
        self.kernels = kernels
        self.table = table
        self.headers = headers
    }
}
