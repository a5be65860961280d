import CVoxLoops
import VoxLayerSpec

/// A result cut into blocks for loops in C: the last two of its axes as rows and lanes, at each place of the others.
struct RowBlocks {
    /// One block, and where it begins.
    struct Block {
        /// In the result.
        let start: Int
        let shape: vs_block
        /// In each operand.
        let places: [Int]
    }

    private let outer: [Int]
    /// For each operand, its steps along the outer axes.
    private let outerSteps: [[Int]]
    private let rows: Int
    private let lanes: Int
    /// For each operand, how far it moves from row to row and from lane to lane.
    let rowSteps: [Int]
    let laneSteps: [Int]
    private let rowsOfBlock: Int
    private let lanesOfBlock: Int
    /// So many that a block stays in the first-level caches, and that a call for it costs next to nothing.
    private static let elementsOfBlock = 8192

    init(_ axes: StridedAxes) {
        let rank = axes.extents.count
        lanes = axes.extents[rank - 1]
        rows = rank > 1 ? axes.extents[rank - 2] : 1
        outer = Array(axes.extents.dropLast(2))
        outerSteps = axes.steps.map { Array($0.dropLast(2)) }
        laneSteps = axes.steps.map { $0[rank - 1] }
        rowSteps = axes.steps.map { rank > 1 ? $0[rank - 2] : 0 }
        lanesOfBlock = min(lanes, Self.elementsOfBlock)
        rowsOfBlock = max(1, min(rows, Self.elementsOfBlock / lanesOfBlock))
    }

    private var cutsOfRow: Int { (lanes - 1) / lanesOfBlock + 1 }
    private var cutsOfRows: Int { (rows - 1) / rowsOfBlock + 1 }
    /// The number of blocks.
    var itemCount: Int { Checked.clampedProduct(Checked.clampedCount(outer), cutsOfRows, cutsOfRow) }

    /// Where a block begins in the result: blocks are parts of it that follow each other, as rows are cut only where a block is less than one.
    func start(ofItem item: Int) -> Int {
        let (lane, row) = (item % cutsOfRow * lanesOfBlock, item / cutsOfRow % cutsOfRows * rowsOfBlock)
        return (item / cutsOfRow / cutsOfRows * rows + row) * lanes + lane
    }

    /// Calls `body` with some of the blocks, in ascending order.
    func forEach(_ items: Range<Int>, _ body: (Block) -> Void) {
        for item in items {
            let lane = item % cutsOfRow * lanesOfBlock
            let row = item / cutsOfRow % cutsOfRows * rowsOfBlock
            let place = item / cutsOfRow / cutsOfRows
            var places = rowSteps.indices.map { row * rowSteps[$0] + lane * laneSteps[$0] }
            var rest = place
            for axis in outer.indices.reversed() {
                let index = rest % outer[axis]
                rest /= outer[axis]
                for operand in places.indices { places[operand] += index * outerSteps[operand][axis] }
            }
            let shape = vs_block(
                rows: Int64(min(rowsOfBlock, rows - row)), lanes: Int64(min(lanesOfBlock, lanes - lane)), pitch: Int64(lanes))
            body(Block(start: start(ofItem: item), shape: shape, places: places))
        }
    }
}
