import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// One call of a network in the memory that its plan has foreseen.
struct PlanRun {
    /// A layer of the user's own made a tensor of another shape or type than it had said.
    struct UnforeseenResult: Error {}

    private let plan: MemoryPlan
    private let program: NetworkProgram
    private let given: [Tensor]
    private let inputs: [Tensor]
    private let arena: TensorStorage
    private var own: [Tensor?]
    /// Bytes that a thread copies at a time.
    private static let copiedPiece = 1 << 16

    /// - Throws: `TensorError.outOfMemory`.
    init(_ plan: MemoryPlan, _ program: NetworkProgram, _ xs: [Tensor]) throws {
        (self.plan, self.program, given) = (plan, program, xs)
        inputs = try xs.enumerated().map { index, x in
            guard let type = plan.types[index], x.elementType != type else { return x }
            return try DefaultArithmetic.run { try x.cast(to: type) }
        }
        arena = try TensorStorage(byteCount: plan.arenaByteCount)
        own = Array(repeating: nil, count: plan.ownCount)
    }

    /// - Throws: what the steps throw, and `UnforeseenResult`.
    mutating func run(threads: Int, note: ((Int, Double) -> Void)?) throws -> [Tensor] {
        for number in program.steps.indices {
            try NetworkProgram.timed(number, note) { try perform(number, threads: threads) }
            for index in plan.releases[number] { own[index] = nil }
        }
        return try program.outputs.map(tensor)
    }

    private mutating func perform(_ number: Int, threads: Int) throws {
        let step = program.steps[number]
        switch plan.actions[number] {
        case .nothing: return
        case .call: try call(step, threads: threads)
        case .convolution:
            guard case .convolution(let layer) = step.form else { return }
            let (x, y) = (try source(step.inputs[0]), try target(step.results[0]))
            try layer.call(input: x, batch: plan.shapes[step.inputs[0]].first ?? 0, output: y, threads: threads)
        case .activation:
            guard case .activation(let activation) = step.form else { return }
            let shape = plan.shapes[step.results[0]]
            let (x, y) = (try source(step.inputs[0]), try target(step.results[0]))
            if x != UnsafeRawPointer(y) { Self.copy(x, to: y, Checked.clampedCount(shape + [step.type.byteCount]), threads: threads) }
            ActivationArithmetic.apply(activation, to: y, type: step.type, shape: shape, threads: threads)
        case .loop(let loop):
            let (xs, y) = (try step.inputs.map(source), try target(step.results[0]))
            loop.run(
                xs, to: y, scratch: arena.address + plan.scratchOffsets[number], shape: plan.shapes[step.results[0]], type: step.type, threads: threads)
        }
    }

    private mutating func call(_ step: PlannedStep, threads: Int) throws {
        let results = try step.call(step.inputs.map(tensor), threads)
        if results.count != step.results.count { throw UnforeseenResult() }
        for (number, result) in zip(step.results, results) {
            if result.shape != plan.shapes[number] || result.elementType != plan.types[number] { throw UnforeseenResult() }
            if case .tensor(let index) = plan.places[number] { own[index] = result }
        }
    }

    private static func copy(_ x: UnsafeRawPointer, to y: UnsafeMutableRawPointer, _ byteCount: Int, threads: Int) {
        let pieces = (byteCount - 1) / copiedPiece + 1
        // Ten bytes in a nanosecond, roughly.
        LoopThreads.run(threads, items: pieces, cost: Double(byteCount) / 10) { range in
            let start = range.lowerBound * copiedPiece
            (y + start).copyMemory(from: x + start, byteCount: min(byteCount, range.upperBound * copiedPiece) - start)
        }
    }

    // MARK: Memory

    /// Where a tensor is read. It stays there while what holds it is held here.
    private func source(_ tensor: Int) throws -> UnsafeRawPointer {
        switch plan.places[tensor] {
        case .arena(let offset): return UnsafeRawPointer(arena.address + offset)
        case .input(let index): return try Self.start(inputs[index])
        case .tensor(let index): return try Self.start(own[index])
        }
    }

    /// Where a tensor is written. One of its own is made where it does not exist yet.
    private mutating func target(_ tensor: Int) throws -> UnsafeMutableRawPointer {
        switch plan.places[tensor] {
        case .arena(let offset): return arena.address + offset
        // The plan writes no inputs.
        case .input: throw UnforeseenResult()
        case .tensor(let index):
            var value = try own[index] ?? Tensor(uninitialized: plan.shapes[tensor], plan.types[tensor] ?? .float32)
            own[index] = nil
            let start = try value.withUnsafeMutableBytes { $0.baseAddress }
            own[index] = value
            guard let start else { throw UnforeseenResult() }
            return start
        }
    }

    private static func start(_ tensor: Tensor?) throws -> UnsafeRawPointer {
        guard let start = tensor?.withUnsafeBytes({ $0.baseAddress }) else { throw UnforeseenResult() }
        return start
    }

    /// A tensor that a step takes, or that the network returns.
    private func tensor(_ number: Int) throws -> Tensor {
        switch plan.places[number] {
        // What a step takes is a tensor of its own.
        case .arena: throw UnforeseenResult()
        case .input(let index): return number == index ? given[index] : try inputs[index].reshaped(to: plan.shapes[number])
        case .tensor(let index):
            guard let value = own[index] else { throw UnforeseenResult() }
            return try value.reshaped(to: plan.shapes[number])
        }
    }
}
