import VoxKernels
import VoxLayerSpec

/// Why a plugin file was not read or not loaded.
public enum PluginError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotOpen(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    case cannotListFolder(path: String, reason: String)
    /// The folder with the plugins that a build made is in none of these places.
    case bundleMissing(name: String, lookedAt: [String])
    case notARegularFile(path: String)
    /// `entry` is the plugin or its folder; `owner` and `user` are user numbers.
    case foreignOwner(path: String, entry: String, owner: UInt32, user: UInt32)
    /// `entry` is the plugin or its folder, `mode` its permissions.
    case writableByOthers(path: String, entry: String, mode: UInt32)
    case tooSmall(path: String, byteCount: Int)
    case tooLarge(path: String, byteCount: Int)
    case notELF(path: String)
    /// The SHA-256 at the end of the file is not that of what precedes it.
    case digestMismatch(path: String, computed: String, stored: String)
    case malformedImage(path: String, reason: String)
    /// Code that would run while it is loaded or unloaded, by the dynamic entries that name it.
    case constructors(path: String, entries: [String])
    case neededLibraries(path: String, names: [String])
    case undefinedSymbols(path: String, names: [String])
    /// Symbols it exports beside its own one.
    case unexpectedExports(path: String, names: [String])
    /// A symbol whose address is computed by code of the plugin while it is loaded.
    case indirectFunction(path: String, name: String)
    case interpreter(path: String, name: String)
    case threadLocalStorage(path: String)
    /// Memory that could be written and executed.
    case writableCode(path: String, what: String)
    /// Another request to the dynamic linker than the linker makes for a self-contained object.
    case unexpectedDynamicEntry(path: String, tag: UInt64, value: UInt64)
    case unexpectedRelocation(path: String, address: Int, reason: String)
    case symbolMissing(path: String)
    case wrongMagic(path: String, received: UInt64)
    case unsupportedABI(path: String, received: Int)
    case malformedObject(path: String, reason: String)
    /// A descriptor that cannot be read, by its position.
    case malformedDescriptor(path: String, index: Int, reason: String)
    case foreignMachine(path: String, received: String)
    case missingFeatures(path: String, kernel: String, features: [Target.Feature])
    case unknownFeatures(path: String, kernel: String, bits: UInt64)
    case loadFailed(path: String, reason: String)
    /// The mapped object is not the one whose bytes were read.
    case imageDiffers(path: String)

    public var description: String {
        let sentence: Sentence = switch self {
        case .cannotOpen(let path, let reason): "Cannot open plugin \(path): \(reason)."
        case .cannotRead(let path, let reason): "Cannot read plugin \(path): \(reason)."
        case .cannotListFolder(let path, let reason): "Cannot list the folder of plugins \(path): \(reason)."
        case .bundleMissing(let name, let places):
            "Found the folder \(name) with the plugins of this program at none of \(places.joined(separator: ", ")); expected it beside the program."
        case .notARegularFile(let path): "Plugin \(path) is not a regular file."
        case .foreignOwner(let path, let entry, let owner, let user):
            "Plugin \(path) is not trusted: \(entry) belongs to user \(owner); expected user \(user) or root, or \(Self.namedFolder)."
        case .writableByOthers(let path, let entry, let mode):
            """
            Plugin \(path) is not trusted: \(entry) has mode \(String(mode, radix: 8)), so others can change it; \
            expected what chmod go-w gives\(mode & 2 == 0 ? ", or \(Self.namedFolder)" : "").
            """
        case .tooSmall(let path, let count):
            "Plugin \(path) has \(count) bytes; expected at least \(PluginFile.minimumByteCount)."
        case .tooLarge(let path, let count):
            "Plugin \(path) has \(count) bytes; expected at most \(PluginFile.maximumByteCount)."
        case .notELF(let path): "Plugin \(path) is no ELF file; expected a shared object made by voxelsmith build."
        case .digestMismatch(let path, let computed, let stored):
            "Plugin \(path) is damaged: its bytes have SHA-256 \(computed); expected \(stored), the digest at its end."
        case .malformedImage(let path, let reason): "Plugin \(path) is no readable shared object: \(reason)."
        case .constructors(let path, let entries):
            "Plugin \(path) runs code when it is loaded or unloaded (\(entries.joined(separator: ", "))); expected none."
        case .neededLibraries(let path, let names):
            "Plugin \(path) needs \(names.joined(separator: ", ")); expected no other library."
        case .undefinedSymbols(let path, let names):
            "Plugin \(path) uses \(names.joined(separator: ", ")) without defining it; expected a plugin that calls nothing outside itself."
        case .unexpectedExports(let path, let names):
            "Plugin \(path) exports \(names.joined(separator: ", ")); expected \(PluginFile.symbolName) alone."
        case .indirectFunction(let path, let name):
            "Plugin \(path) computes the address of \(name) while it is loaded; expected no indirect functions."
        case .interpreter(let path, let name): "Plugin \(path) names the interpreter \(name); expected a shared object without one."
        case .threadLocalStorage(let path): "Plugin \(path) has thread-local storage; expected a plugin without state."
        case .writableCode(let path, let what): "Plugin \(path) has \(what); expected code that cannot be written."
        case .unexpectedDynamicEntry(let path, let tag, let value):
            "Plugin \(path) asks the dynamic linker for 0x\(String(tag, radix: 16)) = 0x\(String(value, radix: 16)); expected a self-contained object."
        case .unexpectedRelocation(let path, let address, let reason):
            "Plugin \(path) has a relocation at 0x\(String(address, radix: 16)) that is not allowed: \(reason)."
        case .symbolMissing(let path): "Plugin \(path) does not export \(PluginFile.symbolName); expected a kernel plugin."
        case .wrongMagic(let path, let received):
            "Plugin \(path) begins its object with 0x\(String(received, radix: 16)); expected the plugin magic."
        case .unsupportedABI(let path, let received):
            "Plugin \(path) has kernel ABI \(received); expected \(PluginFile.abiMajor), as voxelsmith build makes it."
        case .malformedObject(let path, let reason): "Plugin \(path) has a malformed object: \(reason)."
        case .malformedDescriptor(let path, let index, let reason):
            "Kernel descriptor \(index) of plugin \(path) is malformed: \(reason)."
        case .foreignMachine(let path, let received):
            "Plugin \(path) is machine code for \(received); expected \(PluginFile.Machine.host?.rawValue ?? "this machine's")."
        case .missingFeatures(let path, let kernel, let features):
            "Kernel \(kernel) of plugin \(path) needs \(features.map(\.rawValue).joined(separator: ", ")), which this processor lacks."
        case .unknownFeatures(let path, let kernel, let bits):
            "Kernel \(kernel) of plugin \(path) needs processor features 0x\(String(bits, radix: 16)), which this version does not know."
        case .loadFailed(let path, let reason): "Cannot load plugin \(path): \(reason)."
        case .imageDiffers(let path): "Plugin \(path) changed while it was loaded; its mapped object is not the one in the file."
        }
        return sentence.text
    }

    /// How a user trusts what the rules alone do not.
    private static let namedFolder = "that its folder is named by --trust-folder, trustedFolders or VOXELSMITH_TRUSTED_FOLDERS"
}
