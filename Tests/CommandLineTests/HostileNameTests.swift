import Foundation
import Testing
import VoxHashing
import VoxLayerSpec
import VoxTensorIO
import VoxTensors
import _TestSupport

/// What the program prints of names, headers and paths that were made to speak through it.
@Suite struct HostileNameTests {
    /// For files' names: without slashes and NUL.
    private static let name = "a\u{1b}[2J\u{1b}]0;t\u{7}\nvoxelsmith: warning: forged\r\u{200f}\u{202e}\u{2066}\u{feff}\u{2028}\u{200b}\u{9b}31m\u{7f}\t\"b\\"

    /// The text as a JSON string without its quotation marks.
    private static let json = String(jsonString(name).dropFirst().dropLast())

    private func check(_ outcome: Voxelsmith.Outcome, _ what: String, status: Int32? = nil) {
        for (stream, text) in [("output", outcome.output), ("errors", outcome.errors)] {
            let bad = text.unicodeScalars.filter { $0 != "\n" && !Escaping.isVisible($0) }
            #expect(bad.isEmpty, "\(what): \(stream): \(escaped(text))")
            let lines = text.split(separator: "\n")
            #expect(!lines.contains { $0.hasPrefix("voxelsmith: warning: forged") }, "\(what): \(stream): \(escaped(text))")
            if stream == "errors" { #expect(lines.allSatisfy { $0.hasPrefix("voxelsmith: ") }, "\(what): \(escaped(text))") }
        }
        if let status { #expect(outcome.status == status, "\(what): \(escaped("\(outcome)"))") }
    }

    /// The names of layers, classes, models, keys and values in a file of layers.
    @Test func namesInFilesOfLayers() throws {
        let folder = try TemporaryFolder()
        let plain = TinyLayer.json()
        var texts = [
            TinyLayer.json(name: Self.json), plain.replacing("Conv3DTranspose", with: Self.json),
            "[\(TinyLayer.json(name: Self.json)), \(TinyLayer.json(name: Self.json))]",
        ]
        for (old, new) in [
            ("\"same\"", "\"\(Self.json)\""), ("\"relu\"", "\"\(Self.json)\""), ("\"filters\"", "\"\(Self.json)\""), ("5,", "\"\(Self.json)\","),
            ("[2, 2, 1]", "[\"\(Self.json)\"]"), ("[null, 3, 4, 5, 3]", "[\"\(Self.json)\"]"),
            ("\"padding\"", "\"\(Self.json)\": {\"\(Self.json)\": \"\(Self.json)\"}, \"padding\""), ("\"padding\"", "\"dtype\": \"\(Self.json)\", \"padding\""),
            ("\"padding\"", "\"data_format\": \"\(Self.json)\", \"padding\""),
            ("\"padding\"", "\"module\": \"\(Self.json)\", \"registered_name\": \"\(Self.json)\", \"padding\""),
        ] { texts.append(plain.replacing(old, with: new)) }
        texts += [
            Self.name, "\"\(Self.json)\"", "{\"\(Self.json)\": 1}", plain + Self.name,
            "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"\(Self.json)\", \"layers\": \"\(Self.json)\"}}",
        ]
        for (index, text) in texts.enumerated() {
            let layer = try folder.write("layer\(index).json", text)
            for command in [
                ["emit", layer, "-o", folder.path("c")], ["bench", layer, "--seconds", "0", "--json", folder.path("b.json"), "--plot", folder.path("b.svg")],
                ["run", layer, "--input", folder.path("x"), "--output", folder.path("y.npy")],
            ] { check(try Voxelsmith.run(command), "\(command[0]) \(index)") }
        }
        for file in ["b.json", "b.svg"] {
            let text = try String(contentsOfFile: folder.path(file), encoding: .utf8)
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || Escaping.isVisible($0) }, "\(file)")
        }
    }

