// An application whose kernels are made by its build: voxelsmith.json beside this file names the layers.
import Glibc
import Voxelsmith

/// Small numbers whose products and sums are exact in float32.
func numbers(_ shape: [Int]) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0 % 13 - 6) / 8 })
}

do {
    // Plugins for other machines are in the report too; without a kernel the interpreter answers.
    for report in try KernelRegistry.shared.loadPregenerated() { print(report) }

    // The layer of up.json; a number of filters on the command line makes another of it.
    let filters = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 8
    let layer = try Conv3DTranspose(
        filters: filters, kernelSize: 4, strides: 2, padding: .same, dataFormat: .channelsLast, activation: .relu, name: "up", dtype: .float32)
    try layer.build(inputShape: [1, 8, 8, 8, 16])
    try layer.setWeights([numbers([4, 4, 4, filters, 16]), numbers([filters])])
    let y = try layer(numbers([1, 8, 8, 8, 16]))
    print("\(y.shape): \(y.floats.prefix(8).map { "\($0)" }.joined(separator: " "))")
    print(try layer.kernelInUse(inputShape: [1, 8, 8, 8, 16]))
} catch {
    let line = Array("application: \(error)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(EXIT_FAILURE)
}
