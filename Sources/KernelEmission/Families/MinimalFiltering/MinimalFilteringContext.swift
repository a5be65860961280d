import LayerSpec
import Scheduling

/// What `Templates/families/minimal_filtering.c.mustache` is rendered with.
struct MinimalFilteringContext: KernelContext {
    struct LastStore { let condition: String; let vector: Int; let partial: [Int] }
    struct Combination {
        let index: Int
        let depthTaps: Int, heightTaps: Int, widthTaps: Int
        let heightWeights: Int, widthWeights: Int
        let depthPhases: String, heightPhases: String, widthPhases: String
        let depthPhaseCount: Int, heightPhaseCount: Int, widthPhaseCount: Int
        let weightPoints: Int
        let weights: Int
    }
    /// The transform of windows along one axis: as many points from as many inputs.
    struct AxisTransform { let axis: String; let points: [Sum] }
    /// The transform of products back to two outputs.
    struct Inverse { let taps: Int; let first: String; let second: String }
    /// A value and what it is made of.
    struct Sum { let index: Int; let text: String }
    struct KernelPhase { let counts: String; let taps: String; let place: Int }

    let name: String
    let heading: KernelHeading
    let transformedMultiplyAdds: Int
    let channels: Int
    let filters: Int
    let parts: Int
    let inputChannels: Int
    let outputFilters: Int
    let partWeights: Int
    let extents: TensorExtents
    let depthStride: Int, heightStride: Int, widthStride: Int
    let firstDepth: Int, firstHeight: Int, firstWidth: Int
    let depthTiles: Int, heightTiles: Int, widthTiles: Int
    let blockDepth: Int, blockHeight: Int, blockWidth: Int
    let depthBlocks: Int, heightBlocks: Int, widthBlocks: Int
    let blockTiles: Int
    let vectors: Int
    let tilePhases: Int
    let tileVectors: Int
    let rowMaximum: Int
    let rowCounts: [Int]
    let product: MatrixProduct
    let blockFilters: Int
    let tileFilters: Int
    let blockCount: Int
    let splits: Int
    let lastFilters: Int
    let row: Int
    let point: Int
    let pointSums: Int
    let products: Int
    let converts: Bool
    let convertsInput: Bool
    let convertsOutput: Bool
    let streamsOutput: Bool
    let stagedPlace: Int, scratchPlace: Int
    let inputVoxel: Int, inputRow: Int, inputPlane: Int
    let outputVoxel: Int, outputRow: Int, outputPlane: Int
    let mostDepthTaps: Int, mostHeightTaps: Int, mostWidthTaps: Int
    let depthPoints: Int, heightPoints: Int, widthPoints: Int
    let axisTransforms: [AxisTransform]
    let inverses: [Inverse]
    let weightTransforms: String
    let store: String
    let depthCrop: Int, heightCrop: Int, widthCrop: Int
    let zeroCount: Int
    let paddedChannels: Int
    let channelTail: [Int]
    let partialStores: [PartialStore]
    let wholeVectors: Int
    let lastStores: [LastStore]
    let boxed: Bool
    let usesBias: Bool
    let activation: String
    let combinations: [Combination]
    let phaseCount: Int
    let kernelPhases: [KernelPhase]
    let kernelHeight: Int, kernelWidth: Int
    let packedFloats: Int
    let packedFloatsRounded: Int

