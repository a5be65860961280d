import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import VoxTuning

/// What one thread takes for one sample with one kernel, and what the machine could do; or why that was not measured.
enum KernelMeasurement {
    case measured(LayerMeasurement, MemoryBandwidth?)
    case notMeasured(reason: String)

    /// Least time that the median of the calls is taken over, in seconds.
    private static let seconds = 0.2

    /// Measures as `bench` does, answer and all.
    /// - Parameters:
    ///   - index: of the kernel in its plugin.
    ///   - contents: the plugin.
    ///   - image: the same plugin, loaded.
    ///   - bandwidth: of this machine.
    /// - Throws: `BenchmarkError.wrongAnswer`: such a kernel has no speed.
    init(_ index: Int, of contents: PluginContents, image: PluginImage, bandwidth: MemoryBandwidth?) throws {
        // What is timed must be what is described: the file was read twice.
        guard image.file.digest == contents.digest else {
            self = .notMeasured(reason: "The file was replaced while it was inspected.")
            return
        }
        do {
            let kernel = try image.kernel(at: index)
            let choice = KernelChoice(kernel: kernel, appliedActivation: .linear, isSpecialized: true, reason: "the one that is inspected")
            let benchmark = try LayerBenchmark(kernel.spec, choice: choice, threads: 1, seconds: Self.seconds)
            self = .measured(try benchmark.run(), bandwidth)
        } catch let error as BenchmarkError {
            if case .wrongAnswer = error { throw error }
            self = .notMeasured(reason: error.description)
        } catch let error as any CustomStringConvertible & Error where error is PluginError || error is KernelError || error is TensorError {
            self = .notMeasured(reason: error.description)
        }
    }

    /// The loaded plugin of a file.
    /// - Returns: nil, with the reason, where this machine cannot run it.
    static func image(of contents: PluginContents, trustedFolders: [String]) -> (image: PluginImage?, reason: String) {
        do throws(PluginError) {
            return (try PluginImage(path: contents.path, trustedFolders: trustedFolders), "")
        } catch {
            return (nil, error.description)
        }
    }
}
