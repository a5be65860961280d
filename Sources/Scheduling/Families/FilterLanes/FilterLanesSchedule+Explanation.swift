import VoxLayerSpec

extension FilterLanesSchedule {
    public var explanation: [String] {
        var sentences = [lanesInWords, tileInWords, tapsInWords, orderInWords]
        if conversion?.converts == true {
            sentences.append(
                "Tensors are channels_first: the input rows of a work item become voxels in the workspace, and finished rows go back to planes.")
        }
        if parameters.prefetchesNextPlane {
            sentences.append("While an item is computed, the newest input plane of the next is fetched into the second-level cache.")
        }
        if parameters.streamsOutput { sentences.append("Whole vectors of results are stored past the caches.") }
        return sentences
    }

    private var lanesInWords: String {
        let lanes = packedLayout.lanes
        if parameters.mergesGroups {
            return "The \(lanes) lanes of a vector are filters of neighbouring groups of features; each group reads its own channels."
        }
        switch parameters.channelsPerVector {
        case 1: return "The \(lanes) lanes of a vector are filters: an input value is multiplied by the weights of \(lanes) filters at once."
        case 2: return "Each filter has two of the \(lanes) lanes of a vector, for an even and an odd channel; their sums are added at the end."
        default: return "The \(lanes) lanes of a vector are channels of one filter; a tree of additions makes one result of them at the end."
        }
    }

    private var tileInWords: String {
        let width = gather.axes[2]
        let phases = parameters.mergesWidthPhases && width.phases > 1 ? ", with the results of all \(width.phases) phases along the width" : ""
        let vectors = parameters.vectors == 1 ? "one vector" : "\(parameters.vectors) vectors"
        let kinds = tilePlan.variants.count == 1
            ? "All tiles of a plane have the same code."
            : "A plane has \(tilePlan.variants.count) different kinds of tiles; those at edges do without the taps that would meet no input."
        return """
            A register tile covers up to \(parameters.tileHeight) x \(parameters.tileWidth) positions along height and width\(phases), for \(vectors) of filters: \
            \(parameters.accumulatorCount(width)) vectors of sums, of \(target.vectorRegisters) registers. \(kinds)
            """
    }

    private var tapsInWords: String {
        let rows = parameters.listsRows
            ? "Depth taps and kernel rows that meet the input are listed when the kernel runs, and looped over"
            : "Depth taps that meet the input are listed when the kernel runs, and looped over; kernel rows stand one after another in the code"
        let channels = parameters.mergesGroups
            ? "the few channels of a group are written out"
            : "the loop over the channels is unrolled \(counted(parameters.unroll, "time"))"
        switch parameters.fusion {
        case .row: return "\(rows). The taps of a kernel row share one pass over the channels, so that an input serves all taps that reach it; \(channels)."
        case .tap: return "\(rows). Each tap has a pass over the channels of its own; \(channels)."
        }
    }

    private var orderInWords: String {
        switch parameters.order {
        case .heightBlocked:
            "A work item is \(rowsInWords) at one position along depth. All weights are read again for every tile, inputs once."
        case .rowStationary:
            "A work item is \(rowsInWords) at one position along depth. A piece of the weights takes its turn with a whole row of tiles, then the next."
        case .weightStationary where conversion?.converts == true:
            """
            A work item is \(rowsInWords) at one position along depth. A thread takes up to \(counted(conversion?.chunkItems ?? 1, "item")) at a time, as many as its workspace \
            holds, and reads every weight once for each such chunk.
            """
        case .weightStationary:
            """
            The outermost loop is over pieces of the weights, of one filter block, depth phase and group of plane phases each, so that every weight is read once \
            a call; \(counted(packedLayout.blockCount, "filter block")), and \(counted(splits, "part")) of the positions.
            """
        }
    }

    private var rowsInWords: String { blockRows == 1 ? "a row of tiles" : "\(blockRows) rows of tiles" }

    public var tileMap: TileMap {
        let (height, width) = (gather.axes[1], gather.axes[2])
        let ofPieces = if case .perCall = workItems { true } else { false }
        let item = ofPieces
            ? "The first work item has one group of phases, one filter block and one depth phase, for a part of the positions of all samples."
            : "The first work item has \(rowsInWords) of all phases."
        return TileMap(
            rows: height.results, columns: width.results, axes: ("height", "width"),
            kinds: TileMap.kinds(rowPhases: height.phases, columnPhases: width.phases),
            caption: """
                A plane of the result at one depth, of \(height.results) rows and \(width.results) columns; a cell is a voxel with all its filters. \(item)
                """
        ) { rows, columns in
            tilePlan.groups.indices.flatMap { cells(ofGroup: $0, rows: rows, columns: columns, ofPieces: ofPieces) }
        }
    }

    /// The cells of a group of phases in the first rows and columns.
    private func cells(ofGroup number: Int, rows: Int, columns: Int, ofPieces: Bool) -> [TileMap.Cell] {
        let (height, width) = (gather.axes[1], gather.axes[2])
        let group = tilePlan.groups[number]
        var cells: [TileMap.Cell] = []
        for (index, tile) in tilePlan.tiles[number].enumerated() {
            guard let tile, tile.output.row < rows, tile.output.column < columns else { continue }
            let (gridRow, gridColumn) = index.quotientAndRemainder(dividingBy: tilePlan.tileColumns)
            // One row of tiles stands for all rows of listed tiles.
            let places = parameters.listsRows
                ? group.rows.prefix(rows).enumerated().map { (grid: $0, row: height.result(position: $1, phase: group.rowPhase)) }
                : [(grid: gridRow, row: tile.output.row)]
            for place in places {
                let mapped = TileMap.Tile(part: number, row: place.grid, column: gridColumn)
                // The places of a sample are numbered along depth first; pieces of weights take the first share of them.
                let isInItem = ofPieces
                    ? number == 0 && place.grid / blockRows * tilePlan.depths.count < placesPerSample / splits
                    : place.grid < blockRows
                for output in tilePlan.variants[tile.variant].outputs {
                    let (row, column) = (place.row + output.row, tile.output.column + output.column)
                    guard row < rows, column < columns else { continue }
                    let kind = height.phase(ofResult: row).phase * width.phases + width.phase(ofResult: column).phase
                    cells.append(TileMap.Cell(row: row, column: column, tile: mapped, kind: kind, isInItem: isInItem))
                }
            }
        }
        return cells
    }
}
