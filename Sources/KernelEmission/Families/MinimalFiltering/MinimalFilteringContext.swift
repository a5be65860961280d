import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/MinimalFiltering/minimal_filtering.c.mustache` is rendered with: one value per part of the kernel. A value that is
/// nil leaves its part out.
struct MinimalFilteringContext: KernelContext {
    let name: String
    let heading: KernelHeading
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
    let epilogue: WindowEpilogue
    let usesBias: Bool
    /// Whether whole vectors of results bypass the caches.
    let streamsOutput: Bool
    let packing: WindowPacking

    init(_ schedule: Schedule, _ resolved: MinimalFilteringSchedule, name: String) {
        let spec = schedule.spec
        let gather = resolved.gather
        self.name = name
        transformedMultiplyAdds = resolved.transformedMultiplyAdds
        channels = WindowChannels(gather, lanes: resolved.lanes)
        extents = TensorExtents(gather)
        axes = gather.axes.enumerated().map { WindowAxis($0, $1, resolved) }
        filters = WindowFilters(gather, resolved)
        places = WindowPlaces(resolved)
        inputPlanes = WindowInputPlanes(resolved)
        outputPlanes = WindowOutputPlanes(resolved)
        axisTransforms = zip(["depth", "height", "width"], resolved.axes).map { WindowAxisTransform($0, $1) }
        inverses = Set(resolved.axes.flatMap { $0.classes.map(\.taps) }).sorted().map { WindowInverse(taps: $0) }
        product = MatrixProduct(
            vectorCount: "TILE_VECTORS", initial: "vs_splat(0)", columns: "TILE_FILTERS", input: "v[row * ROW + c]",
            unroll: resolved.parameters.unroll, scalar: resolved.unit.scalar)
        rowCounts = Array(1...resolved.parameters.rows)
        let partial = filters.lastFilters % resolved.unit.columns
        partialStores = partial == 0 ? [] : [PartialStore(partial, lanes: resolved.unit.columns)]
        combinations = resolved.combinations.enumerated().map { WindowCombination($0, $1) }
        streamsOutput = resolved.conversion?.streamsOutput ?? resolved.parameters.streamsOutput
        epilogue = WindowEpilogue(
            spec, resolved, store: streamsOutput && outputPlanes == nil ? "vs_stream" : "vs_store", partial: partial,
            wholeVectors: filters.wholeVectors)
        usesBias = spec.epilogue.hasBias
        packing = WindowPacking(gather, resolved)

        let (convertsInput, convertsOutput) = (inputPlanes != nil, outputPlanes != nil)
        let loops = ["batch", "blocks of tiles"] + (gather.groups > 1 ? ["groups"] : [])
            + ["combinations of tap counts", "phases", "filter blocks", "points", "tiles", "channels"]
        heading = KernelHeading(
            schedule, unit: resolved.unit, looped: loops + LoopTexts.conversion(input: convertsInput, output: convertsOutput),
            converts: convertsInput || convertsOutput)
    }
}
