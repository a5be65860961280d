import ArgumentParser
import VoxInspection
import VoxKernelBuild
import VoxKernelRuntime
import VoxLayerSpec
import VoxelsmithModelIO

struct DescribeCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Shows what is inside a plugin, from its bytes, or the layers of a file; executes nothing of it.",
        discussion: """
            --json prints {"path", "bytes", "digest", "machine", "targets", "kernels": [{"name", "key", "target", "features", "schedule", \
            "loops", "packing", "packed_bytes", "workspace_bytes_per_thread", "output_bytes_per_sample", "work_items_per_sample", \
            "work_items_per_call", "flop_per_sample", "template_digest"}], "inspection": {"status", ...}}; \
            the inspection has "functions" with instruction counts, or a \
            "reason" why the machine code was not inspected. Of layers it prints {"path", "model": {"name", "keras_version", \
            "inputs": [{"name", "shape"}], "outputs", "layers": [{"name", "class", "output_shape", "parameters"}], "parameters"}, "layers": \
            [{"name", "class", "input_shape", "output_shape"}], "other_layers": [{"name", "class", "called_in_training"}]}, shapes with null \
            where an extent is unknown, or null altogether. The model's layers are all of it, the others its convolutions.
            """)

    @Argument(help: ArgumentHelp("A plugin for any machine, or a file with layers.", valueName: "FILE"))
    var file: String

    @OptionGroup var inputShapes: InputShapesOption

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print one line a kernel or layer.")
    var short = false

    @OptionGroup var trust: TrustOptions
    @OptionGroup var verbosity: VerbosityOptions

    var files: NamedFiles {
        var files = NamedFiles()
        files.reads(file, "the file")
        return files
    }

    func run() throws {
        if try !LayersContents.isPlugin(file) {
            let contents = try LayersContents(path: file, inputShapes.file(file).layers(of: layersFile(), onEvent: Console.tell))
            Console.show(lines: json ? try jsonText(contents) : short ? contents.table : contents.text)
            return
        }
        if !inputShapes.shapes.isEmpty { throw CommandFailure.unusedOption("--input-shape", needs: "a file with layers") }
        let contents = try PluginContents(path: file, trustedFolders: trust.trustedFolders)
        Console.show(lines: json ? try jsonText(contents) : short ? contents.table : contents.text)
    }

    /// Reads the file as layers, also where it is a pipe. A plugin that comes through a pipe is refused: it needs a path, which says
    /// whether it is trusted.
    private func layersFile() throws -> ModelFile {
        do {
            return try ModelFile(path: file, expected: .layersOrPlugin)
        } catch ModelIOError.foreignFile(_, .elf, _) {
            throw PluginError.notARegularFile(path: file)
        }
    }
}

/// A plugin in text for readers.
extension PluginContents {
    private var heading: String {
        let sentence: Sentence = """
            \(path): \(counted(kernels.count, "kernel")) for \(machine) (\(targets.joined(separator: ", "))), \(bytes) bytes, \
            SHA-256 \(digest.prefix(16))...
            """
        return sentence.text + "\n"
    }

    var text: String {
        var text = heading
        for kernel in kernels {
            let part: Sentence = """

                \(kernel.name)
                  key        \(kernel.key)
                  target     \(kernel.target): \(kernel.features.joined(separator: " "))
                  schedule   \(kernel.schedule)
                  loops      \(kernel.loops)
                  memory     \(kernel.packedBytes) bytes of packed weights; \
                a call adds \(kernel.workspaceBytesPerThread) of workspace per thread and \(kernel.outputBytesPerSample) of output per sample
                  work       \(kernel.items), \(kernel.flopPerSample) floating-point operations per sample

                """
            text += part.text
            for function in functions(of: kernel) { text += ("  code       \(function.name): \(Self.counts(function))" as Sentence).text + "\n" }
        }
        text += inspectionText.text + "\n"
        return text
    }

    private var inspectionText: Sentence {
        switch inspection {
        case .inspected(let plugin):
            let known = Set(kernels.map { $0.name + ".c" })
            let others: [Sentence] = plugin.functions.filter { !known.contains($0.file) }.map { "\n\($0.file): \($0.name): \(Self.counts($0))" }
            return """
                \(lines: others.map { $0.text + "\n" }.joined())
                Machine code read by \(plugin.inspector): \(plugin.undefinedSymbols.count) undefined symbols, \
                \(plugin.constructorSections.count) constructor sections, exports \(plugin.exportedSymbols.joined(separator: ", "))
                """
        case .notInspected(let reason): return "\nMachine code not inspected: \(reason)"
        }
    }

    private static func counts(_ function: InspectedFunction) -> String {
        let registers = [("zmm", function.zmm), ("ymm", function.ymm), ("xmm", function.xmm), ("neon", function.neon)]
        let used = registers.filter { $0.1 > 0 }.map { "\($0.1) on \($0.0)" }.joined(separator: ", ")
        return "\(function.byteCount) bytes, \(function.instructions) instructions (\(used.isEmpty ? "no vectors" : used)), "
            + "\(function.fusedMultiplyAdds) FMA, \(function.vectorSpills) spills"
    }

    var table: String {
        var table = TextTable(["kernel", "target", "GFLOP", "packed KiB", "code KiB", "FMA", "spills"])
        for kernel in kernels {
            let functions = functions(of: kernel)
            let isInspected = !functions.isEmpty
            func sum(_ value: (InspectedFunction) -> Int) -> Int { functions.reduce(0) { $0 + value($1) } }
            table.add([
                kernel.name, kernel.target, decimal(Double(kernel.flopPerSample) / 1e9, 3), decimal(Double(kernel.packedBytes) / 1024, 1),
                isInspected ? decimal(Double(sum(\.byteCount)) / 1024, 1) : "-", isInspected ? "\(sum(\.fusedMultiplyAdds))" : "-",
                isInspected ? "\(sum(\.vectorSpills))" : "-",
            ])
        }
        var text = heading + table.text
        if case .notInspected(let reason) = inspection { text += ("Machine code not inspected: \(reason)" as Sentence).text + "\n" }
        return text
    }
}
