import VoxLayerSpec

/// A minimal-filtering kernel, resolved: windows, points, which tiles need which products, where everything lies.
public struct MinimalFilteringSchedule: ResolvedFamily {
    /// One phase of one axis.
    public struct Phase: Hashable, Sendable {
        /// Outputs are position * stride + offset.
        public let offset: Int
        /// Kernel taps in the order of the window: the last tap of the phase first.
        public let taps: [Int]
        /// Per point: tiles whose outputs, or those of a phase in the same register tile, need the product.
        public internal(set) var needed: [Range<Int>]
        /// Per point: the needed tiles whose window the transform does not make zero.
        public internal(set) var computed: [Range<Int>]
    }

    /// The phases of one axis with equally many taps; they share all their points. The one phase of a convolution has a class for each of its parts
    /// (`WindowPart`).
    public struct PhaseClass: Hashable, Sendable {
        /// Taps of each phase.
        public let taps: Int
        /// The phases, ascending.
        public internal(set) var phases: [Phase]
        /// Per point of the class: its number among the points of the axis.
        public let places: [Int]

        /// Points of the transform of F(2, taps), products of a tile.
        public var points: Int { taps + 1 }
        /// Points with weights of their own; with one tap both points have the same weights.
        public var weightPoints: Int { taps == 1 ? 1 : taps + 1 }

        /// Per point: which of the products of F(2, most) it adds to, where parts of a phase add up. The two outputs use the products of all T alike:
        /// those of the finite points, which come first, and of infinity, which is the last.
        package func products(most: Int) -> [Int] { Array(0..<taps) + [most] }

        /// The class with the same ranges of tiles for all phases, for register tiles that compute the products of all at once.
        fileprivate var merged: PhaseClass {
            func union(_ ranges: [Range<Int>]) -> Range<Int> {
                let filled = ranges.filter { !$0.isEmpty }
                return (filled.map(\.lowerBound).min() ?? 0)..<(filled.map(\.upperBound).max() ?? 0)
            }
            let needed = (0..<points).map { point in union(phases.map { $0.needed[point] }) }
            let computed = (0..<points).map { point in union(phases.map { $0.computed[point] }) }
            var copy = self
            for index in phases.indices { (copy.phases[index].needed, copy.phases[index].computed) = (needed, computed) }
            return copy
        }
    }

    /// One axis: tiles of two positions from `firstPosition` on, over all phases.
    public struct Axis: Hashable, Sendable {
        /// Position at which the first tile begins.
        public let firstPosition: Int
        /// Number of tiles.
        public let tiles: Int
        /// Sources from one position to the next.
        public let step: Int
        /// How many sources before `position * step` the window of a tile begins whose first position this is; negative for a window behind that.
        public let lead: Int
        /// Inputs of a window.
        public let window: Int
        /// Phases by their number of taps, most taps first; parts of a convolution in the order in which they begin the window.
        public internal(set) var classes: [PhaseClass]
        /// Points from the inputs of a window: the different rows of B^T of all classes.
        public let transform: [[Double]]

        /// Most taps of a phase.
        public var mostTaps: Int { classes.first?.taps ?? 1 }
    }

    /// One class per axis, and the place of its first weights, in floats.
    public struct Combination: Hashable, Sendable {
        /// The class of depth, height and width.
        public let classes: [PhaseClass]
        /// Floats before the combination's transformed weights.
        public let weights: Int

        /// Points of a window.
        public var points: Int { classes.reduce(1) { $0 * $1.points } }
        /// Points with weights of their own.
        public var weightPoints: Int { classes.reduce(1) { $0 * $1.weightPoints } }
        /// Phases that share the windows.
        public var phaseCount: Int { classes.reduce(1) { $0 * $1.phases.count } }
    }

