import VoxLayerSpec

/// Which calls of a network are computed together. Each pass is a function in a file of its own; `run` has their order.
package struct NetworkFusion: Sendable {
    /// What is computed as one.
    package struct Group: Sendable {
        /// The call that everything else went into.
        package let call: Int
        /// All calls that went into it, in the order of computation.
        package var parts: [Int]
        package var inputs: [Int]
        package var results: [Int]
        /// Of a convolution: its config with the bias and the activation of the whole group.
        package var config: LayerConfig?
        /// Batch normalizations that are folded into the weights of the convolution: those before it, then those behind it.
        package var before: [Int] = []
        package var after: [Int] = []
        /// Of a loop: what is applied to its results.
        package var activation = Activation.linear
    }

    package let outline: NetworkOutline
    /// Each behind those it needs.
    package var groups: [Group] { slots.compactMap(\.self) }
    /// The groups in the order of computation, each at a place that stays its own; nil where one went into another. A few bytes of a file make as
    /// many calls as a graph may have, so that no pass may look at all groups for each.
    var slots: [Group?]
    /// The tensors that the network returns.
    package internal(set) var outputs: [Int]
    /// Of each tensor: how often it is read, where to be an output counts as being read.
    private(set) var useCounts: [Int] = []
    /// Of each tensor: the place of the group that makes it; nil for an input.
    private var producers: [Int?]
    /// Normalizations on one side of a convolution beyond these stay: each that is added has the weights computed anew.
    static let mostFolded = 8

    /// Every call by itself, but for those that no output needs.
    package init(_ outline: NetworkOutline) {
        self.outline = outline
        outputs = outline.outputs
        var needed = Set(outline.outputs)
        var groups: [Group] = []
        for (index, call) in outline.calls.enumerated().reversed() where !needed.isDisjoint(with: call.results) {
            needed.formUnion(call.inputs)
            var group = Group(call: index, parts: [index], inputs: call.inputs, results: call.results)
            if case .convolution(let config, _) = call.kind { group.config = config }
            groups.append(group)
        }
        slots = groups.reversed().map { $0 }
        producers = Array(repeating: nil, count: outline.tensorCount)
        for (place, group) in slots.enumerated() { for tensor in group?.results ?? [] { producers[tensor] = place } }
        countUses()
    }

    mutating func countUses() {
        useCounts = Array(repeating: 0, count: outline.tensorCount)
        for slot in slots { for tensor in slot?.inputs ?? [] { useCounts[tensor] += 1 } }
        for tensor in outputs { useCounts[tensor] += 1 }
    }

    /// Whoever knows the weights says which foldings they allow.
    package struct Weights {
        /// Whether a group may be computed with folded weights.
        package var allow: (Group) throws -> Bool
        /// Whether a normalization adds nothing.
        package var haveNoShift: (_ call: Int) throws -> Bool

        package init(allow: @escaping (Group) throws -> Bool, haveNoShift: @escaping (_ call: Int) throws -> Bool) {
            (self.allow, self.haveNoShift) = (allow, haveNoShift)
        }

        /// Nothing is known of them, so most is supposed.
        package static var unknown: Weights { Weights(allow: { _ in true }, haveNoShift: { _ in false }) }
    }

    /// All passes. What does nothing goes first, as it may stand between others; normalizations before activations, which may stand behind them; and
    /// what stays then is joined.
    package mutating func run(_ weights: Weights) throws {
        dropNothings()
        try foldBackward(weights)
        try foldForward(weights)
        fuseActivations()
        joinActivations()
    }

    // MARK: What passes ask

    func kind(_ group: Group) -> NetworkOutline.Kind { outline.calls[group.call].kind }

    func type(_ group: Group) -> ElementType? { outline.calls[group.call].type }

    /// The place of the group that makes a tensor; nil for an input.
    func producer(of tensor: Int) -> Int? { producers[tensor] }

    /// The convolution whose only result is read by one group alone, and that computes in the type of that group; and its place.
    func convolution(before group: Group) -> (place: Int, group: Group, config: LayerConfig)? {
        guard group.inputs.count == 1, let type = type(group), useCounts[group.inputs[0]] == 1, let place = producer(of: group.inputs[0]),
            let found = slots[place], let config = found.config, self.type(found) == type
        else { return nil }
        return (place, found, config)
    }

    /// Whether the channels of a convolution are the axis of a normalization.
    static func isAlongChannels(_ axis: Int, _ config: LayerConfig) -> Bool {
        let rank = config.kernelSize.count + 2
        return (axis < 0 ? axis + rank : axis) == config.layout.channelAxis(rank: rank)
    }

    /// Puts a group behind the one that makes its only input, which then makes its results.
    mutating func merge(_ index: Int, into place: Int) {
        guard let group = slots[index] else { return }
        slots[place]?.parts += group.parts
        slots[place]?.results = group.results
        for tensor in group.results { producers[tensor] = place }
        slots[index] = nil
    }
}