    init(_ schedule: Schedule, _ resolved: MinimalFilteringSchedule, name: String) {
        let spec = schedule.spec
        let geometry = spec.geometry
        let (depth, height, width) = (geometry.axes[0], geometry.axes[1], geometry.axes[2])
        self.name = name
        transformedMultiplyAdds = resolved.transformedMultiplyAdds
        channels = geometry.channelsPerGroup
        filters = geometry.filtersPerGroup
        parts = geometry.groups
        (inputChannels, outputFilters) = (geometry.channels, geometry.filters)
        partWeights = resolved.partFloats
        extents = TensorExtents(geometry)
        (depthStride, heightStride, widthStride) = (depth.stride, height.stride, width.stride)
        let axes = resolved.axes
        (firstDepth, firstHeight, firstWidth) = (axes[0].firstPosition, axes[1].firstPosition, axes[2].firstPosition)
        (depthTiles, heightTiles, widthTiles) = (axes[0].tiles, axes[1].tiles, axes[2].tiles)
        (blockDepth, blockHeight, blockWidth) = (resolved.block[0], resolved.block[1], resolved.block[2])
        (depthBlocks, heightBlocks, widthBlocks) = (resolved.blocks[0], resolved.blocks[1], resolved.blocks[2])
        blockTiles = resolved.blockTiles
        vectors = resolved.parameters.vectors
        tilePhases = resolved.widthPhases
        tileVectors = resolved.tileVectors
        rowMaximum = resolved.parameters.rows
        rowCounts = Array(1...resolved.parameters.rows)
        product = MatrixProduct(
            rowMaximum: resolved.parameters.rows, vectorCount: "TILE_VECTORS", initial: "vs_splat(0)",
            columns: "TILE_FILTERS", input: "v[i * ROW + c]", unroll: resolved.parameters.unroll,
            scalar: resolved.unit.scalar)
        blockFilters = resolved.blockFilters
        tileFilters = resolved.tileFilters
        blockCount = resolved.blockCount
        splits = resolved.splits
        let lastFilters = geometry.filtersPerGroup - (resolved.blockCount - 1) * resolved.blockFilters
        self.lastFilters = lastFilters
        row = resolved.row
        point = resolved.point
        pointSums = resolved.pointSums
        products = resolved.products
        convertsInput = resolved.conversion?.convertsInput ?? false
        convertsOutput = resolved.conversion?.convertsOutput ?? false
        converts = convertsInput || convertsOutput
        streamsOutput = resolved.conversion?.streamsOutput ?? resolved.parameters.streamsOutput
        store = streamsOutput && !convertsOutput ? "vs_stream" : "vs_store"
        (stagedPlace, scratchPlace) = (resolved.stagedPlace, resolved.scratchPlace)
        let (inputSteps, outputSteps) = (resolved.inputSteps, resolved.outputSteps)
        (inputVoxel, inputRow, inputPlane) = (inputSteps[0], inputSteps[1], inputSteps[2])
        (outputVoxel, outputRow, outputPlane) = (outputSteps[0], outputSteps[1], outputSteps[2])
        (mostDepthTaps, mostHeightTaps, mostWidthTaps) = (axes[0].mostTaps, axes[1].mostTaps, axes[2].mostTaps)
        (depthPoints, heightPoints, widthPoints) = (axes[0].transform.count, axes[1].transform.count, axes[2].transform.count)
        axisTransforms = zip(["depth", "height", "width"], axes).map { name, axis in
            AxisTransform(axis: name, points: axis.transform.enumerated().map { Sum(index: $0, text: Self.sum($1, of: "d")) })
        }
        inverses = Set(axes.flatMap { $0.classes.map(\.taps) }).sorted().map { taps in
            let rows = MinimalFilteringSchedule.inverse[taps]
            return Inverse(taps: taps, first: Self.sum(rows[0], of: "m"), second: Self.sum(rows[1], of: "m"))
        }
        weightTransforms = MinimalFilteringSchedule.weights.map { rows in
            "{ " + (rows.isEmpty ? "{ 0 }" : rows.map { "{ " + $0.map { "\($0)" }.joined(separator: ", ") + " }" }.joined(separator: ", ")) + " }"
        }.joined(separator: ", ")
        (depthCrop, heightCrop, widthCrop) = (depth.crop, height.crop, width.crop)
        let paddedChannels = geometry.channelsPerGroup.ceilingDivision(by: resolved.lanes) * resolved.lanes
        self.paddedChannels = paddedChannels
        zeroCount = paddedChannels
        channelTail = geometry.channelsPerGroup % resolved.lanes == 0 ? [] : [geometry.channelsPerGroup % resolved.lanes]

        // The last block stores its whole vectors, then a part of one, then nothing.
        let (whole, partial) = lastFilters.quotientAndRemainder(dividingBy: resolved.lanes)
        wholeVectors = whole
        partialStores = partial == 0 ? [] : [PartialStore(partial, lanes: resolved.lanes)]
        var stores = partial == 0 ? [] : [LastStore(condition: "==", vector: whole, partial: [partial])]
        let stored = whole + (partial == 0 ? 0 : 1)
        if stored < resolved.parameters.vectors { stores.append(LastStore(condition: ">=", vector: stored, partial: [])) }
        lastStores = stores

        usesBias = spec.epilogue.hasBias
        boxed = ActivationExpression.isHeavy(spec.epilogue.activation)
        // The schedule's activation is pointwise, so it always has an expression.
        activation = ActivationExpression.apply(spec.epilogue.activation, to: "sum", .float32) ?? "sum"

        combinations = resolved.combinations.enumerated().map { index, combination in
            let classes = combination.classes
            return Combination(
                index: index, depthTaps: classes[0].taps, heightTaps: classes[1].taps, widthTaps: classes[2].taps,
                heightWeights: classes[1].weightPoints, widthWeights: classes[2].weightPoints,
                depthPhases: Self.phases(classes[0]), heightPhases: Self.phases(classes[1]), widthPhases: Self.phases(classes[2]),
                depthPhaseCount: classes[0].phases.count, heightPhaseCount: classes[1].phases.count,
                widthPhaseCount: classes[2].phases.count, weightPoints: combination.weightPoints, weights: combination.weights)
        }

        var kernelPhases: [KernelPhase] = []
        let unit = resolved.blockCount * resolved.blockFilters * geometry.channelsPerGroup
        for combination in resolved.combinations {
            var place = combination.weights
            for a in combination.classes[0].phases {
                for b in combination.classes[1].phases {
                    for (number, c) in combination.classes[2].phases.enumerated() {
                        let lists = [a, b, c].map(\.taps)
                        kernelPhases.append(
                            KernelPhase(
                                counts: lists.map { String($0.count) }.joined(separator: ", "),
                                taps: lists.map { "{ " + $0.map(String.init).joined(separator: ", ") + " }" }.joined(separator: ", "),
                                place: place + number % resolved.widthPhases * resolved.blockFilters))
                        // Phases in one register tile lie side by side.
                        if (number + 1) % resolved.widthPhases == 0 { place += combination.weightPoints * unit * resolved.widthPhases }
                    }
                }
            }
        }
        self.kernelPhases = kernelPhases
        phaseCount = kernelPhases.count
        (kernelHeight, kernelWidth) = (height.kernel, width.kernel)
        packedFloats = resolved.packedFloats
        packedFloatsRounded = resolved.packedByteCount / 4
        let loops = ["batch", "blocks of tiles"] + (geometry.groups > 1 ? ["groups"] : [])
            + ["combinations of tap counts", "phases", "filter blocks", "points", "tiles", "channels"]
        heading = KernelHeading(
            schedule, unit: resolved.unit, looped: loops + LoopTexts.conversion(input: convertsInput, output: convertsOutput), converts: converts)
    }

    private static func phases(_ phaseClass: MinimalFilteringSchedule.PhaseClass) -> String {
        func ranges(_ list: [Range<Int>]) -> String {
            "{ " + list.map { "{ \($0.lowerBound), \($0.upperBound) }" }.joined(separator: ", ") + " }"
        }
        let places = phaseClass.places.map(String.init).joined(separator: ", ")
        return phaseClass.phases.map { "{ \($0.offset), { \(places) }, \(ranges($0.needed)), \(ranges($0.computed)) }" }.joined(separator: ", ")
    }

    /// The sum of the values whose factor is 1, less those whose factor is -1.
    private static func sum(_ factors: [Double], of values: String) -> String {
        func terms(_ factor: Double, _ sign: String) -> [String] {
            factors.indices.filter { factors[$0] == factor }.map { sign + "\(values)[\($0) * step]" }
        }
        return (terms(1, " + ") + terms(-1, " - ")).joined().dropFirst(3).description
    }
}
