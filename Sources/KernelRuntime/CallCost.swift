import VoxKernels
import VoxLayerSpec

/// What a call costs, as far as the choice of threads needs to know: right within a factor of three is enough.
///
/// The thresholds come from `voxelsmith bench-threads`; `Documentation/architecture.md` has the numbers.
package struct CallCost: Hashable, Sendable {
    /// Nanoseconds of all items on one thread.
    package var nanoseconds: Double
    /// Nanoseconds that every further piece of the items costs: weights a kernel reads again for each range it is given.
    package var nanosecondsPerPiece: Double

    package init(nanoseconds: Double, nanosecondsPerPiece: Double = 0) {
        self.nanoseconds = nanoseconds
        self.nanosecondsPerPiece = nanosecondsPerPiece
    }

    /// Least work that is worth another thread when that thread is awake: handing it over costs some 0.3 µs in all.
    package static let leastShare = 1250.0
    /// Least work that is worth waking a sleeping thread: the caller loses some 10 µs in the system call, and the woken one
    /// begins some 40 µs later.
    package static let worthWaking = 40_000.0
    /// Least length of a piece in nanoseconds; and the largest part of a piece's time that `nanosecondsPerPiece` may take.
    private static let leastPiece = 1000.0
    private static let pieceOverhead = 1.0 / 20

    /// Most pieces each participant's range is cut into.
    package static let mostPieces = 16

    /// Threads worth using if all are awake.
    package func threads(atMost threads: Int) -> Int {
        nanoseconds >= Self.leastShare * Double(threads) ? threads : max(1, Int(nanoseconds / Self.leastShare))
    }

    /// Pieces of the range of one of `participants`.
    package func pieces(participants: Int) -> Int {
        let length = max(Self.leastPiece, nanosecondsPerPiece / Self.pieceOverhead)
        return max(1, Int(min(Double(Self.mostPieces), nanoseconds / Double(participants) / length)))
    }
}

extension CallCost {
    /// The cost of one sample with a kernel: its operations at half the rate good kernels reach, or its memory traffic.
    package init(_ choice: KernelChoice) {
        let spec = choice.kernel.spec
        let vectorBytes = HostCPU.features.contains(.avx512f) ? 64.0 : HostCPU.features.contains(.avx2) ? 32 : 16
        // Operations in a nanosecond: eight for each number in a vector. The interpreter takes about 16 times as long.
        var rate = vectorBytes / Double(spec.elements.accumulator.byteCount) * 8
        if !choice.isSpecialized { rate /= 16 }
        let elements = spec.geometry.inputVolume * spec.geometry.channels + spec.geometry.outputVolume * spec.geometry.filters
        let traffic = Double(elements * spec.elements.storage.byteCount + choice.kernel.packedByteCount)
        nanoseconds = max(Double(spec.geometry.flopCount) / rate, traffic / 20)
        // Packed weights come from the second-level cache at some 40 bytes in a nanosecond, and slower when they do not fit.
        nanosecondsPerPiece = Double(choice.kernel.packedByteCount) / (choice.kernel.packedByteCount <= 1 << 20 ? 40 : 20)
    }

    /// The cost of a batch: samples add up, weights are read once for each piece whatever the batch.
    package func batch(_ batch: Int) -> CallCost {
        CallCost(nanoseconds: nanoseconds * Double(batch), nanosecondsPerPiece: nanosecondsPerPiece)
    }
}
