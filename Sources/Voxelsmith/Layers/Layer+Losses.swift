import VoxKerasConfig
import VoxTensors

/// Losses and updates: what is added, and what belongs to which inputs.
extension Layer {
    /// All but the penalties on variables.
    func ownLosses() -> [Loss] {
        callLosses + keptLosses.filter { !$0.isAdded }.flatMap { $0.losses(in: self) }
            + keptLosses.filter(\.isAdded).flatMap { $0.losses(in: self) }
    }

    func weightLosses() throws -> [Loss] {
        try trainableWeights.compactMap { variable in
            try variable.regularizer.map { Loss(try $0(variable.value), name: variable.name) }
        }
    }

    /// Keeps the losses of a call on symbolic tensors, as the present settings of the layer make them.
    func noteSymbolicCall(_ xs: [SymbolicTensor], _ ys: [SymbolicTensor]) {
        var losses = activityLosses(ys)
        for term in callTerms {
            losses.append(Loss(of: xs + ys, name: term.name) { try term.body(Array($0.prefix(xs.count)), Array($0.dropFirst(xs.count))) })
        }
        keptLosses += losses.map { KeptLoss($0, inputs: xs, isAdded: false, of: self) }
    }

    private func activityLosses(_ ys: [SymbolicTensor]) -> [Loss] {
        guard let activityRegularizer else { return [] }
        return ys.map { Loss(activity: activityRegularizer, of: [$0]) }
    }

    /// Replaces the penalties on the results of a call on symbolic tensors by those that the present settings of the layer make.
    func renewActivityLosses(node: Int) {
        let ys = outputs(node)
        let place = keptLosses.firstIndex { $0.inputs == nodes[node].inputs && !$0.isAdded } ?? keptLosses.count
        keptLosses.removeAll { !$0.isAdded && $0.isActivity && ys.contains($0.tensors(in: self)[0]) }
        keptLosses.insert(contentsOf: activityLosses(ys).map { KeptLoss($0, inputs: nodes[node].inputs, isAdded: false, of: self) }, at: place)
    }

    /// Replaces the tensors that losses and updates depend on.
    /// - Parameter tensors: the new one for each of the old.
    func moveLosses(to tensors: [SymbolicTensor: SymbolicTensor]) {
        keptLosses = keptLosses.map { $0.moved(from: self, to: self, tensors: tensors) }
        addedUpdates = addedUpdates.map { added in (added.update, added.inputs.map { tensors[$0] ?? $0 }) }
    }

