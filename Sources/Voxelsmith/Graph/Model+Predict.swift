import VoxKernelRuntime
import VoxTensors

extension Model {
    /// Computes any number of samples, some at a time. The numbers of `losses` are then means over the samples, as of one call.
    /// - Parameters:
    ///   - x: the samples, batch first.
    ///   - batchSize: samples computed at once; decides how much memory is needed, not what comes out.
    ///   - threads: threads to use; the result is bitwise the same for any number.
    ///   - progress: called after each batch with the number of samples done and of all.
    /// - Throws: `ArgumentError.value` for a batch size below 1, `LayerError`, and as a call.
    public func predict(
        _ x: Tensor, batchSize: Int = 32, threads: Int = ThreadPool.defaultThreadCount, progress: ((Int, Int) -> Void)? = nil
    ) throws -> Tensor {
        let results = try predict([x], batchSize: batchSize, threads: threads, progress: progress)
        if results.count != 1 { throw LayerError.severalTensors(layer: name, member: "output", count: results.count) }
        return results[0]
    }

    /// As `predict` of one tensor, for models of several inputs or outputs.
    /// - Throws: also `ArgumentError.value` for inputs of different batch extents.
    public func predict(
        _ xs: [Tensor], batchSize: Int = 32, threads: Int = ThreadPool.defaultThreadCount, progress: ((Int, Int) -> Void)? = nil
    ) throws -> [Tensor] {
        if batchSize < 1 { throw ArgumentError.value(argument: "batchSize", received: "\(batchSize)", expected: "at least 1") }
        let extents = xs.map { $0.shape.first ?? 0 }
        let total = extents.first ?? 0
        if extents.contains(where: { $0 != total }) {
            throw ArgumentError.value(argument: "inputs of batch extents", received: "\(extents)", expected: "equal ones")
        }
        if total <= batchSize {
            let results = try self(xs, threads: threads)
            progress?(total, total)
            return results
        }
        var results: [Tensor] = []
        var losses = LossMeans(of: self)
        for start in stride(from: 0, to: total, by: batchSize) {
            let count = min(batchSize, total - start)
            let parts = try self(xs.map { try Self.samples(start, count, of: $0) }, threads: threads)
            losses.note(weight: Double(count) / Double(total))
            if results.isEmpty { results = try parts.map { try Tensor(uninitialized: [total] + $0.shape.dropFirst(), $0.elementType) } }
            for (index, part) in parts.enumerated() {
                let offset = start * (part.byteCount / count)
                try results[index].withUnsafeMutableBytes { target in
                    part.withUnsafeBytes { target[offset..<offset + $0.count].copyBytes(from: $0) }
                }
            }
            progress?(start + count, total)
        }
        losses.assign()
        return results
    }

    /// Neighbouring samples of a batch.
    private static func samples(_ start: Int, _ count: Int, of x: Tensor) throws -> Tensor {
        var result = try Tensor(uninitialized: [count] + x.shape.dropFirst(), x.elementType)
        let bytes = result.byteCount
        let offset = start * (bytes / count)
        try result.withUnsafeMutableBytes { target in
            x.withUnsafeBytes { target.copyBytes(from: $0[offset..<offset + bytes]) }
        }
        return result
    }
}
