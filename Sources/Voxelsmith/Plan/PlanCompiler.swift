import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Makes the steps of a model's plan: decides what is computed together, folds weights, asks for kernels and packs weights for them.
final class PlanCompiler {
    /// Calls with the same ones have the same weights, which are packed once.
    private struct FoldKey: Hashable {
        let layer: ObjectIdentifier
        let before: [ObjectIdentifier]
        let after: [ObjectIdentifier]
        let taps: [[Int]]?
    }

    private let calls: PlannedCalls
    private let inputCount: Int
    private var folded: [FoldKey: FoldedWeights?] = [:]
    private var packed: [FoldKey: [PackedWeights]] = [:]
    private var normalizations: [Int: (scales: [Double], shifts: [Double])] = [:]

    init(_ calls: PlannedCalls, inputCount: Int) { (self.calls, self.inputCount) = (calls, inputCount) }

    /// - Throws: what preparing the layers throws.
    func program() throws -> NetworkProgram {
        let fusion = try DefaultArithmetic.run { try fused() }
        let steps = try fusion.groups.map { try step($0, fusion) }
        return NetworkProgram(steps: steps, inputCount: inputCount, tensorCount: fusion.outline.tensorCount, outputs: fusion.outputs)
    }

    // MARK: What is computed together

    /// What the passes make of the calls. Folding must not cost a specialised kernel: where there is one for a convolution as it is, and none
    /// with the normalization, nothing is folded into that one.
    private func fused() throws -> NetworkFusion {
        var refused: Set<Int> = []
        while true {
            var fusion = NetworkFusion(calls.outline)
            let known = fusion
            try fusion.run(
                NetworkFusion.Weights(
                    allow: { [refused] group in
                        if refused.contains(group.call) { return false }
                        return try self.foldedWeights(group, known) != nil
                    },
                    haveNoShift: { try self.normalization($0).shifts.allSatisfy { $0 == 0 } }))
            let worse = try fusion.groups.filter { try losesItsKernel($0, fusion) }
            if worse.isEmpty { return fusion }
            refused.formUnion(worse.map(\.call))
        }
    }

    private func losesItsKernel(_ group: NetworkFusion.Group, _ fusion: NetworkFusion) throws -> Bool {
        guard !group.before.isEmpty || !group.after.isEmpty, let layer = calls.calls[group.call].layer as? Conv3D else { return false }
        let failure: any Error
        do {
            if try choice(layer, group, kernel: foldedWeights(group, fusion)?.kernel).isSpecialized { return false }
            return try plainChoice(layer, group).isSpecialized
        } catch let error as KernelLookupError { failure = error }
        // Where the interpreter may not stand in, a convolution as it is may still have its kernel.
        guard (try? plainChoice(layer, group)) != nil else { throw failure }
        return true
    }

    private func spec(_ layer: Conv3D, _ group: NetworkFusion.Group) throws -> KernelSpec {
        let spec = try layer.checkedSpec(inputShape: calls.calls[group.call].inputShapes[0])
        let config = group.config ?? layer.config
        return spec.with(epilogue: Epilogue(hasBias: config.useBias, activation: config.activation))
    }

    private func choice(_ layer: Conv3D, _ group: NetworkFusion.Group, kernel: Tensor?) throws -> KernelChoice {
        try layer.choice(spec(layer, group), kernel: kernel)
    }

    private func plainChoice(_ layer: Conv3D, _ group: NetworkFusion.Group) throws -> KernelChoice {
        try layer.choice(layer.checkedSpec(inputShape: calls.calls[group.call].inputShapes[0]), kernel: layer.kernel?.value)
    }

    // MARK: Weights

    private func normalization(_ call: Int) throws -> (scales: [Double], shifts: [Double]) {
        if let known = normalizations[call] { return known }
        guard let layer = calls.calls[call].layer as? DefinedLayer, let affine = try layer.channelAffine(inputShape: calls.calls[call].inputShapes[0])
        else {
            throw LayerError.notBuilt(layer: calls.calls[call].layer.name, method: "preparedModel")
        }
        normalizations[call] = affine
        return affine
    }

