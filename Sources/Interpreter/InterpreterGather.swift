import CVoxInterpreter
import VoxKernels
import VoxLayerSpec

/// `transposedConvolution` and `convolution` in the interpreter: a result reads, for each tap that reaches it, the channels of one source.
///
/// The results are cut into boxes, products of one `AxisRun` per axis, in which all positions read through the same taps. A work item is a piece of
/// the rows of one box of the outer axes, with *all* runs of the last axis. So it has whole rows, and a softmax along the last axis never leaves
/// its item.
struct InterpreterGather: Sendable {
    /// A box of the outer axes. Offsets count elements.
    private struct OuterBox {
        var extents: [Int] = []
        var sourceSteps: [Int] = []
        var resultSteps: [Int] = []
        var firstResult = 0
        /// The taps of each axis, shared by the boxes with the same run. Their combinations are listed when the box is computed: if every box held
        /// its own, they would take gigabytes for kernels of a hundred taps per axis.
        var taps: [AxisTaps] = []
        var rows: Int { extents.reduce(1, *) }

        /// Source and result offset of one of the rows.
        func offsets(row: Int) -> (source: Int, result: Int) {
            var (rest, source, result) = (row, 0, firstResult)
            for axis in extents.indices.reversed() {
                let (quotient, n) = rest.quotientAndRemainder(dividingBy: extents[axis])
                source += n * sourceSteps[axis]
                result += n * resultSteps[axis]
                rest = quotient
            }
            return (source, result)
        }
    }

    /// A run of the last axis. Offsets count elements.
    private struct LastRun {
        let firstResult: Int
        let resultStep: Int
        let sourceStep: Int
        let count: Int
        let taps: AxisTaps
    }

    /// The taps of one run of an axis with kernel size `kernel`: source offset in elements, and index.
    private struct AxisTaps {
        let kernel: Int
        let list: [(source: Int, tap: Int)]

        /// Replaces each of `count` pairs by its combinations with these taps; weights are row-major indices of taps.
        /// - Returns: the number of pairs then.
        func multiply(_ pairs: UnsafeMutablePointer<vs_interp_pair>, count: Int) -> Int {
            if list.isEmpty { return 0 }
            // From the back, so that no pair is overwritten before its turn.
            for index in (0..<count).reversed() {
                let outer = pairs[index]
                for (number, inner) in list.enumerated() {
                    pairs[index * list.count + number] = vs_interp_pair(
                        source: outer.source + Int64(inner.source), weight: outer.weight * Int64(kernel) + Int64(inner.tap))
                }
            }
            return count * list.count
        }
    }

    struct Item {
        let box: Int
        let rows: Range<Int>
    }

    /// Longest run of the last axis that is handled at once; bounds the workspace.
    private static let longestRun = 4096

    private let spec: KernelSpec
    private let gather: Gather
    private let loops: InterpreterLoops
    private let boxes: [OuterBox]
    private let lastRuns: [LastRun]
    let items: [Item]

    private let sourceFeatures: Int  // of one group
    private let resultFeatures: Int  // of one group
    private let sourceFeatureStep: Int
    private let resultFeatureStep: Int
    private let sourceSample: Int  // elements of one batch element
    private let resultSample: Int
    /// Results of the last axis.
    private let width: Int

    /// Elements of one vector along the features, when the loops run along them; nil when they run along result features.
    private let dotLanes: Int?
    private let weightRows: Int
    private let groupWeights: Int  // arithmetic elements of one group's packed weights

    /// Where things stand in the workspace.
    private struct Offsets {
        let pairs: Int
        let rowSources: Int
        let rowResults: Int
        let sources: Int
        let results: Int
    }

    private let offsets: Offsets
    let workspaceByteCount: Int

