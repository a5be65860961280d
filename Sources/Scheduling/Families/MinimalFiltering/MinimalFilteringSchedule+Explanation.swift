import VoxLayerSpec

extension MinimalFilteringSchedule {
    public var explanation: [String] {
        var sentences = tilesInWords + [
            "That takes \(transformedMultiplyAdds) multiply-adds a sample, where plain sums take \(spec.geometry.multiplyAddCount).",
            """
            The register tile of the products holds \(counted(parameters.rows, "tile")) and \(counted(tileVectors, "vector")) of \(unit.columns) \
            filters\(widthPhases > 1 ? " of \(widthPhases) phases along the width" : ""). Its loop over the channels is unrolled \
            \(counted(parameters.unroll, "time")).
            """,
            """
            A work item is a block of \(Self.list(block)) tiles of one sample\(splits > 1 ? " for one of \(splits) parts of the filters" : ""): it \
            transforms all their windows, then multiplies point by point, then transforms back.
            """,
        ]
        if conversion != nil { sentences.append("Tensors are channels_first: the block's inputs become voxels in the workspace, its results planes again.") }
        if parameters.streamsOutput { sentences.append("Whole vectors of results are stored past the caches.") }
        return sentences
    }

    /// What a tile is, and how its results come about.
    private var tilesInWords: [String] {
        let tiles = "tiles of two positions along each axis, \(Self.list(axes.map(\.tiles))) tiles along depth, height and width"
        let taps = axes.map { Set($0.classes.map(\.taps)).sorted(by: >).map(String.init).joined(separator: " or ") }
        let counts = "\(taps[0]), \(taps[1]) and \(taps[2]) taps along the axes"
        guard spec.op == .transposedConvolution else {
            let parts = axes.map(\.classes.count)
            let sources = addsUp
                ? "The kernel is taken apart by the residues of the step, \(Self.list(parts)) of them; each part has \(counts)."
                : "The kernel has \(counts)."
            return [
                "Results are computed in \(tiles). \(sources)",
                """
                The inputs of a tile, its window, become \(points) points by additions alone. \(addsUp ? "Each part" : "The kernel") multiplies its points by \
                transformed weights, and the products are added up over the channels\(addsUp ? " and the parts" : ""); a last transform of additions makes the \
                two results of each axis of these sums.
                """,
            ]
        }
        let phases = axes.map { $0.classes.reduce(0) { $0 + $1.phases.count } }
        return [
            "Results are computed in \(tiles). A position has a result for every phase, \(Self.list(phases)) of them; a phase has \(counts).",
            """
            The inputs of a tile, its window, become \(points) points by additions alone. Every phase multiplies the points that it needs by transformed \
            weights and adds the products up over the channels; a last transform of additions makes the two results of each axis of these sums.
            """,
        ]
    }

    private static func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " x ") }

    public var tileMap: TileMap {
        let (height, width) = (gather.axes[1], gather.axes[2])
        return TileMap(
            rows: height.results, columns: width.results, axes: ("height", "width"),
            kinds: TileMap.kinds(rowPhases: height.phases, columnPhases: width.phases),
            caption: """
                A plane of the result at one depth, of \(height.results) rows and \(width.results) columns; a cell is a voxel with all its filters. \
                A tile is two positions along height and along width, with the results of all phases. A work item is a block of \(block[1]) x \(block[2]) \
                tiles here, and of \(block[0]) along depth.
                """
        ) { rows, columns in
            (0..<rows).flatMap { row in
                let (rowPhase, rowPosition) = height.phase(ofResult: row)
                return (0..<columns).map { column in
                    let (columnPhase, columnPosition) = width.phase(ofResult: column)
                    let tile = TileMap.Tile(
                        part: 0, row: (rowPosition - axes[1].firstPosition) / 2, column: (columnPosition - axes[2].firstPosition) / 2)
                    return TileMap.Cell(
                        row: row, column: column, tile: tile, kind: rowPhase * width.phases + columnPhase,
                        isInItem: tile.row < block[1] && tile.column < block[2])
                }
            }
        }
    }
}
