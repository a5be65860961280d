import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// One step of a network, with its weights, for any batch.
struct PlannedStep: Sendable {
    /// How it is computed in memory that the plan has given it.
    enum Form: Sendable {
        case convolution(PreparedLayer)
        case rule(any ComputedRule, weights: [Tensor])
        case activation(Activation)
        /// It takes tensors and makes tensors.
        case layer
    }

    /// Names of the layers that went into it.
    let name: String
    /// The name of the layer that it is called after in errors.
    let layer: String
    /// The numbers of tensors.
    let inputs: [Int]
    let results: [Int]
    /// Of its results; what has another form than `layer` computes in it too.
    let type: ElementType
    let form: Form
    /// What is applied to the result of a rule, pointwise.
    let activation: Activation
    /// The same on tensors, whatever their shapes and types.
    let call: PreparedCall
    /// Of the results, nil standing for the batch.
    let symbolicShapes: [[Int?]]
    /// What is inside of a layer that is called as it is.
    let inner: [InnerConvolution]

    /// The shapes of the results.
    /// - Throws: `TensorError.shapeMismatch` for a shape that the kernel is not for, and what rules throw.
    func outputShapes(_ inputs: [[Int]]) throws -> [[Int]] {
        switch form {
        case .convolution(let layer):
            let batch = inputs[0].first ?? 0
            let expected = layer.spec.inputShape(batch: batch)
            // In the memory of a plan the kernel reads that much, whatever is there.
            if inputs[0] != expected { throw TensorError.shapeMismatch(received: inputs[0], expected: expected) }
            return [layer.spec.outputShape(batch: batch)]
        case .rule(let rule, let weights):
            do { return [try DefinedLayer.outputShape(rule, inputs, weights)] } catch { throw KerasConfigError.inLayer(layer, error) }
        case .activation: return inputs
        case .layer: return symbolicShapes.map { shape in shape.map { $0 ?? inputs.first?.first ?? 0 } }
        }
    }

    /// Whether the result is the input under another shape.
    func keepsElements(_ inputs: [[Int]]) -> Bool {
        switch form {
        case .rule(let rule as FlattenRule, _): rule.keepsOrder(rank: inputs[0].count)
        case .rule(let rule as OperationRule, _): rule.keepsElements
        case .rule(let rule, _): rule is ReshapeRule
        case .activation(let activation): activation == .linear
        default: false
        }
    }

    var choice: KernelChoice? {
        if case .convolution(let layer) = form { return layer.choice }
        return nil
    }

    /// What computes it, in a word.
    var kernel: String {
        switch form {
        case .convolution(let layer): layer.choice.kernel.name
        case .rule, .activation: "loop"
        case .layer: "layer"
        }
    }
}
