import VoxLayerSpec

extension MinimalFiltering {
    /// The best of the small blocks, of whole volumes and of large blocks. Transformed weights beyond the last-level cache pay only where
    /// many tiles use them each time they are read.
    public static func candidates(_ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule] {
        guard reasonAgainst(spec) == nil, let estimate = estimate(spec, target) else { return [] }
        let tiles = estimate.varied(\.mergesWidthPhases, [false, true]).flatMap { $0.registerTiles(spec, target) }
        return [
            (tiles, target.lastLevelBytes), (wholeVolume(tiles, spec, target), target.lastLevelBytes),
            (largeBlocks(tiles, spec, target), 4 * target.lastLevelBytes),
        ].flatMap { parameters, bytes in
            Schedule.ranked(parameters, spec, target, threads: threads).filter { $0.packedByteCount <= bytes }.prefix(3)
        }
    }

    public func neighbours(_ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        let blocks = block.indices.flatMap { axis in
            [block[axis] / 2, block[axis] * 2].map { length in
                var block = self.block
                block[axis] = length
                return block
            }
        }
        var other = self
        other.mergesWidthPhases.toggle()
        return registerTiles(spec, target) + other.registerTiles(spec, target) + varied(\.block, blocks)
            + varied(\.rows, [rows / 2, rows - 1, rows + 1])
            + varied(\.splits, [1, 2, 4])
            + varied(\.streamsOutput, [!streamsOutput])
            + varied(\.unroll, [1, 2, 4])
    }

    /// All numbers of vectors, each with as many rows as registers allow.
    private func registerTiles(_ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        let phases = mergesWidthPhases ? Self.mergeableWidthPhases(spec) : 1
        let most = min(4 / phases, spec.gather.filtersPerGroup.ceilingDivision(by: MultiplyUnit(target, spec.elements).lanes))
        return (1...max(1, most)).map { vectors in
            var tile = self
            (tile.vectors, tile.rows) = (vectors, target.registerTileRows(vectors: vectors * phases))
            return tile
        }
    }

    /// Weights too big to be read again for every block: all tiles of a small volume at once, and threads share out the filters.
    private static func wholeVolume(_ tiles: [MinimalFiltering], _ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        tiles.flatMap { tile -> [MinimalFiltering] in
            guard let resolved = try? tile.resolved(spec, target), resolved.tileCount <= 256 else { return [] }
            var parameters = tile
            parameters.block = resolved.axes.map(\.tiles)
            return parameters.varied(\.splits, [2, 4])
        }
    }

    /// Weights too big to be read again for every block, and more tiles than `wholeVolume` takes: the transformed input of one block fills
    /// a quarter of the last-level cache, so that many tiles use the weights each time they are read.
    private static func largeBlocks(_ tiles: [MinimalFiltering], _ spec: KernelSpec, _ target: Target) -> [MinimalFiltering] {
        tiles.compactMap { tile -> MinimalFiltering? in
            var parameters = tile
            guard let small = try? parameters.resolved(spec, target), small.packedByteCount > target.lastLevelBytes / 8 else { return nil }
            parameters.block = [1, 1, small.axes[2].tiles]
            // Rows of tiles, then planes.
            for axis in [1, 0] {
                let available = small.axes[axis].tiles
                while parameters.block[axis] < available {
                    let before = parameters.block[axis]
                    parameters.block[axis] = min(available, 2 * before)
                    guard let larger = try? parameters.resolved(spec, target), larger.workspaceByteCount <= target.lastLevelBytes / 4 else {
                        parameters.block[axis] = before
                        break
                    }
                }
            }
            return parameters
        }
    }
}
