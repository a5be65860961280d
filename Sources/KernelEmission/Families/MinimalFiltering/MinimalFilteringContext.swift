import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/MinimalFiltering/minimal_filtering.c.mustache` is rendered with: one value per part of the kernel. A value that is
/// nil leaves its part out.
struct MinimalFilteringContext: KernelContext {
    let name: String
    let heading: KernelHeading
    /// What is computed, at the beginning of a sentence.
    let operation: String
    /// Whether that is a convolution.
    let isConvolution: Bool
    /// Whether the products of all combinations are added up before they are transformed back.
    let addsUp: Bool
    let transformedMultiplyAdds: Int
    let channels: WindowChannels
    let extents: TensorExtents
    let axes: [WindowAxis]
    let filters: WindowFilters
    let places: WindowPlaces
    let inputPlanes: WindowInputPlanes?
    let outputPlanes: WindowOutputPlanes?
    let axisTransforms: [WindowAxisTransform]
    let inverses: [WindowInverse]
    let product: MatrixProduct
    /// How many rows a register tile may have: every number up to the most. Each has a function.
    let rowCounts: [Int]
    let partialStores: [PartialStore]
    let combinations: [WindowCombination]
    let usesBias: Bool
    /// Whether whole vectors of results bypass the caches.
    let streamsOutput: Bool
    let packing: WindowPacking

    init(_ schedule: Schedule, _ resolved: MinimalFilteringSchedule, name: String) {
        let spec = schedule.spec
        let gather = resolved.gather
        self.name = name
        isConvolution = spec.op == .convolution
        operation = isConvolution ? "Convolution" : "Transposed convolution"
        addsUp = resolved.addsUp
        transformedMultiplyAdds = resolved.transformedMultiplyAdds
        channels = WindowChannels(gather, lanes: resolved.lanes)
        extents = TensorExtents(gather)
        axes = gather.axes.enumerated().map { WindowAxis($0, $1, resolved) }
        filters = WindowFilters(gather, resolved)
        places = WindowPlaces(resolved)
        inputPlanes = WindowInputPlanes(resolved)
        outputPlanes = WindowOutputPlanes(resolved)
        axisTransforms = zip(["depth", "height", "width"], resolved.axes).map { WindowAxisTransform($0, $1) }
        product = MatrixProduct(
            vectorCount: "TILE_VECTORS", initial: addsUp ? "vs_load(m + row * TILE_FILTERS + vector * VS_LANES)" : "vs_splat(0)",
            columns: "TILE_FILTERS", input: "v[row * ROW + c]",
            unroll: resolved.parameters.unroll, scalar: resolved.unit.scalar)
        rowCounts = Array(1...resolved.parameters.rows)
        let partial = filters.lastFilters % resolved.unit.columns
        partialStores = partial == 0 ? [] : [PartialStore(partial, lanes: resolved.unit.columns)]
        streamsOutput = resolved.conversion?.streamsOutput ?? resolved.parameters.streamsOutput
        let epilogue = WindowEpilogue(
            spec, resolved, store: streamsOutput && outputPlanes == nil ? "vs_stream" : "vs_store", partial: partial,
            wholeVectors: filters.wholeVectors)
        let most = resolved.axes.map(\.mostTaps)
        // Where products add up, they are transformed back as those of the first combination, which has all of them.
        combinations = resolved.combinations.enumerated().map { number, combination in
            WindowCombination(number, combination, mostTaps: resolved.addsUp ? most : nil, epilogue: resolved.addsUp && number > 0 ? nil : epilogue)
        }
        let inverted = addsUp ? most : resolved.axes.flatMap { $0.classes.map(\.taps) }
        inverses = Set(inverted).sorted().map { WindowInverse(taps: $0) }
        usesBias = spec.epilogue.hasBias
        packing = WindowPacking(gather, resolved)
        heading = Self.heading(schedule, resolved, convertsInput: inputPlanes != nil, convertsOutput: outputPlanes != nil)
    }

    private static func heading(
        _ schedule: Schedule, _ resolved: MinimalFilteringSchedule, convertsInput: Bool, convertsOutput: Bool
    ) -> KernelHeading {
        let sums = switch schedule.spec.op {
        case .convolution: ["filter blocks"] + (resolved.addsUp ? ["parts of the kernel"] : [])
        default: ["combinations of tap counts", "phases", "filter blocks"]
        }
        let loops = ["batch", "blocks of tiles"] + (resolved.gather.groups > 1 ? ["groups"] : []) + sums + ["points", "tiles", "channels"]
        return KernelHeading(
            schedule, unit: resolved.unit, looped: loops + LoopTexts.conversion(input: convertsInput, output: convertsOutput),
            converts: convertsInput || convertsOutput)
    }
}
