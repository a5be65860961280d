import VoxLayerSpec

extension BatchRowsSchedule {
    public var explanation: [String] {
        let summed = spec.op == .convolution ? "inputs" : "channels"
        return [
            spec.op == .convolution
                ? """
                The result is a single voxel, so a call is the product of two matrices: a row of all \(inputs) inputs for each sample, and the packed weights, \
                with a column for each of the \(outputs) filters.
                """
                : """
                The input is a single voxel, so a call is the product of two matrices: a row of channels for each sample, and the packed weights, with a \
                column for each of the \(outputs) outputs of a sample.
                """,
            """
            A register tile holds the sums of \(counted(parameters.rows, "sample")) for \(panel) outputs side by side: \(parameters.rows * parameters.vectors) \
            vectors of \(unit.columns). A weight that is loaded serves all of these samples.
            """,
            "The loop over the \(summed) is unrolled \(counted(parameters.unroll, "time")); it holds all multiply-adds.",
            """
            A work item is a panel of \(panel) outputs for all samples, so that every weight is read once a call. There \(panels == 1 ? "is" : "are") \
            \(counted(panels, "panel")).
            """,
        ]
    }

    public var tileMap: TileMap {
        let vectors = outputs.ceilingDivision(by: unit.columns)
        return TileMap(
            rows: 2 * parameters.rows, columns: vectors, axes: ("samples", "vectors of outputs"), kinds: ["all results"],
            caption: """
                Rows are samples of a batch, columns vectors of \(unit.columns) outputs each, of \(vectors) that a sample has. A work item is a panel of \
                \(parameters.vectors) vectors over all samples.
                """
        ) { rows, columns in
            (0..<rows).flatMap { row in
                (0..<columns).map { column in
                    let tile = TileMap.Tile(part: 0, row: row / parameters.rows, column: column / parameters.vectors)
                    return TileMap.Cell(row: row, column: column, tile: tile, kind: 0, isInItem: tile.column == 0)
                }
            }
        }
    }
}