    let spec: KernelSpec
    /// Who reads what.
    public let gather: Gather
    /// The parameters of the family.
    public let parameters: MinimalFiltering
    /// Tiles and phases of depth, height and width.
    public let axes: [Axis]
    /// Every combination of tap counts along the axes.
    public let combinations: [Combination]
    /// Phases along the width in one register tile.
    public let widthPhases: Int
    /// Whether the products of all combinations add up before they are transformed back: those of a convolution whose phase has several parts.
    public let addsUp: Bool
    /// What multiplies and adds.
    public let unit: MultiplyUnit
    /// Tiles of one work item along each axis, at most those there are.
    public let block: [Int]
    /// How planes become voxels and back; nil for channels_last.
    public let conversion: WindowConversion?

    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    init(_ spec: KernelSpec, _ target: Target, _ parameters: MinimalFiltering) throws(SchedulingError) {
        if let reason = MinimalFiltering.reasonAgainst(spec) { throw reason }
        let gather = spec.gather
        let unit = MultiplyUnit(target, spec.elements)
        let widthPhases = parameters.mergesWidthPhases ? MinimalFiltering.mergeableWidthPhases(spec) : 1
        if parameters.mergesWidthPhases && widthPhases == 1 {
            throw .illegalSchedule(parameters.text, reason: "its phases along the width share no register tile; expected classes of equally many")
        }
        let counts = parameters.block + [parameters.vectors, parameters.rows, parameters.splits, parameters.unroll]
        guard parameters.block.count == 3, counts.allSatisfy({ $0 >= 1 }) else {
            throw .illegalSchedule(parameters.text, reason: "a parameter below 1, or not three block lengths")
        }
        let accumulators = parameters.vectors * widthPhases * (parameters.rows + 1) + 1
        if accumulators > target.vectorRegisters {
            throw .illegalSchedule(parameters.text, reason: "it needs \(accumulators) registers; expected at most \(target.vectorRegisters)")
        }
        self.spec = spec
        self.gather = gather
        self.parameters = parameters
        self.unit = unit
        self.widthPhases = widthPhases
        var axes = gather.axes.map(Axis.init)
        if widthPhases > 1 { axes[2].classes = axes[2].classes.map(\.merged) }
        self.axes = axes
        let block = zip(parameters.block, axes).map { min($0, $1.tiles) }
        self.block = block
        conversion = spec.layout == .channelsFirst
            ? WindowConversion(gather, axes, block: block, unit: unit, streams: parameters.streamsOutput) : nil
        let filters = parameters.vectors * unit.columns
        let pointWeights = gather.filtersPerGroup.ceilingDivision(by: filters) * filters * unit.paddedChannels(gather.channelsPerGroup)
        var combinations: [Combination] = []
        var place = 0
        for depth in axes[0].classes {
            for height in axes[1].classes {
                for width in axes[2].classes {
                    let combination = Combination(classes: [depth, height, width], weights: place)
                    combinations.append(combination)
                    place += combination.phaseCount * combination.weightPoints * pointWeights
                }
            }
        }
        self.combinations = combinations
        addsUp = spec.op == .convolution && combinations.count > 1
        if workspaceByteCount > 64 << 20 {
            throw .illegalSchedule(parameters.text, reason: "it needs \(workspaceByteCount) bytes of workspace; expected at most \(64 << 20)")
        }
    }

    /// Whether a point of F(2, taps) reads an entry of the window: the non-zero entries of B^T.
    static func point(_ taps: Int, _ point: Int, reads entry: Int) -> Bool { forward[taps][point][entry] != 0 }

    /// Whether output 0 or 1 of F(2, taps) uses a point: the non-zero entries of A^T.
    static func output(_ taps: Int, _ output: Int, uses point: Int) -> Bool { inverse[taps][output][point] != 0 }

