import VoxLayerSpec

/// Which tensors of a network share memory, how long each piece of memory is needed, and where it lies.
struct BufferPlan {
    /// A piece of memory that tensors share.
    struct Buffer {
        var byteCount: Int
        /// The input that it is.
        var input: Int?
        /// From the step that writes it to the last one that reads it.
        var first: Int
        var last: Int
        /// Whether a result of the network lies there.
        var isResult = false
        /// Whether a step takes it as a tensor, and may keep it.
        var isTaken = false
        /// Whether a step made it as a tensor, whose memory may be another one's too.
        var isMade = false

        var isOwn: Bool { isResult || isTaken || isMade }
    }

    /// What follows for a call.
    struct Layout {
        var places: [MemoryPlan.Place] = []
        var scratchOffsets: [Int] = []
        var ownCount = 0
        var releases: [[Int]] = []
        var arenaByteCount = 0
        var peakByteCount = 0
    }

    private let steps: [PlannedStep]
    private let actions: [MemoryPlan.Action]
    private(set) var buffers: [Buffer] = []
    /// Of each tensor; -1 for one that no step makes.
    private(set) var bufferOfTensor: [Int]
    /// Of each step, what it needs meanwhile; -1 for none.
    private var scratchOfStep: [Int]

    init(_ program: NetworkProgram, _ actions: [MemoryPlan.Action], shapes: [[Int]], types: [ElementType?]) {
        (steps, self.actions) = (program.steps, actions)
        bufferOfTensor = Array(repeating: -1, count: program.tensorCount)
        scratchOfStep = Array(repeating: -1, count: program.steps.count)
        func byteCount(_ tensor: Int) -> Int { Checked.clampedCount(shapes[tensor] + [(types[tensor] ?? .float32).byteCount]) }
        for input in 0..<program.inputCount {
            bufferOfTensor[input] = buffers.count
            buffers.append(Buffer(byteCount: byteCount(input), input: input, first: -1, last: -1))
        }
        for (number, step) in steps.enumerated() {
            for tensor in step.inputs { buffers[bufferOfTensor[tensor]].last = number }
            switch actions[number] {
            case .nothing: bufferOfTensor[step.results[0]] = bufferOfTensor[step.inputs[0]]
            case .call:
                for tensor in step.inputs { buffers[bufferOfTensor[tensor]].isTaken = true }
                for tensor in step.results { make(tensor, byteCount(tensor), at: number, isMade: true) }
            default: make(step.results[0], byteCount(step.results[0]), at: number, isMade: false)
            }
            if case .loop(let loop) = actions[number], loop.scratchByteCount > 0 {
                scratchOfStep[number] = buffers.count
                buffers.append(Buffer(byteCount: loop.scratchByteCount, first: number, last: number))
            }
        }
        for tensor in program.outputs {
            buffers[bufferOfTensor[tensor]].isResult = true
            buffers[bufferOfTensor[tensor]].last = steps.count
        }
    }

    private mutating func make(_ tensor: Int, _ byteCount: Int, at step: Int, isMade: Bool) {
        bufferOfTensor[tensor] = buffers.count
        buffers.append(Buffer(byteCount: byteCount, first: step, last: step, isMade: isMade))
    }

    /// Lets elementwise steps write where their first operand lies, if nobody needs that any more and no other operand lies there too. What was
    /// given from outside, or was a tensor in the hands of a layer, is left alone, as its memory may be shared.
    mutating func reuseInputs() {
        // What each buffer has become. A step's own is not yet another's when its input's is looked up, so one look is enough.
        var places = Array(buffers.indices)
        for (number, step) in steps.enumerated() {
            for tensor in step.inputs { bufferOfTensor[tensor] = places[bufferOfTensor[tensor]] }
            guard let input = reusableInput(number, step) else { continue }
            let (from, to) = (bufferOfTensor[input], bufferOfTensor[step.results[0]])
            buffers[from].last = buffers[to].last
            buffers[from].isResult = buffers[to].isResult
            buffers[from].isTaken = buffers[to].isTaken
            places[to] = from
        }
        for tensor in bufferOfTensor.indices where bufferOfTensor[tensor] >= 0 { bufferOfTensor[tensor] = places[bufferOfTensor[tensor]] }
    }

    private func reusableInput(_ number: Int, _ step: PlannedStep) -> Int? {
        let place: Int? = switch actions[number] {
        case .activation: 0
        case .loop(let loop): step.inputs.indices.first { loop.mayOverwrite(input: $0) }
        default: nil
        }
        guard let place else { return nil }
        let buffer = bufferOfTensor[step.inputs[place]]
        let old = buffers[buffer]
        let new = buffers[bufferOfTensor[step.results[0]]]
        let isRead = step.inputs.count { bufferOfTensor[$0] == buffer } > 1
        guard old.input == nil, !old.isOwn, old.last == number, !isRead, old.byteCount == new.byteCount else { return nil }
        return step.inputs[place]
    }

    /// Places for all that is in use: own tensors one after another, the rest in one block.
    func layout() -> Layout {
        var result = Layout()
        result.releases = Array(repeating: [], count: steps.count)
        let used = Set(bufferOfTensor + scratchOfStep)
        let inArena = buffers.indices.filter { used.contains($0) && buffers[$0].input == nil && !buffers[$0].isOwn }
        let arena = ArenaLayout(inArena.map { ArenaLayout.Buffer(byteCount: buffers[$0].byteCount, lifetime: buffers[$0].first...buffers[$0].last) })
        var places: [MemoryPlan.Place] = Array(repeating: .input(0), count: buffers.count)
        for (index, offset) in zip(inArena, arena.offsets) { places[index] = .arena(offset: offset) }
        var live = Array(repeating: 0, count: steps.count)
        for (index, buffer) in buffers.enumerated() {
            if let input = buffer.input { places[index] = .input(input) }
            guard buffer.input == nil, buffer.isOwn, used.contains(index) else { continue }
            places[index] = .tensor(result.ownCount)
            if !buffer.isResult {
                result.releases[buffer.last].append(result.ownCount)
                for step in buffer.first...buffer.last { live[step] = Checked.clampedSum(live[step], buffer.byteCount) }
            }
            result.ownCount += 1
        }
        result.scratchOffsets = scratchOfStep.map { buffer in
            if buffer >= 0, case .arena(let offset) = places[buffer] { return offset }
            return 0
        }
        result.places = bufferOfTensor.map { $0 < 0 ? .input(0) : places[$0] }
        result.arenaByteCount = arena.byteCount
        result.peakByteCount = Checked.clampedSum(arena.byteCount, live.max() ?? 0)
        return result
    }
}
