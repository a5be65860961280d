import VoxLayerSpec
import VoxScheduling

/// What a tile plan computes of a plane of the output, tile by tile, as the printed code does it.
struct PlaneWalk {
    private var outputs: [TilePlan.Place] = []
    private var multiplyAdds: [PlaneContribution] = []
    private let geometry: Geometry
    private let height: ReadAxis
    private let width: ReadAxis

    /// - Parameters:
    ///   - op: the operation.
    ///   - geometry: of the problem that the plan should be for.
    init(_ schedule: FilterLanesSchedule, _ op: KernelOp, _ geometry: Geometry) {
        self.geometry = geometry
        (height, width) = (ReadAxis(geometry.axes[1], op), ReadAxis(geometry.axes[2], op))
        let plan = schedule.tilePlan
        for (group, tiles) in zip(plan.groups, plan.tiles) {
            for case let tile? in tiles {
                if schedule.parameters.listsRows {
                    // One row of tiles stands for all rows of the phase; which of them exist is found out when the kernel runs.
                    for position in group.rows { listed(plan.variants[tile.variant], tile, group, position) }
                } else {
                    unrolled(plan.variants[tile.variant], tile, group)
                }
            }
        }
    }

    /// Whether every output is in one tile and in no other.
    var outputsAreEachThereOnce: Bool {
        outputs.sorted() == (0..<height.results).flatMap { row in (0..<width.results).map { TilePlan.Place(row: row, column: $0) } }
    }

    /// Whether what is multiplied is what the relation demands, each exactly once.
    var multiplyAddsAreThoseOfTheRelation: Bool {
        let columns = geometry.axes[2].triedContributions
        return multiplyAdds.sorted() == geometry.axes[1].triedContributions.flatMap { row in columns.map { PlaneContribution(row: row, column: $0) } }.sorted()
    }

    private mutating func unrolled(_ variant: TilePlan.Variant, _ tile: TilePlan.Tile, _ group: TilePlan.Group) {
        outputs += variant.outputs.map { TilePlan.Place(row: tile.output.row + $0.row, column: tile.output.column + $0.column) }
        for loop in variant.loops {
            for use in loop.uses {
                let (rowTap, widthTap) = loop.units[use.tap].quotientAndRemainder(dividingBy: group.widthTaps.count)
                let (input, output) = (loop.inputs[use.input], variant.outputs[use.output])
                multiplyAdds.append(
                    PlaneContribution(
                        row: height.contribution(
                            source: tile.input.row + input.row, tap: group.rowTaps[rowTap].tap, result: tile.output.row + output.row),
                        column: width.contribution(
                            source: tile.input.column + input.column, tap: group.widthTaps[widthTap].tap, result: tile.output.column + output.column)))
            }
        }
    }

    private mutating func listed(_ variant: TilePlan.Variant, _ tile: TilePlan.Tile, _ group: TilePlan.Group, _ position: Int) {
        let row = position * height.phases + group.rowPhase - height.crop
        outputs += variant.outputs.map { TilePlan.Place(row: row, column: tile.output.column + $0.column) }
        for rowTap in group.rowTaps {
            let source = position * height.step - rowTap.lag
            guard source >= 0, source < height.sources else { continue }
            for loop in variant.loops {
                for use in loop.uses {
                    multiplyAdds.append(
                        PlaneContribution(
                            row: height.contribution(source: source, tap: rowTap.tap, result: row),
                            column: width.contribution(
                                source: tile.input.column + loop.inputs[use.input].column, tap: group.widthTaps[loop.units[use.tap]].tap,
                                result: tile.output.column + variant.outputs[use.output].column)))
                }
            }
        }
    }
}
