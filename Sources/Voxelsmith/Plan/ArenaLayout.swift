import VoxLayerSpec

/// Where buffers lie in one block of memory, so that those that are needed at the same time do not overlap.
package struct ArenaLayout {
    /// From the step that writes it to the last one that reads it, both included.
    package struct Buffer {
        package let byteCount: Int
        package let lifetime: ClosedRange<Int>

        package init(byteCount: Int, lifetime: ClosedRange<Int>) { (self.byteCount, self.lifetime) = (byteCount, lifetime) }
    }

    /// Of each buffer, a multiple of 64.
    package let offsets: [Int]
    /// Of the block.
    package let byteCount: Int

    /// Places the largest buffers first, each in the narrowest gap between those that live with it and are placed already; so a small buffer
    /// never stands where only a larger one would not have cost anything.
    /// - Parameter patience: how many pieces of memory are looked at, for all buffers together, before gaps are no longer looked for. The usual one
    ///   is for two thousand buffers that all live at a time, or any number of which few do.
    package init(_ buffers: [Buffer], patience: Int = 1 << 22) {
        var offsets = Array(repeating: 0, count: buffers.count)
        var memory = OccupiedMemory(buffers.map(\.lifetime), patience: patience)
        var total = 0
        let order = buffers.indices.sorted { (-buffers[$0].byteCount, $0) < (-buffers[$1].byteCount, $1) }
        for index in order {
            let size = Self.rounded(buffers[index].byteCount)
            var end = 0
            var best: (gap: Int, offset: Int)?
            for piece in memory.pieces(during: buffers[index].lifetime) {
                let gap = piece.lowerBound - end
                if gap >= size, gap < best?.gap ?? .max { best = (gap, end) }
                end = max(end, piece.upperBound)
            }
            offsets[index] = best?.offset ?? end
            let place = offsets[index]..<Checked.clampedSum(offsets[index], size)
            total = max(total, place.upperBound)
            memory.occupy(place, during: buffers[index].lifetime)
        }
        (self.offsets, byteCount) = (offsets, total)
    }

    /// Whole cache lines, which kernels like to begin at.
    private static func rounded(_ byteCount: Int) -> Int { Checked.clampedSum(byteCount, 63) / 64 * 64 }
}