    /// Adds losses: numbers, or `Loss`es of symbolic tensors. Inside of `call` on values they belong to that call.
    /// - Parameters:
    ///   - losses: what is added, in this order.
    ///   - inputs: what they depend on, in the order of the call; nil or none for nothing.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public func addLoss(_ losses: [Loss], inputs: [SymbolicTensor]? = nil) throws {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "addLoss") }
        if isComputing {
            callLosses += losses
        } else {
            keptLosses += losses.map { KeptLoss($0, inputs: inputs ?? [], isAdded: true, of: self) }
        }
    }

    /// As `addLoss(_:inputs:)` of a list of one.
    public func addLoss(_ loss: Loss, inputs: [SymbolicTensor]? = nil) throws { try addLoss([loss], inputs: inputs) }
    /// As `addLoss(_:inputs:)` of a list of one. A literal is a `Loss`.
    @_disfavoredOverload
    public func addLoss(_ loss: Double, inputs: [SymbolicTensor]? = nil) throws { try addLoss([Loss(loss)], inputs: inputs) }
    /// As `addLoss(_:inputs:)` of lists of one.
    public func addLoss(_ loss: Loss, inputs: SymbolicTensor) throws { try addLoss([loss], inputs: [inputs]) }
    /// As `addLoss(_:inputs:)` of lists of one. A literal is a `Loss`.
    @_disfavoredOverload
    public func addLoss(_ loss: Double, inputs: SymbolicTensor) throws { try addLoss([Loss(loss)], inputs: [inputs]) }
    /// As `addLoss(_:inputs:)` of one input.
    public func addLoss(_ losses: [Loss], inputs: SymbolicTensor) throws { try addLoss(losses, inputs: [inputs]) }
    /// As `addLoss(_:inputs:)` of numbers. A list of literals is one of `Loss`es.
    @_disfavoredOverload
    public func addLoss(_ losses: [Double], inputs: [SymbolicTensor]? = nil) throws { try addLoss(losses.map { Loss($0) }, inputs: inputs) }
    /// As `addLoss(_:inputs:)` of numbers and one input. A list of literals is one of `Loss`es.
    @_disfavoredOverload
    public func addLoss(_ losses: [Double], inputs: SymbolicTensor) throws { try addLoss(losses, inputs: [inputs]) }

    /// Adds a loss to every later call on symbolic tensors. It belongs to the inputs of the call, and has a number once a model computes
    /// them.
    ///
    ///     try up.addLoss { inputs, results in try L2(0.1)(results[0]) }
    /// - Parameters:
    ///   - name: for the reader.
    ///   - body: from the inputs and the results of the call.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public func addLoss(name: String = "loss", _ body: @escaping (_ inputs: [Tensor], _ results: [Tensor]) throws -> Double) throws {
        if owner == nil { throw LayerError.eagerMode(layer: self.name, member: "addLoss") }
        callTerms.append((name, body))
    }

    /// Adds updates. Does nothing in eager mode.
    /// - Parameters:
    ///   - updates: what is added, in this order.
    ///   - inputs: what they depend on, in the order of the call; nil or none for nothing.
    public func addUpdate(_ updates: [Update], inputs: [SymbolicTensor]? = nil) {
        if owner != nil { addedUpdates += updates.map { ($0, inputs ?? []) } }
    }

    /// As `addUpdate(_:inputs:)` of a list of one.
    public func addUpdate(_ update: Update, inputs: [SymbolicTensor]? = nil) { addUpdate([update], inputs: inputs) }
    /// As `addUpdate(_:inputs:)` of lists of one.
    public func addUpdate(_ update: Update, inputs: SymbolicTensor) { addUpdate([update], inputs: [inputs]) }
    /// As `addUpdate(_:inputs:)` of one input.
    public func addUpdate(_ updates: [Update], inputs: SymbolicTensor) { addUpdate(updates, inputs: [inputs]) }

    /// All updates, in the order they were added; none in eager mode.
    public var updates: [Update] { addedUpdates.map(\.update) }

    /// The losses that depend on these inputs, in this order.
    /// - Parameter inputs: nil or none for the unconditional ones, penalties on variables among them.
    /// - Throws: `LayerError.eagerMode` in eager mode, and what a regularizer throws.
    public func getLosses(for inputs: [SymbolicTensor]?) throws -> [Loss] {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "getLosses(for:)") }
        let key = inputs ?? []
        let kept = keptLosses.filter { $0.inputs == key }
        let found = (kept.filter { !$0.isAdded } + kept.filter(\.isAdded)).flatMap { $0.losses(in: self) }
        return key.isEmpty ? found + (try weightLosses()) : found
    }

    /// As `getLosses(for:)` of a list of one.
    public func getLosses(for input: SymbolicTensor) throws -> [Loss] { try getLosses(for: [input]) }

    /// The updates that depend on these inputs, in this order.
    /// - Parameter inputs: nil or none for the unconditional ones.
    /// - Throws: `LayerError.eagerMode` in eager mode.
    public func getUpdates(for inputs: [SymbolicTensor]?) throws -> [Update] {
        if owner == nil { throw LayerError.eagerMode(layer: name, member: "getUpdates(for:)") }
        return addedUpdates.filter { $0.inputs == inputs ?? [] }.map(\.update)
    }

    /// As `getUpdates(for:)` of a list of one.
    public func getUpdates(for input: SymbolicTensor) throws -> [Update] { try getUpdates(for: [input]) }
}
