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
    }

    package let outline: NetworkOutline
    /// Each behind those it needs.
    package internal(set) var groups: [Group]
    /// The tensors that the network returns.
    package internal(set) var outputs: [Int]

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
        self.groups = groups.reversed()
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

    /// All passes. What does nothing goes first, as it may stand between others; normalizations before activations, which may stand behind them.
    package mutating func run(_ weights: Weights) throws {
        dropNothings()
        try foldBackward(weights)
        try foldForward(weights)
        fuseActivations()
    }

    // MARK: What passes ask

    func kind(_ group: Group) -> NetworkOutline.Kind { outline.calls[group.call].kind }

    func type(_ group: Group) -> ElementType? { outline.calls[group.call].type }

    /// How often a tensor is read; to be an output counts as being read.
    func useCount(of tensor: Int) -> Int {
        groups.reduce(outputs.count { $0 == tensor }) { count, group in count + group.inputs.count { $0 == tensor } }
    }

    /// The group that makes a tensor; nil for an input.
    func producer(of tensor: Int) -> Int? { groups.firstIndex { $0.results.contains(tensor) } }

    /// The convolution whose only result is read by one group alone, and that computes in the type of that group.
    func convolution(before group: Group) -> Int? {
        guard group.inputs.count == 1, let type = type(group), useCount(of: group.inputs[0]) == 1, let place = producer(of: group.inputs[0]),
            groups[place].config != nil, self.type(groups[place]) == type
        else { return nil }
        return place
    }

    /// Whether the channels of a convolution are the axis of a normalization.
    static func isAlongChannels(_ axis: Int, _ config: LayerConfig) -> Bool {
        let rank = config.kernelSize.count + 2
        return (axis < 0 ? axis + rank : axis) == config.layout.channelAxis(rank: rank)
    }

    /// Puts one tensor in the place of another wherever that is read.
    mutating func replace(_ tensor: Int, by other: Int) {
        for index in groups.indices { groups[index].inputs = groups[index].inputs.map { $0 == tensor ? other : $0 } }
        outputs = outputs.map { $0 == tensor ? other : $0 }
    }

    /// Puts a group behind the one that makes its only input, which then makes its results.
    mutating func merge(_ index: Int, into place: Int) {
        groups[place].parts += groups[index].parts
        groups[place].results = groups[index].results
        groups.remove(at: index)
    }
}
