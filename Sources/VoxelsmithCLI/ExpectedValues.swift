import VoxLayerSpec
import VoxTensorIO
import VoxTensors

/// What `--expect` compared: every n-th voxel of a result with the values of a file.
struct ExpectedValues {
    let path: String
    let count: Int
    let comparison: Comparison

    /// - Parameters:
    ///   - y: with the batch axis.
    ///   - layout: which axis holds the channels.
    ///   - every: n, for each spatial axis.
    ///   - path: of the expected values, with the batch axis or without.
    /// - Throws: what reading throws; `CommandFailure.resultShape`.
    init(_ y: Tensor, layout: Layout, every: Int, path: String) throws {
        let expected = try NPY.read(path: path)
        // A Reshape may leave nothing but the batch.
        let spatial = y.shape.count < 2 ? [] : layout.spatial(of: y.shape)
        let channelAxis = layout.channelAxis(rank: y.shape.count)
        let steps = y.shape.indices.map { $0 == 0 || $0 == channelAxis ? 1 : every }
        let shape = zip(y.shape, steps).map { $0 == 0 ? 0 : ($0 - 1) / $1 + 1 }
        guard expected.shape == shape || expected.shape == Array(shape.dropFirst()) else {
            throw CommandFailure.resultShape(expected.shape, what: "expected values for every \(every). voxel of \(spatial)", expected: shape)
        }
        let received = Self.sample(y.doubles, shape: y.shape, steps: steps)
        self.path = path
        (count, comparison) = (received.count, Comparison(received, expected: expected.doubles))
    }

    func agree(within tolerance: Double) -> Bool { comparison.worstIndex == nil || comparison.absoluteError <= tolerance }

    /// Says that they agree.
    /// - Throws: `CommandFailure.resultDiffers` where they do not.
    func check(tolerance: Double) throws(CommandFailure) {
        if let index = comparison.worstIndex, !agree(within: tolerance) {
            throw .resultDiffers(path: path, index: index, received: comparison.received, expected: comparison.expected, tolerance: tolerance)
        }
        Console.say("\(count) values agree with \(path) within \(tolerance); the worst differs by \(comparison.absoluteError)")
    }

    /// Every `steps[axis]`-th element along each axis.
    private static func sample(_ values: [Double], shape: [Int], steps: [Int]) -> [Double] {
        var indices = [0]
        for (extent, step) in zip(shape, steps) {
            indices = indices.flatMap { index in stride(from: 0, to: extent, by: step).map { index * extent + $0 } }
        }
        return indices.map { values[$0] }
    }
}
