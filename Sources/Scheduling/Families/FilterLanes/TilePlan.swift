import VoxLayerSpec

/// Every tile of a plane: which outputs it holds, which taps reach them, where it reads and writes. Code is printed from this without further
/// arithmetic on the relation.
public struct TilePlan: Hashable, Sendable {
    /// The phases of a plane that are computed together: one row phase, one or all width phases.
    public struct Group: Hashable, Sendable {
        /// Phase along height.
        public let rowPhase: Int
        /// Phases along width, ascending.
        public let widthPhases: [Int]
        /// Taps of the row phase; empty when no tap falls into it.
        public let rowTaps: [AxisGather.PhaseTap]
        /// Width taps of the group's phases in ascending order, each with its phase.
        public let widthTaps: [WidthTap]
        /// Positions along height.
        public let rows: Range<Int>
        /// Positions along width over all phases of the group.
        public let columns: Range<Int>

        /// Units of one depth tap.
        public var unitsPerDepthTap: Int { rowTaps.count * widthTaps.count }
    }

    /// A width tap with the phase it belongs to.
    public struct WidthTap: Hashable, Sendable {
        /// Phase along width.
        public let phase: Int
        /// Index of the tap along width.
        public let tap: Int
        /// Which column it reads: see `AxisGather`.
        public let lag: Int
    }

    /// One multiply-add of a channel loop.
    public struct Use: Hashable, Sendable {
        /// Index into the loop's `inputs`.
        public let input: Int
        /// Index of the tap's weights in the loop's `units`.
        public let tap: Int
        /// Index into the variant's `outputs`.
        public let output: Int
    }

    /// A point of a plane, relative to a tile's first input or output.
    public struct Place: Hashable, Sendable, Comparable {
        /// Rows from the first.
        public let row: Int
        /// Columns from the first.
        public let column: Int

        /// A place by its two distances.
        public init(row: Int, column: Int) {
            self.row = row
            self.column = column
        }

        public static func < (a: Place, b: Place) -> Bool { (a.row, a.column) < (b.row, b.column) }

        /// The same point, counted from another one.
        func relative(to origin: Place) -> Place { Place(row: row - origin.row, column: column - origin.column) }
    }

    /// The taps that share one loop over channels.
    public struct ChannelLoop: Hashable, Sendable {
        /// Units of the weights, relative to the listed tap.
        public let units: [Int]
        /// Inputs the loop reads, in row-major order.
        public let inputs: [Place]
        /// Multiply-adds of one channel step, by input, then tap.
        public let uses: [Use]
    }

    /// The code of a tile; equal for all tiles that differ only by where they lie.
    public struct Variant: Hashable, Sendable {
        /// Outputs the tile holds, in the order of its accumulators.
        public let outputs: [Place]
        /// Channel loops in the order of their units.
        public let loops: [ChannelLoop]

        /// Multiply-adds of one channel step over all loops.
        public var useCount: Int { loops.reduce(0) { $0 + $1.uses.count } }
    }

    /// A tile in its place.
    public struct Tile: Hashable, Sendable {
        /// Index into `variants`.
        public let variant: Int
        /// First input it reads.
        public let input: Place
        /// First output it writes.
        public let output: Place
    }

    /// One for each row phase and width phase, or for each row phase where width phases are merged; row-major.
    public let groups: [Group]
    /// Different tiles; each becomes a function, or two when the last block of filters differs.
    public let variants: [Variant]
    /// Per group, row-major: `tileRows` x `tileColumns`, or one row of tiles when rows are listed. Nil where a group has no outputs.
    public let tiles: [[Tile?]]
    /// Rows of the tile grid that work items are cut from.
    public let tileRows: Int
    /// Columns of the tile grid.
    public let tileColumns: Int
    /// Positions along depth over all phases.
    public let depths: Range<Int>

    /// Cuts a plane of the output into tiles. Pure; time and memory grow with the taps of a plane.
    public init(_ gather: Gather, _ schedule: FilterLanes) {
        depths = gather.axes[0].positions
        let groups = Self.groups(height: gather.axes[1], width: gather.axes[2], mergesWidthPhases: schedule.mergesWidthPhases)
        self.groups = groups

        let longest = groups.map(\.rows.count).max() ?? 0
        let tileRows = longest.ceilingDivision(by: schedule.tileHeight)
        let tileColumns = (groups.map(\.columns.count).max() ?? 0).ceilingDivision(by: schedule.tileWidth)
        self.tileRows = tileRows
        self.tileColumns = tileColumns

        var numbered = NumberedVariants()
        tiles = groups.map { group in
            // Listed rows are all alike: one row of tiles stands for all, and its taps do not say which row they read.
            // Otherwise all groups are cut at the same positions, so that a tile row is whole rows of the output.
            let rowParts = schedule.listsRows ? [0..<1] : Self.split(0..<longest, into: tileRows).map { part in
                let first = group.rows.lowerBound
                return (part.lowerBound + first..<part.upperBound + first).clamped(to: group.rows)
            }
            let columnParts = Self.split(group.columns, into: tileColumns)
            return rowParts.flatMap { rows in
                columnParts.map { columns in
                    Self.tile(gather, schedule, group, rows, columns).map { variant, input, output in
                        Tile(variant: numbered.number(of: variant), input: input, output: output)
                    }
                }
            }
        }
        variants = numbered.variants
    }

