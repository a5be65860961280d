import VoxLayerSpec

/// What a library of layers in plain C is called: its functions are in NAME.h and NAME.c, its archive is libNAME.a, its target in CMake NAME.
/// Libraries of different names can be parts of one program.
public struct LibraryName: Hashable, Sendable {
    /// A C identifier.
    public let text: String

    /// `voxelsmith_layers`.
    public static let standard = LibraryName(unchecked: "voxelsmith_layers")

    /// - Parameter text: a C identifier of at most 100 characters, and no name that C, its build or the emitted files have for something else.
    /// - Throws: `EmissionError.libraryName`.
    public init(_ text: String) throws(EmissionError) {
        let isIdentifier = text.utf8.allSatisfy { LayerIdentifiers.isLetter($0) || LayerIdentifiers.isDigit($0) || $0 == UInt8(ascii: "_") }
        guard let first = text.utf8.first, isIdentifier, !LayerIdentifiers.isDigit(first), text.utf8.count <= LayerIdentifiers.limit else {
            throw .libraryName(text, expected: "a C identifier of at most \(LayerIdentifiers.limit) letters, digits and underscores")
        }
        if Self.headers.contains(text) {
            throw .libraryName(text, expected: "one that is no header of C, as compilers would find \(text).h in its place")
        }
        let isOwn = text != Self.standard.text && Self.ownPrefixes.contains { text.hasPrefix($0) }
        if isOwn || Self.targets.contains(text) {
            let taken = (Self.targets.sorted() + Self.ownPrefixes.map { $0 + "..." }).joined(separator: ", ")
            throw .libraryName(text, expected: "one that the C and its build do not have for something else (\(taken))")
        }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    /// Headers of C17, and those that they include in glibc. One of ours in a folder that a compiler is told of would hide them.
    private static let headers: Set = [
        "alloca", "assert", "complex", "ctype", "endian", "errno", "features", "fenv", "float", "inttypes", "iso646", "limits", "locale", "math",
        "pthread", "sched", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "stdnoreturn",
        "string", "strings", "syslimits", "tgmath", "threads", "time", "uchar", "unistd", "wchar", "wctype",
    ]

    /// `main.c`, the program `check`, and what CMake keeps for itself.
    private static let targets: Set = ["all", "check", "clean", "help", "install", "main", "package", "test"]

    /// Of kernels, and of the headers that they include.
    private static let ownPrefixes = ["vs_", "voxelsmith_"]
}