    private func key(_ group: NetworkFusion.Group, _ fusion: NetworkFusion) -> FoldKey {
        func layers(_ calls: [Int]) -> [ObjectIdentifier] { calls.map { ObjectIdentifier(self.calls.calls[$0].layer) } }
        return FoldKey(
            layer: ObjectIdentifier(calls.calls[group.call].layer), before: layers(group.before), after: layers(group.after),
            taps: group.before.isEmpty ? nil : fusion.commonTaps(of: group))
    }

    private func foldedWeights(_ group: NetworkFusion.Group, _ fusion: NetworkFusion) throws -> FoldedWeights? {
        let key = key(group, fusion)
        if let known = folded[key] { return known }
        guard let layer = calls.calls[group.call].layer as? Conv3D, let kernel = layer.kernel?.value, let config = group.config else { return nil }
        let channels = calls.calls[group.call].inputShapes[0][config.layout.channelAxis(rank: config.kernelSize.count + 2)]
        let result = try FoldedWeights(
            config, kernel: kernel, bias: layer.bias?.value,
            before: .init(try group.before.map(normalization), count: channels),
            after: .init(try group.after.map(normalization), count: config.filters), taps: key.taps)
        folded.updateValue(result, forKey: key)
        return result
    }

    // MARK: Steps

    private func step(_ group: NetworkFusion.Group, _ fusion: NetworkFusion) throws -> PlannedStep {
        let call = calls.calls[group.call]
        let last = group.parts.last { !calls.outline.calls[$0].results.filter(group.results.contains).isEmpty } ?? group.call
        func made(_ form: PlannedStep.Form, inner: [InnerConvolution] = [], _ body: @escaping PreparedCall) -> PlannedStep {
            PlannedStep(
                name: group.parts.map { calls.calls[$0].layer.name }.joined(separator: " + "), layer: call.layer.name, inputs: group.inputs,
                results: group.results,
                type: call.layer.resultType(0), form: form, activation: group.activation, call: body, symbolicShapes: calls.calls[last].symbolicShapes, inner: inner)
        }
        let type = call.layer.resultType(0)
        let isPlainType = type.arithmetic == type
        switch fusion.outline.calls[group.call].kind {
        case .convolution:
            let layer = try preparedLayer(group, fusion)
            return made(.convolution(layer)) { xs, threads in try xs.map { try layer.call($0.cast(to: type), threads: threads) } }
        case .activation(let activation) where isPlainType && !activation.needsWholeResult && call.inputShapes.count == 1:
            return made(.activation(activation), try call.layer.preparedStep(inputShapes: call.inputShapes))
        default:
            let body = Self.followed(try call.layer.preparedStep(inputShapes: call.inputShapes), by: group.activation)
            guard isPlainType, let layer = call.layer as? DefinedLayer, let (rule, weights) = try layer.plainRule() else {
                return made(.layer, inner: try call.layer.convolutions(inputShapes: call.inputShapes), body)
            }
            return made(.rule(rule, weights: weights), body)
        }
    }

    /// A call with an activation of all its results.
    private static func followed(_ call: @escaping PreparedCall, by activation: Activation) -> PreparedCall {
        if activation == .linear { return call }
        return { xs, threads in try call(xs, threads).map { try ActivationLayer.apply(activation, to: $0, threads: threads) } }
    }

    private func preparedLayer(_ group: NetworkFusion.Group, _ fusion: NetworkFusion) throws -> PreparedLayer {
        let call = calls.calls[group.call]
        guard let layer = call.layer as? Conv3D, let kernel = layer.kernel?.value else {
            throw LayerError.notBuilt(layer: call.layer.name, method: "preparedModel")
        }
        let isFolded = !group.before.isEmpty || !group.after.isEmpty
        if !isFolded, group.config == layer.config { return try layer.kernelLayer(inputShape: call.inputShapes[0]) }
        let weights = isFolded ? try foldedWeights(group, fusion) : nil
        let choice = try choice(layer, group, kernel: weights?.kernel ?? kernel)
        let key = key(group, fusion)
        let known = packed[key, default: []] + (isFolded ? [] : layer.presentlyPacked())
        let prepared = try PreparedLayer(
            spec: spec(layer, group), choice: choice, weights: weights?.kernel ?? kernel, bias: isFolded ? weights?.bias : layer.bias?.value,
            sharing: known.first { $0.packingKey == choice.kernel.packingKey })
        if !known.contains(where: { $0 === prepared.packed }) { packed[key, default: []].append(prepared.packed) }
        return prepared
    }
}