    init(_ spec: KernelSpec, loops: InterpreterLoops) {
        self.spec = spec
        self.loops = loops
        let gather = spec.gather
        self.gather = gather
        let isLast = spec.layout == .channelsLast
        let sourceExtents = gather.axes.map(\.sources)
        let resultExtents = gather.axes.map(\.results)
        sourceFeatures = gather.channelsPerGroup
        resultFeatures = gather.filtersPerGroup
        let (sourceVolume, resultVolume) = (gather.sourceVolume, gather.resultVolume)
        sourceFeatureStep = isLast ? 1 : sourceVolume
        resultFeatureStep = isLast ? 1 : resultVolume
        sourceSample = sourceVolume * gather.channels
        resultSample = resultVolume * gather.filters
        width = resultExtents.last ?? 1

        // Elements from one position to the next along each axis.
        let sourceSteps = axisSteps(sourceExtents, voxel: isLast ? gather.channels : 1)
        let resultSteps = axisSteps(resultExtents, voxel: isLast ? gather.filters : 1)

        boxes = Self.boxes(gather, sourceSteps: sourceSteps, resultSteps: resultSteps)
        lastRuns = Self.lastRuns(gather, sourceSteps: sourceSteps, resultSteps: resultSteps)
        items = Self.items(boxes, width: width, resultVolume: resultVolume)

        let rows = items.reduce(0) { max($0, $1.rows.count) }
        let positions = rows * lastRuns.reduce(0) { max($0, $1.count) }
        // Room for the combinations of the first axes even where a later one has no taps.
        let taps = boxes.reduce(1) { most, box in max(most, box.taps.reduce(1) { $0 * max(1, $1.list.count) }) }
            * lastRuns.reduce(1) { max($0, $1.taps.list.count) }
        var layout = WorkspaceLayout()
        offsets = Offsets(
            pairs: layout.take(vs_interp_pair.self, taps),
            rowSources: layout.take(Int.self, rows), rowResults: layout.take(Int.self, rows),
            sources: layout.take(Int64.self, positions), results: layout.take(Int64.self, positions))
        workspaceByteCount = layout.byteCount

        weightRows = gather.tapCount * sourceFeatures
        dotLanes = Self.dotLanes(
            loops, reduction: sourceFeatures, columns: resultFeatures, isContiguous: sourceFeatureStep == 1,
            tapsPerResult: Double(gather.tapCount) / gather.axes.reduce(1) { $0 * Double($1.phases) })
        groupWeights =
            dotLanes == nil
            ? loops.blockWidths(columns: resultFeatures).reduce(0, +) * weightRows : resultFeatures * weightRows
    }

    /// The combinations of runs of all axes but the last.
    private static func boxes(_ gather: Gather, sourceSteps: [Int], resultSteps: [Int]) -> [OuterBox] {
        var boxes = [OuterBox()]
        for (index, axis) in gather.axes.enumerated().dropLast() {
            let (sourceStep, resultStep) = (sourceSteps[index], resultSteps[index])
            let runs = AxisRun.runs(of: axis).map { run in
                (run, AxisTaps(kernel: axis.kernel, list: run.taps.map { ($0.source * sourceStep, $0.tap) }))
            }
            boxes = boxes.flatMap { box in
                runs.map { run, taps in
                    var longer = box
                    longer.extents.append(run.count)
                    longer.sourceSteps.append(run.sourceStep * sourceStep)
                    longer.resultSteps.append(run.resultStep * resultStep)
                    longer.firstResult += run.firstResult * resultStep
                    longer.taps.append(taps)
                    return longer
                }
            }
        }
        return boxes
    }

    /// The runs of the last axis, in pieces of at most `longestRun`.
    private static func lastRuns(_ gather: Gather, sourceSteps: [Int], resultSteps: [Int]) -> [LastRun] {
        guard let axis = gather.axes.last, let sourceStep = sourceSteps.last, let resultStep = resultSteps.last else { return [] }
        return AxisRun.runs(of: axis).flatMap { run in
            stride(from: 0, to: run.count, by: longestRun).map { begin in
                LastRun(
                    firstResult: (run.firstResult + begin * run.resultStep) * resultStep,
                    resultStep: run.resultStep * resultStep, sourceStep: run.sourceStep * sourceStep,
                    count: min(longestRun, run.count - begin),
                    taps: AxisTaps(
                        kernel: axis.kernel, list: run.taps.map { (($0.source + begin * run.sourceStep) * sourceStep, $0.tap) }))
            }
        }
    }

