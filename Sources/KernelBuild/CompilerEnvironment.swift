import Glibc

/// What the compiler, and what it starts, see of this process's environment: enough to be found and to run, and nothing that
/// changes what they make. `CPATH`, `CCC_OVERRIDE_OPTIONS`, `SOURCE_DATE_EPOCH`, `LIBRARY_PATH` and their like would: objects of one
/// name in the cache would differ.
enum CompilerEnvironment {
    /// Where programs are, the shared libraries of one that is installed in a place of its own, and the choice of toolchain of
    /// swiftly, whose `clang` is a link to itself.
    private static let inherited = [
        "PATH", "HOME", libraries, "SWIFTLY_HOME_DIR", "SWIFTLY_BIN_DIR", "SWIFTLY_TOOLCHAINS_DIR",
    ]
    private static let libraries = "LD_LIBRARY_PATH"

    /// `NAME=VALUE` with a zero at the end, byte for byte as this process has them.
    /// - Parameter temporary: the folder for temporary files; nil leaves that to the compiler.
    static func variables(temporary: String?) -> [[UInt8]] {
        var entries = ["LC_ALL=C"]
        if let temporary { entries.append("TMPDIR=" + temporary) }
        return entries.map { Array($0.utf8) + [0] } + inherited.compactMap { name in
            getenv(name).map { value in Array("\(name)=".utf8) + UnsafeBufferPointer(start: value, count: strlen(value) + 1).map(UInt8.init(bitPattern:)) }
        }
    }

    /// The variable among them that could exchange a part of the compiler for another, as a part of the compiler's identity.
    static var identity: String { environmentVariable(libraries).map { "\nlibraries of \($0)" } ?? "" }
}
