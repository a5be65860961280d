/// What `Templates/families/FilterLanes/lane_tile.c.mustache` is rendered with: the function of one tile.
struct LaneTile {
    /// A vector of sums.
    struct Accumulator { let name: String; let index: Int; let initial: String }
    /// A vector of weights.
    struct Weight { let name: String; let offset: Int }
    /// A multiply-add: the sum it adds to, and the weight.
    struct Use { let accumulator: String; let weight: String }
    /// An input, and what it is multiplied with.
    struct Input { let type: String; let load: String; let uses: [Use] }
    /// Channels that a loop runs over (`lane_channels.c.mustache`).
    struct Channels { let steps: Int; let step: Int; let unrolled: [Int]; let weights: [Weight]; let inputs: [Input] }
    /// Channels that are written out (`lane_channel_rest.c.mustache`).
    struct Rest { let comment: String; let weights: [Weight]; let inputs: [Input] }
    /// The taps that share the loops over channels.
    struct Loop {
        let comment: String
        let counted: [Channels]
        let straight: [Rest]

        /// Inputs that are loaded, in the loop over channels and in what is written out.
        var inputs: [Input] { counted.flatMap(\.inputs) + straight.flatMap(\.inputs) }
        /// Vectors of weights that are loaded, likewise.
        var weightCount: Int { counted.reduce(0) { $0 + $1.weights.count } + straight.reduce(0) { $0 + $1.weights.count } }
    }
    struct Statement { let statement: String }

    let name: String
    let comment: String
    /// C's name for the elements of a tap's weights.
    let unitName: String
    let accumulators: [Accumulator]
    let loops: [Loop]
    let hasLoops: Bool
    /// Whether sums pass through memory before they are stored.
    let boxed: Bool
    let sumCount: Int
    let outputCount: Int
    let places: String
    let stores: [Statement]
}

/// What the heading counts: what one channel step of every tile multiplies, adds and loads.
struct TileCounts {
    let tileMultiplyAdds: Int
    let tileLoads: Int
    let tileInputs: Int

    init(_ tiles: [LaneTile]) {
        let loops = tiles.flatMap(\.loops)
        tileMultiplyAdds = loops.reduce(0) { sum, loop in sum + loop.inputs.reduce(0) { $0 + $1.uses.count } }
        tileLoads = loops.reduce(0) { $0 + $1.weightCount }
        tileInputs = loops.reduce(0) { $0 + $1.inputs.count }
    }
}