    /// Pieces of the rows of all boxes.
    private static func items(_ boxes: [OuterBox], width: Int, resultVolume: Int) -> [Item] {
        // Enough positions in an item to use a block of weights many times, enough items to share among threads.
        let wanted = max(64, min(512, resultVolume / 64))
        let rowsPerItem = max(1, wanted / width)
        var items: [Item] = []
        for (index, box) in boxes.enumerated() {
            let pieces = (box.rows + rowsPerItem - 1) / rowsPerItem
            for piece in 0..<pieces {
                items.append(Item(box: index, rows: EqualShares.range(of: piece, among: pieces, items: box.rows)))
            }
        }
        // In the order of memory, so that the phases of one region meet in the cache.
        let keyed = items.map { (key: boxes[$0.box].offsets(row: $0.rows.lowerBound).result, item: $0) }
        return keyed.sorted { $0.key < $1.key }.map(\.item)
    }

    /// Whether lanes along the source features need fewer instructions for a position than lanes along the result features. Adding up the lanes at
    /// the end takes about 8.
    private static func dotLanes(
        _ loops: InterpreterLoops, reduction: Int, columns: Int, isContiguous: Bool, tapsPerResult: Double
    ) -> Int? {
        guard isContiguous else { return nil }
        let bytes = [64, 32, 16].filter { $0 <= loops.vectorBytes }
        guard let lanes = bytes.map({ $0 / loops.arithmeticBytes }).first(where: { reduction % $0 == 0 }) else { return nil }
        let columnVectors = (columns * loops.arithmeticBytes + loops.vectorBytes - 1) / loops.vectorBytes
        let alongColumns = tapsPerResult * Double(reduction * columnVectors)
        let alongFeatures = Double(columns) * (tapsPerResult * Double(reduction / lanes) + 8)
        return alongFeatures < alongColumns ? lanes : nil
    }

    // MARK: Weights

    var packedByteCount: Int { (spec.geometry.groups * groupWeights * loops.arithmeticBytes + 63) / 64 * 64 }

    var packingKey: String {
        let geometry = spec.geometry
        return "\(spec.op.rawValue);k\(geometry.tapCount);c\(geometry.channels);f\(geometry.filters);g\(geometry.groups);"
            + "\(spec.elements.storage.rawValue)/\(spec.elements.accumulator.rawValue);\(dotLanes == nil ? "columns" : "rows")"
    }

    func pack(weights: UnsafeRawPointer, into packed: UnsafeMutableRawPointer) {
        switch (spec.elements.storage, spec.elements.accumulator) {
        case (.float64, .float64): pack(Double.self, Double.self, weights, packed)
        case (.float64, .float32): pack(Double.self, Float.self, weights, packed)
        case (.float32, .float64): pack(Float.self, Double.self, weights, packed)
        case (.float32, .float32): pack(Float.self, Float.self, weights, packed)
        default: preconditionFailure("InterpreterKernel refuses other types")
        }
    }

    @inline(__always)
    private func pack<S: InterpretedElement, A: InterpretedElement>(
        _: S.Type, _: A.Type, _ weights: UnsafeRawPointer, _ packed: UnsafeMutableRawPointer
    ) {
        let from = weights.assumingMemoryBound(to: S.self)
        let to = packed.assumingMemoryBound(to: A.self)
        to.update(repeating: 0, count: packedByteCount / MemoryLayout<A>.stride)
        // Rows are source features, columns result features.
        let steps = gather.weights
        let block = loops.blockColumns
        let widths = loops.blockWidths(columns: resultFeatures)
        for group in 0..<gather.groups {
            for tap in 0..<gather.tapCount {
                let first = tap * steps.tap + group * steps.group
                for column in 0..<resultFeatures {
                    var target = group * groupWeights
                    var step = 1
                    if dotLanes == nil {
                        let (index, inside) = column.quotientAndRemainder(dividingBy: block)
                        step = widths[index]
                        target += index * block * weightRows + inside
                    } else {
                        target += column * weightRows
                    }
                    target += tap * sourceFeatures * step
                    for row in 0..<sourceFeatures {
                        to[target + row * step] = .from(from[first + row * steps.channel + column * steps.filter])
                    }
                }
            }
        }
    }

