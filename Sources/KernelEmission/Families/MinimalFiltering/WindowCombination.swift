import VoxLayerSpec
import VoxScheduling

/// Phases that share windows and products (`Templates/families/MinimalFiltering/window_combination.c.mustache`).
struct WindowCombination {
    let index: Int
    let depthTaps: Int, heightTaps: Int, widthTaps: Int
    let heightWeights: Int, widthWeights: Int
    let depthPhases: String, heightPhases: String, widthPhases: String
    let depthPhaseCount: Int, heightPhaseCount: Int, widthPhaseCount: Int
    let weightPoints: Int
    let weights: Int
    /// How the results of these phases are transformed back and stored; nil where that is done with another combination.
    let epilogue: WindowEpilogue?

    /// - Parameter mostTaps: the taps of the sums that the products are added to along each axis; nil where each combination has sums of its own.
    init(_ index: Int, _ combination: MinimalFilteringSchedule.Combination, mostTaps: [Int]?, epilogue: WindowEpilogue?) {
        let (depth, height, width) = (combination.classes[0], combination.classes[1], combination.classes[2])
        self.index = index
        (depthTaps, heightTaps, widthTaps) = (depth.taps, height.taps, width.taps)
        (heightWeights, widthWeights) = (height.weightPoints, width.weightPoints)
        let phases = combination.classes.indices.map { Self.phases(combination.classes[$0], sums: mostTaps?[$0]) }
        (depthPhases, heightPhases, widthPhases) = (phases[0], phases[1], phases[2])
        (depthPhaseCount, heightPhaseCount, widthPhaseCount) = (depth.phases.count, height.phases.count, width.phases.count)
        weightPoints = combination.weightPoints
        weights = combination.weights
        self.epilogue = epilogue
    }

    private static func phases(_ phaseClass: MinimalFilteringSchedule.PhaseClass, sums mostTaps: Int?) -> String {
        func ranges(_ list: [Range<Int>]) -> String {
            "{ " + list.map { "{ \($0.lowerBound), \($0.upperBound) }" }.joined(separator: ", ") + " }"
        }
        func list(_ numbers: [Int]) -> String { "{ " + numbers.map(String.init).joined(separator: ", ") + " }" }
        let points = ([phaseClass.places] + (mostTaps.map { [phaseClass.products(most: $0)] } ?? [])).map(list).joined(separator: ", ")
        return phaseClass.phases.map { "{ \($0.offset), \(points), \(ranges($0.needed)), \(ranges($0.computed)) }" }.joined(separator: ", ")
    }
}

/// How the sums of a tile are activated and stored (`window_store_whole.c.mustache`, `window_store_edge.c.mustache`).
struct WindowEpilogue {
    /// How a vector of the last block is stored that filters do not fill: in part, or not at all.
    struct LastStore { let condition: String; let vector: Int; let partial: [Int] }

    /// Whether all tiles are stored by `window_store_edge.c.mustache`, which passes sums through memory; else only those at edges are.
    let boxed: Bool
    let activation: String
    /// C's function that stores a whole vector.
    let store: String
    let lastStores: [LastStore]

    init(_ spec: KernelSpec, _ resolved: MinimalFilteringSchedule, store: String, partial: Int, wholeVectors: Int) {
        boxed = ActivationExpression.isHeavy(spec.epilogue.activation)
        // The schedule's activation is pointwise, so it always has an expression.
        activation = ActivationExpression.apply(spec.epilogue.activation, to: "sum", resolved.unit.result) ?? "sum"
        self.store = store
        // The last block stores its whole vectors, then a part of one, then nothing.
        var stores = partial == 0 ? [] : [LastStore(condition: "==", vector: wholeVectors, partial: [partial])]
        let stored = wholeVectors + (partial == 0 ? 0 : 1)
        if stored < resolved.parameters.vectors { stores.append(LastStore(condition: ">=", vector: stored, partial: [])) }
        lastStores = stores
    }
}