    /// The groups of a plane, as `groups` has them.
    private static func groups(height: AxisGather, width: AxisGather, mergesWidthPhases: Bool) -> [Group] {
        let widthParts = mergesWidthPhases ? [Array(0..<width.phases)] : (0..<width.phases).map { [$0] }
        return (0..<height.phases).flatMap { rowPhase in
            widthParts.map { phases in
                let taps = phases.flatMap { phase in
                    width.taps(inPhase: phase).map { WidthTap(phase: phase, tap: $0.tap, lag: $0.lag) }
                }
                return Group(
                    rowPhase: rowPhase, widthPhases: phases, rowTaps: height.taps(inPhase: rowPhase),
                    widthTaps: taps.sorted { $0.tap < $1.tap }, rows: height.positions(inPhase: rowPhase),
                    columns: width.positions(inPhases: phases))
            }
        }
    }

    /// Different variants in the order in which they were met.
    private struct NumberedVariants {
        private(set) var variants: [Variant] = []
        private var numbers: [Variant: Int] = [:]

        /// The number of an equal variant that was met before, or the next one.
        mutating func number(of variant: Variant) -> Int {
            if let number = numbers[variant] { return number }
            numbers[variant] = variants.count
            variants.append(variant)
            return variants.count - 1
        }
    }

    /// Multiply-adds printed over all variants (of one vector each): the size of the code.
    public var useCount: Int { variants.reduce(0) { $0 + $1.useCount } }

    /// Parts whose sizes differ by at most one; empty ones at the end when there are fewer elements than parts.
    static func split(_ range: Range<Int>, into parts: Int) -> [Range<Int>] {
        guard parts > 0 else { return [] }
        let (size, longer) = range.count.quotientAndRemainder(dividingBy: parts)
        var start = range.lowerBound
        return (0..<parts).map { part in
            let end = start + size + (part < longer ? 1 : 0)
            defer { start = end }
            return start..<end
        }
    }

    /// A source that one tap brings to one output of a tile.
    private struct Reach {
        let input: Place
        let rowTap: Int
        let widthTap: Int
        let output: Int
    }

    /// The tile of some rows and columns of positions; nil where they hold no output.
    private static func tile(
        _ gather: Gather, _ schedule: FilterLanes, _ group: Group, _ rows: Range<Int>, _ columns: Range<Int>
    ) -> (Variant, input: Place, output: Place)? {
        let (outputs, reaches) = outputs(gather, schedule, group, rows, columns)
        guard let firstOutput = outputs.min() else { return nil }
        let outputOrigin = Place(row: firstOutput.row, column: outputs.map(\.column).min() ?? 0)
        let inputOrigin = Place(
            row: reaches.map(\.input.row).min() ?? 0, column: reaches.map(\.input.column).min() ?? 0)
        let variant = Variant(
            outputs: outputs.map { $0.relative(to: outputOrigin) },
            loops: loops(reaches, from: inputOrigin, schedule.fusion, widthTaps: group.widthTaps.count))
        return (
            variant, Place(row: schedule.listsRows ? 0 : inputOrigin.row, column: inputOrigin.column), outputOrigin
        )
    }

    /// The outputs of some rows and columns of positions, and what reaches them; both in places of the plane.
    private static func outputs(
        _ gather: Gather, _ schedule: FilterLanes, _ group: Group, _ rows: Range<Int>, _ columns: Range<Int>
    ) -> ([Place], reaches: [Reach]) {
        let (height, width) = (gather.axes[1], gather.axes[2])
        // The taps of a listed row are checked at run time. Here they count as one tap with lag 0.
        let rowTaps = schedule.listsRows ? [AxisGather.PhaseTap(tap: 0, lag: 0)] : group.rowTaps
        var outputs: [Place] = []
        var reaches: [Reach] = []
        for row in rows {
            let outputRow = schedule.listsRows ? 0 : height.result(position: row, phase: group.rowPhase)
            for column in columns {
                for phase in group.widthPhases {
                    let outputColumn = width.result(position: column, phase: phase)
                    guard outputColumn >= 0, outputColumn < width.results else { continue }
                    for (rowNumber, rowTap) in rowTaps.enumerated() {
                        guard let inputRow = schedule.listsRows ? row : height.source(position: row, lag: rowTap.lag) else { continue }
                        for (number, tap) in group.widthTaps.enumerated() where tap.phase == phase {
                            guard let inputColumn = width.source(position: column, lag: tap.lag) else { continue }
                            reaches.append(
                                Reach(
                                    input: Place(row: inputRow, column: inputColumn), rowTap: rowNumber, widthTap: number,
                                    output: outputs.count))
                        }
                    }
                    outputs.append(Place(row: outputRow, column: outputColumn))
                }
            }
        }
        return (outputs, reaches)
    }

    /// The channel loops of a tile, each with the taps that share it, in order of their units.
    private static func loops(
        _ reaches: [Reach], from inputOrigin: Place, _ fusion: FilterLanes.Fusion, widthTaps: Int
    ) -> [ChannelLoop] {
        func unit(_ reach: Reach) -> Int { reach.rowTap * widthTaps + reach.widthTap }
        let byLoop = Dictionary(grouping: reaches) { fusion == .tap ? unit($0) : $0.rowTap }
        return byLoop.sorted { $0.key < $1.key }.map { _, members in
            let units = Set(members.map(unit)).sorted()
            let inputs = Set(members.map(\.input)).sorted()
            let uses = members.map { member in
                Use(input: index(of: member.input, in: inputs), tap: index(of: unit(member), in: units), output: member.output)
            }
            return ChannelLoop(
                units: units, inputs: inputs.map { $0.relative(to: inputOrigin) },
                uses: uses.sorted { ($0.input, $0.tap, $0.output) < ($1.input, $1.tap, $1.output) })
        }
    }

    /// Index of an element that is known to be in a sorted array.
    private static func index<T: Comparable>(of element: T, in sorted: [T]) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < element { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
