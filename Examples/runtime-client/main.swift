// An application that ships a ready plugin: it links the layers and the loader, and neither generator nor compiler nor file formats.
//
//     voxelsmith build Examples/runtime-client/layer.json -o up.so
//     .build/release/runtime-client up.so                 prints the first results of the layer
//     .build/release/runtime-client up.so --measure 20    starts itself 20 times, and prints how long that took
import Glibc
import Voxelsmith

/// Loads the plugin, makes the layer of layer.json, and calls it once.
func firstResult(plugin: String) throws -> Tensor {
    KerasSettings.use(KerasSettings())  // Keras's own defaults, whatever the keras.json of whoever runs this says
    let kernels = KernelRegistry()
    try kernels.load(path: plugin)
    let layer = try Conv3DTranspose(
        filters: 8, kernelSize: 4, strides: 2, padding: .same, activation: .relu, name: "up", kernels: kernels, kernelMode: .specialized)
    try layer.build(inputShape: [1, 8, 8, 8, 16])
    try layer.setWeights([numbers([4, 4, 4, 8, 16]), numbers([8])])
    return try layer(numbers([1, 8, 8, 8, 16]))
}

/// Small numbers whose products and sums are exact in float32.
func numbers(_ shape: [Int]) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0 % 13 - 6) / 8 })
}

/// Milliseconds from the start of this program's copy to its end, the result included.
func millisecondsOfAProcess(plugin: String) -> Double? {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
    }
    let start = now()
    let path = "/proc/self/exe"
    var arguments: [UnsafeMutablePointer<CChar>?] = [path, plugin, "--quiet"].map { (text: String) in strdup(text) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    var status: Int32 = -1
    guard posix_spawn(&child, path, nil, nil, &arguments, environ) == 0, waitpid(child, &status, 0) == child, status == 0 else { return nil }
    return now() - start
}

func complain(_ sentence: String, status: Int32) -> Never {
    let line = Array("runtime-client: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard let plugin = arguments.first else { complain("Received no plugin; expected its path.", status: EX_USAGE) }
do {
    switch arguments.dropFirst().first {
    case "--measure":
        guard arguments.count == 3, let count = Int(arguments[2]), count > 0 else {
            complain("Received \(arguments.dropFirst(2).joined(separator: " ")) as number of starts; expected one of at least 1.", status: EX_USAGE)
        }
        _ = try firstResult(plugin: plugin)  // if this fails, it says why
        let times = (0..<count).compactMap { _ in millisecondsOfAProcess(plugin: plugin) }.sorted()
        guard times.count == count else { complain("Only \(times.count) of \(count) starts succeeded.", status: EXIT_FAILURE) }
        print("\(count) starts, milliseconds from start to end of the process: median \(times[count / 2]), least \(times[0]), most \(times[count - 1])")
    case let option:
        let y = try firstResult(plugin: plugin)
        if option != "--quiet" { print("\(y.shape): \(y.floats.prefix(8).map { "\($0)" }.joined(separator: " "))") }
    }
} catch {
    complain("\(error)", status: EXIT_FAILURE)
}
