import VoxKernelTemplates
import VoxLayerSpec
import VoxScheduling

/// Layers in plain C: kernels, functions for each layer with their header, a program that checks them, and what builds all of it.
public struct StandaloneSource: Hashable, Sendable {
    /// Every file, by its name without folders.
    public let files: [CSource]

    /// - Parameters:
    ///   - layers: at least one. Their kernels are for `target`.
    ///   - name: what header, archive and target are called.
    ///   - target: what the C is for.
    ///   - arithmeticFlags: what a compiler is told about products and sums.
    ///   - machineFlags: what a compiler is told about the machine.
    /// - Throws: `EmissionError`.
    public init(
        _ layers: [StandaloneLayer], name: LibraryName = .standard, target: Target, arithmeticFlags: [String], machineFlags: [String]
    ) throws(EmissionError) {
        if layers.isEmpty { throw .noKernels }
        let context = StandaloneContext(layers, name: name, target: target, arithmeticFlags: arithmeticFlags, machineFlags: machineFlags)
        var files: [CSource] = []
        for (fileName, template) in Self.rendered(name) {
            files.append(CSource(fileName: fileName, text: try Template.render(template, context)))
        }
        var names: Set<String> = []
        for layer in layers where names.insert(layer.unit.name).inserted { files.append(layer.unit.source) }
        let reference = CSource(fileName: Templates.File.reference.name, text: Templates.text(.reference))
        self.files = files + PluginSource.headers + [reference]
    }

    /// The files that are rendered, whatever the layers are.
    private static func rendered(_ name: LibraryName) -> [(fileName: String, template: Templates.File)] {
        [
            (name.text + ".h", .standaloneHeader), (name.text + ".c", .standaloneFunctions), ("main.c", .standaloneCheck),
            ("Makefile", .standaloneMakefile), ("CMakeLists.txt", .standaloneCMake),
        ]
    }
}

/// What the templates in `Templates/standalone` are rendered with.
struct StandaloneContext {
    struct Kernel { let name: String }
    struct Unchecked { let stem: String }

    /// What the library is called.
    let library: String
    let target: String
    let arithmeticFlags: String
    let machineFlags: String
    /// What a compiler defines that has vectors as wide as the kernels'; nil where every compiler for the processor family has them.
    let vectorMacro: String?
    /// What packed weights and workspace are aligned to, as in `voxelsmith_kernel_abi.h`.
    let alignment = 64
    let kernels: [Kernel]
    let headers: [String]
    let referenceHeader: String
    let layers: [StandaloneFunctions]
    let checks: [StandaloneCheck]
    /// Layers that are too large for the memory of a program's variables.
    let unchecked: [Unchecked]
    let mostBytes = CheckRoom.most
    let room: CheckRoom

    init(_ layers: [StandaloneLayer], name: LibraryName, target: Target, arithmeticFlags: [String], machineFlags: [String]) {
        library = name.text
        self.target = target.instructionSet.rawValue
        self.arithmeticFlags = arithmeticFlags.joined(separator: " ")
        self.machineFlags = machineFlags.joined(separator: " ")
        vectorMacro = switch target.vectorBytes {
        case 64: "__AVX512F__"
        case 32: "__AVX2__"
        default: nil
        }
        var names: Set<String> = []
        kernels = layers.map(\.unit.name).filter { names.insert($0).inserted }.map(Kernel.init)
        headers = PluginSource.headers.map(\.fileName)
        referenceHeader = Templates.File.reference.name
        let named = Array(zip(layers, LayerIdentifiers.list(layers.map(\.name))))
        self.layers = named.map { StandaloneFunctions($0, stem: $1) }
        let checked = named.filter { CheckRoom([$0.0]).fits }
        checks = checked.enumerated().map { StandaloneCheck($1.0, stem: $1.1, number: $0) }
        unchecked = named.filter { !CheckRoom([$0.0]).fits }.map { Unchecked(stem: $0.1) }
        room = CheckRoom(checked.map(\.0))
    }
}