    // MARK: Running

    func run(_ arguments: KernelArguments, workspace: UnsafeMutableRawPointer, items range: Range<Int>) {
        let pairs = (workspace + offsets.pairs).assumingMemoryBound(to: vs_interp_pair.self)
        let rowSources = (workspace + offsets.rowSources).assumingMemoryBound(to: Int.self)
        let rowResults = (workspace + offsets.rowResults).assumingMemoryBound(to: Int.self)
        let sources = (workspace + offsets.sources).assumingMemoryBound(to: Int64.self)
        let results = (workspace + offsets.results).assumingMemoryBound(to: Int64.self)
        let storage = loops.storageBytes

        var task = loops.task()
        task.pairs = UnsafePointer(pairs)
        task.reduction = Int64(sourceFeatures)
        task.source_step = Int64(sourceFeatureStep)
        task.source_offsets = UnsafePointer(sources)
        task.weight_rows = Int64(weightRows)
        task.columns = Int64(resultFeatures)
        task.result_offsets = UnsafePointer(results)
        task.result_step = Int64(resultFeatureStep)
        task.dot_lanes = Int32(dotLanes ?? 0)

        for number in range {
            let (sample, index) = number.quotientAndRemainder(dividingBy: items.count)
            let item = items[index]
            let box = boxes[item.box]
            let input = arguments.input + sample * sourceSample * storage
            let output = arguments.output + sample * resultSample * storage
            for (n, row) in item.rows.enumerated() {
                (rowSources[n], rowResults[n]) = box.offsets(row: row)
            }
            for run in lastRuns {
                pairs[0] = vs_interp_pair(source: 0, weight: 0)
                var count = 1
                for taps in box.taps { count = taps.multiply(pairs, count: count) }
                count = run.taps.multiply(pairs, count: count)
                for index in 0..<count { pairs[index].weight *= Int64(sourceFeatures) }
                task.pair_count = Int64(count)
                var position = 0
                for n in 0..<item.rows.count {
                    var source = rowSources[n]
                    var result = rowResults[n] + run.firstResult
                    for _ in 0..<run.count {
                        sources[position] = Int64(source)
                        results[position] = Int64(result)
                        source += run.sourceStep
                        result += run.resultStep
                        position += 1
                    }
                }
                task.positions = Int64(position)
                for group in 0..<spec.geometry.groups {
                    task.source = input + group * sourceFeatures * sourceFeatureStep * storage
                    task.weights = arguments.operand + group * groupWeights * loops.arithmeticBytes
                    task.bias = spec.epilogue.hasBias ? arguments.bias.map { $0 + group * resultFeatures * storage } : nil
                    task.result = output + group * resultFeatures * resultFeatureStep * storage
                    if dotLanes == nil { vs_interp_run(&task) } else { vs_interp_dot(&task) }
                }
            }
            activate(output, rowResults, count: item.rows.count)
        }
    }

    /// Applies the activation to the finished rows of an item.
    private func activate(_ output: UnsafeMutableRawPointer, _ rows: UnsafeMutablePointer<Int>, count: Int) {
        let activation = spec.epilogue.activation
        if activation == .linear { return }
        let features = resultFeatures * spec.geometry.groups
        for row in 0..<count {
            let start = output + rows[row] * loops.storageBytes
            switch spec.layout {
            case .channelsLast:
                ActivationArithmetic.apply(
                    activation, to: start, type: spec.elements.storage, rowLength: features, rows: 0..<width)
            case .channelsFirst:
                for feature in 0..<features {
                    ActivationArithmetic.apply(
                        activation, to: start + feature * resultFeatureStep * loops.storageBytes,
                        type: spec.elements.storage, rowLength: width, rows: 0..<1)
                }
            }
        }
    }
}