    /// Names of files, which the system lets hold anything but slashes and NUL.
    @Test func namesOfFiles() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("\(Self.name).json", TinyLayer.json(name: Self.json))
        let path = folder.path(Self.name)
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: path + ".x")
        try NPZFile.write([("kernel", TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("bias", TinyLayer.random([5], seed: 3))], to: path + ".w")
        let absent = path + ".absent"
        check(try Voxelsmith.run(["build", layer, "-o", path + ".so", "-v"]), "build", status: 0)
        check(try Voxelsmith.run(["build", layer, "-o", path + ".so", "--clang", absent]), "clang", status: 1)
        check(try Voxelsmith.run(["build", layer, "-o", path + ".so", "--tunings", absent]), "tunings", status: 1)
        for short in [[], ["--short"], ["--json"]] { check(try Voxelsmith.run(["describe", path + ".so"] + short), "describe \(short)", status: 0) }
        check(try Voxelsmith.run(["verify", path + ".so"]), "verify", status: 0)
        check(try Voxelsmith.run(["inspect", path + ".so", "-o", path + ".html"]), "inspect", status: 0)
        check(try Voxelsmith.run(["inspect", path + ".so", Self.name, "-o", path + ".html"]), "inspect a kernel", status: 1)
        check(
            try Voxelsmith.run(
                ["run", layer, "--input", path + ".x", "--weights", path + ".w", "--plugin", path + ".so", "--output", path + ".y", "--report", "-v"]),
            "run", status: 0)
        check(try Voxelsmith.run(["emit", layer, "-o", path + ".c"]), "emit", status: 0)
        for arguments in [
            ["emit", absent], ["run", layer, "--input", absent, "--output", path],
            ["run", layer, "--input", path + ".x", "--weights", absent, "--output", path],
            ["run", layer, "--input", path + ".x", "--weights", path + ".w", "--plugin", absent, "--output", path + ".z"],
            ["run", layer, "--input", path + ".w", "--weights", path + ".x", "--output", path], ["describe", layer], ["verify", absent],
            ["run", layer, "--input", path + ".x", "--weights", path + ".w", "--expect", path + ".x", "--output", path + ".z"],
            ["regenerate", "--suite", layer, "-o", path + ".g"], ["regenerate", "--suite", layer, "-o", folder.path("")],
            ["build", layer, "-o", layer], ["bench", layer, "--json", layer], ["emit", layer, "--target", Self.name],
            ["emit", layer, "--input-shape", Self.name],
            [Self.name], ["emit", layer, "--\(Self.name)"], ["emit", layer, Self.name], ["emit", layer, "--policy", "x\r\n\(Self.name)"],
        ] { check(try Voxelsmith.run(arguments), escaped("\(arguments)")) }
        let places = ["XDG_CACHE_HOME": path + ".cache", "TMPDIR": absent]
        check(try Voxelsmith.run(["cache"], environment: places), "cache", status: 0)
        check(try Voxelsmith.run(["build", layer, "-o", path + ".so"], environment: places), "no temporary folder", status: 1)
        check(try Voxelsmith.run(["build", layer, "-o", path + ".so"], environment: ["XDG_CACHE_HOME": layer]), "no cache", status: 0)
    }

    @Test func headersAndMembers() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        func run(_ input: String, _ weights: String) throws -> Voxelsmith.Outcome {
            try Voxelsmith.run(["run", layer, "--input", input, "--weights", weights, "--output", folder.path("y.npy")])
        }
        let good = folder.path("x.npy")
        try NPY.write(TinyLayer.random(TinyLayer.inputShape, seed: 1), to: good)
        for (index, text) in [
            "{'descr': '\(Self.name)', 'fortran_order': False, 'shape': (1,), }\n", "{'\(Self.name)': 1}\n", Self.name,
            "{'descr': [('\(Self.name)', '<f4')]}\n",
        ].enumerated() {
            let header = Array(text.utf8)
            let bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)] + header
            check(try run(folder.write(bytes, as: "h\(index).npy"), folder.path("w.npz")), "header \(index)", status: 1)
        }
        check(try run(folder.write(Array("\u{1b}[2J\n".utf8), as: "raw.npy"), folder.path("w.npz")), "raw", status: 1)
        let weights = folder.path("w.npz")
        // The library writes no such names, so they are put in the place of others.
        let placeholder = String(repeating: "n", count: Self.name.utf8.count)
        func write(_ arrays: [(name: String, tensor: Tensor)]) throws {
            try NPZFile.write(arrays, to: weights)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
            var named = Data()
            var rest = bytes[...]
            while let place = rest.range(of: Data(placeholder.utf8)) {
                named += rest[..<place.lowerBound] + Data(Self.name.utf8)
                rest = rest[place.upperBound...]
            }
            try (named + rest).write(to: URL(fileURLWithPath: weights))
        }
        try write([(placeholder, TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("\(placeholder)2", TinyLayer.random([5], seed: 3))])
        check(try run(good, weights), "members", status: 1)
        try write([
            ("kernel", TinyLayer.random(TinyLayer.kernelShape, seed: 2)), ("bias", TinyLayer.random([5], seed: 3)),
            (placeholder, TinyLayer.random([5], seed: 3)),
        ])
        check(try run(good, weights), "left over", status: 1)
    }

    /// The texts a plugin's descriptors hold, under a true digest.
    @Test func descriptorsOfPlugins() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let plugin = folder.path("p.so")
        #expect(try Voxelsmith.run(["build", layer, "-o", plugin, "--no-verify"]).status == 0)
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: plugin)))
        for (old, new) in [("vs_tconv", "\u{1b}[2J\nvox"), ("filter_lanes", "\u{1b}]0;\nvox\u{202e}\u{7}")] {
            let (old, new) = (Array(old.utf8), Array(new.utf8))
            #expect(old.count == new.count)
            for start in bytes.indices.dropLast(old.count) where bytes[start] == old[0] && bytes[start..<start + old.count].elementsEqual(old) {
                bytes.replaceSubrange(start..<start + old.count, with: new)
            }
        }
        bytes.replaceSubrange((bytes.count - SHA256.byteCount)..., with: SHA256.digest(of: bytes.dropLast(SHA256.byteCount)))
        let altered = try folder.write(bytes, as: "q.so")
        chmod(altered, 0o644)
        for arguments in [["describe"], ["describe", "--short"], ["describe", "--json"], ["verify"]] {
            check(try Voxelsmith.run(arguments + [altered]), arguments.joined(separator: " "))
        }
        let described = try Voxelsmith.run(["describe", altered])
        #expect(described.output.contains("\\u{1b}[2J\\n") || described.errors.contains("\\u{1b}[2J\\n"), "\(escaped("\(described)"))")
    }

    /// A compiler's words keep their lines and lose their commands.
    @Test func wordsOfTheCompiler() throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let clang = try folder.script(
            "clang", "[ \"$1\" = --version ] && { printf 'clang version \\033[2J\\302\\2331\\n'; exit 0; }\nprintf 'bad\\033[2J\\n  line\\r\\n' >&2; exit 1")
        let outcome = try Voxelsmith.run(["build", layer, "-o", folder.path("p.so"), "--clang", clang, "--no-cache", "-v"])
        #expect(outcome.status == 1 && outcome.errors.contains("bad\\u{1b}[2J\n  line\\r\n"), "\(escaped(outcome.errors))")
        #expect(outcome.errors.unicodeScalars.allSatisfy { $0 == "\n" || Escaping.isVisible($0) }, "\(escaped(outcome.errors))")
    }
}
