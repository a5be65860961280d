import VoxLayerSpec
import VoxTensors

/// Where the tensors of a network lie in a call, for inputs of given shapes: what each step does, and in which memory.
struct MemoryPlan: Sendable {
    /// What a step does.
    enum Action: Sendable {
        /// Its result is its input under another shape.
        case nothing
        case loop(LoopCall)
        case activation
        case convolution
        /// It takes tensors and makes tensors.
        case call
    }

    enum Place: Hashable, Sendable {
        /// What the caller gave.
        case input(Int)
        /// A tensor of its own: a result of the network, or what a step takes or makes that computes on tensors. By its number.
        case tensor(Int)
        /// In the memory of the call.
        case arena(offset: Int)
    }

    /// Of each step.
    let actions: [Action]
    /// Of each tensor of the network.
    let shapes: [[Int]]
    /// nil for an input that is taken as it is given.
    let types: [ElementType?]
    let places: [Place]
    /// Of each step, where the memory that it needs meanwhile begins in that of the call; 0 for one that needs none.
    let scratchOffsets: [Int]
    /// Tensors of their own.
    let ownCount: Int
    /// For each step, the own tensors that no later one needs.
    let releases: [[Int]]
    /// Of the memory of the call.
    let arenaByteCount: Int
    /// The most that the call has at a time beside its results: that memory, and own tensors that are no results.
    let peakByteCount: Int
    /// Whether some extent is 0; then nothing else is meant.
    let hasEmptyTensors: Bool

    /// - Throws: what shapes and loops throw.
    init(_ program: NetworkProgram, inputShapes: [[Int]]) throws {
        var shapes = inputShapes + Array(repeating: [], count: program.tensorCount - inputShapes.count)
        for step in program.steps {
            for (tensor, shape) in zip(step.results, try step.outputShapes(step.inputs.map { shapes[$0] })) { shapes[tensor] = shape }
        }
        let types = Self.types(program)
        self.shapes = shapes
        self.types = types
        let made = program.steps.flatMap(\.results) + Array(0..<program.inputCount)
        hasEmptyTensors = made.contains { shapes[$0].contains(0) }
        if hasEmptyTensors {
            (actions, places, scratchOffsets, ownCount, releases, arenaByteCount, peakByteCount) = ([], [], [], 0, [], 0, 0)
            return
        }
        actions = try program.steps.map { try Self.action($0, shapes, types) }
        var buffers = BufferPlan(program, actions, shapes: shapes, types: types)
        buffers.reuseInputs()
        let layout = buffers.layout()
        (places, scratchOffsets, ownCount, releases) = (layout.places, layout.scratchOffsets, layout.ownCount, layout.releases)
        (arenaByteCount, peakByteCount) = (layout.arenaByteCount, layout.peakByteCount)
    }

    /// The type of each tensor. An input is cast once where all that read it compute in one type; otherwise each of them casts it by itself.
    private static func types(_ program: NetworkProgram) -> [ElementType?] {
        var types: [ElementType?] = Array(repeating: nil, count: program.tensorCount)
        for step in program.steps { for tensor in step.results { types[tensor] = step.type } }
        var wanted: [Set<ElementType?>] = Array(repeating: [], count: program.inputCount)
        for step in program.steps {
            let type: ElementType? = if case .layer = step.form { nil } else { step.type }
            for input in step.inputs where input < program.inputCount { wanted[input].insert(type) }
        }
        for input in wanted.indices where wanted[input].count == 1 { types[input] = wanted[input].first ?? nil }
        return types
    }

    private static func action(_ step: PlannedStep, _ shapes: [[Int]], _ types: [ElementType?]) throws -> Action {
        // Anything else is cast on its way, which tensors are for.
        guard step.inputs.allSatisfy({ types[$0] == step.type }) else { return .call }
        let inputs = step.inputs.map { shapes[$0] }
        if step.keepsElements(inputs) { return .nothing }
        switch step.form {
        case .convolution: return .convolution
        case .activation: return .activation
        case .layer: return .call
        case .rule(let rule, let weights):
            let loop = try rule.loop(inputs, step.type, weights: weights, to: shapes[step.results[0]])?.followed(by: step.activation)
            return loop.map { .loop($0) } ?? .call
        }
    }
}