    /// B^T of F(2, T): points from the T + 1 inputs of a window.
    public static let forward: [[[Double]]] = [
        [],
        [[1, 0], [0, 1]],
        [[1, -1, 0], [0, 1, 0], [0, -1, 1]],
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, 1, -1, 0], [0, -1, 0, 1]],
    ]

    /// G of F(2, T): transformed weights from the taps, in the order of the window.
    public static let weights: [[[Double]]] = [
        [],
        [[1], [1]],
        [[1, 0], [1, 1], [0, 1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
    ]

    /// A^T of F(2, T): two outputs from the products.
    public static let inverse: [[[Double]]] = [
        [],
        [[1, 0], [0, 1]],
        [[1, 1, 0], [0, 1, 1]],
        [[1, 1, -1, 0], [0, 1, 1, 1]],
    ]

    /// Floats of a vector.
    public var lanes: Int { unit.lanes }
    /// Filters of one block, all of one group.
    public var blockFilters: Int { parameters.vectors * unit.columns }
    /// Vectors of sums that a register tile has for one tile and point: those of the block's filters, for each of its phases.
    public var tileVectors: Int { parameters.vectors * widthPhases }
    /// Sums that a register tile has for one tile and point: those of a block of filters, for each of its phases.
    public var tileFilters: Int { blockFilters * widthPhases }
    /// Blocks of filters of one group.
    public var blockCount: Int { gather.filtersPerGroup.ceilingDivision(by: blockFilters) }
    /// Tiles of a sample.
    public var tileCount: Int { axes.reduce(1) { $0 * $1.tiles } }
    /// Tiles of a full work item.
    public var blockTiles: Int { block.reduce(1, *) }
    /// Points of a transformed window.
    public var points: Int { axes.reduce(1) { $0 * $1.transform.count } }
    /// Most products of a tile and phase.
    private var productCount: Int { combinations.map(\.points).max() ?? 1 }

    /// Floats from one tile's channels to the next; not a multiple of 1 KiB, as such rows would share cache sets.
    public var row: Int {
        let isWholeKiB = gather.channelsPerGroup * unit.element.byteCount % 1024 == 0
        return gather.channelsPerGroup.ceilingDivision(by: lanes) * lanes + (isWholeKiB ? lanes : 0)
    }
    /// Floats from one point to the next in the transformed input.
    public var point: Int { blockTiles * row + unit.elementsPerLine }
    /// Floats from one point to the next in the products.
    public var pointSums: Int { blockTiles * tileFilters + unit.elementsPerLine }
    /// Where the products begin in the workspace, in floats.
    public var products: Int { unit.wholeLines(points * point) }

    /// Where converted inputs begin in the workspace, in floats: behind transformed input and products.
    public var stagedPlace: Int { unit.wholeLines(products + productCount * pointSums) }
    /// Where outputs to be converted begin.
    public var scratchPlace: Int { stagedPlace + (conversion?.inputFloats ?? 0) }
    /// Bytes of workspace of one thread.
    public var workspaceByteCount: Int { (scratchPlace + (conversion?.outputFloats ?? 0)) * unit.element.byteCount }
    /// Floats from voxel to voxel, row to row and plane to plane where windows are read.
    public var inputSteps: [Int] { conversion?.inputSteps ?? Self.voxelSteps(gather.channels, gather.axes.map(\.sources)) }
    /// Floats from voxel to voxel, row to row and plane to plane where results are written.
    public var outputSteps: [Int] { conversion?.outputSteps ?? Self.voxelSteps(gather.filters, gather.axes.map(\.results)) }

    private static func voxelSteps(_ features: Int, _ size: [Int]) -> [Int] {
        [features, features * size[2], features * size[2] * size[1]]
    }

    /// Floats of the transformed weights of one group of features.
    public var partFloats: Int {
        combinations.reduce(0) { $0 + $1.phaseCount * $1.weightPoints } * blockCount * blockFilters
            * unit.paddedChannels(gather.channelsPerGroup)
    }
    /// Floats of the transformed weights.
    public var packedFloats: Int { partFloats * gather.groups }
    /// Bytes of the transformed weights, a multiple of 64.
    public var packedByteCount: Int { unit.lineByteCount(elements: packedFloats) }

    /// Work items along each axis.
    public var blocks: [Int] { zip(axes, block).map { $0.tiles.ceilingDivision(by: $1) } }
    /// Parts of the filters, at most as many as there are filter blocks; one where results are converted, which takes all filters.
    public var splits: Int { conversion == nil ? min(parameters.splits, blockCount) : 1 }
    /// A part of the filters for a block of tiles of one sample.
    public var workItems: WorkItems { .perSample(splits * blocks.reduce(1, *)) }

    /// Multiply-adds of one batch element after the transforms, padding of filters not counted.
    public var transformedMultiplyAdds: Int {
        combinations.reduce(0) { total, combination in
            let perAxis = combination.classes.map { phaseClass in
                phaseClass.phases.flatMap(\.computed).reduce(0) { $0 + $1.count }
            }
            return total + perAxis.reduce(1, *)
        } * gather.channels * gather.filtersPerGroup
    }

    /// Kernels with equal packing keys share packed weights; the number after the slash changes with the layout.
    public var packingKey: String {
        let axes = gather.axes
        let words = [
            "\(MinimalFiltering.label)/1", "l\(lanes)", "v\(parameters.vectors)x\(widthPhases)",
            "k" + axes.map { String($0.kernel) }.joined(separator: "x"), "s" + axes.map { String($0.phases) }.joined(separator: "x"),
            "p" + axes.map { String($0.crop) }.joined(separator: "x"), "o" + axes.map { String($0.results) }.joined(separator: "x"),
            "c\(gather.channels)", "f\(gather.filters)", "groups\(gather.groups)",
        ] + (spec.op == .transposedConvolution ? [] : [spec.op.rawValue, "step" + axes.map { String($0.step) }.joined(separator: "x")])
        return words.joined(separator: ";")
    }
}
