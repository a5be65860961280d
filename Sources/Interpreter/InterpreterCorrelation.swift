import CVoxInterpreter
import VoxKernels
import VoxLayerSpec

/// `kernelGradient` in the interpreter: for each tap, dw[f, c] = sum over positions of dy[o, f] * x[i, c].
///
/// A work item is one tap and a few filters, with all channels (dw's last axis, along which softmax runs). It goes through
/// the batch and the tap's positions in row-major order, copies a panel of x at a time into its workspace, and adds the panel
/// to sums kept there.
struct InterpreterCorrelation: Sendable {
    /// Filters of one item: four tiles of the AVX-512 loops.
    private static let filtersPerItem = 24

    private let spec: KernelSpec
    private let loops: InterpreterLoops
    private let isLast: Bool
    private let xSteps: [Int]
    private let ySteps: [Int]
    private let xFeatureStep: Int
    private let yFeatureStep: Int
    private let paddedChannels: Int  // of one group
    private let widths: [Int]
    private let panelRows: Int
    private let filterBlocks: Int

    /// Where things stand in the workspace.
    private struct Offsets {
        let panel: Int
        let sums: Int
        let pairs: Int
        let filters: Int
    }

    private let offsets: Offsets
    let workspaceByteCount: Int

    init(_ spec: KernelSpec, loops: InterpreterLoops) {
        self.spec = spec
        self.loops = loops
        let geometry = spec.geometry
        isLast = spec.layout == .channelsLast
        xSteps = axisSteps(geometry.axes.map(\.input), voxel: isLast ? geometry.channels : 1)
        ySteps = axisSteps(geometry.axes.map(\.output), voxel: isLast ? geometry.filters : 1)
        xFeatureStep = isLast ? 1 : geometry.inputVolume
        yFeatureStep = isLast ? 1 : geometry.outputVolume
        widths = loops.blockWidths(columns: geometry.channelsPerGroup)
        paddedChannels = widths.reduce(0, +)
        // About 64 KiB: half of it stays in a first-level cache beside the sums.
        let rowBytes = geometry.groups * paddedChannels * loops.arithmeticBytes
        panelRows = max(16, min(512, 65536 / rowBytes))
        filterBlocks = (geometry.filtersPerGroup + Self.filtersPerItem - 1) / Self.filtersPerItem
        var layout = WorkspaceLayout()
        offsets = Offsets(
            panel: layout.take(UInt8.self, panelRows * rowBytes), sums: layout.take(UInt8.self, Self.filtersPerItem * rowBytes),
            pairs: layout.take(vs_interp_pair.self, panelRows), filters: layout.take(Int64.self, Self.filtersPerItem))
        workspaceByteCount = layout.byteCount
    }

    var itemCount: Int { spec.geometry.tapCount * filterBlocks }

    func run(_ arguments: KernelArguments, workspace: UnsafeMutableRawPointer, items: Range<Int>) {
        switch (spec.elements.storage, spec.elements.accumulator) {
        case (.float64, .float64): run(Double.self, Double.self, arguments, workspace, items)
        case (.float64, .float32): run(Double.self, Float.self, arguments, workspace, items)
        case (.float32, .float64): run(Float.self, Double.self, arguments, workspace, items)
        case (.float32, .float32): run(Float.self, Float.self, arguments, workspace, items)
        default: preconditionFailure("InterpreterKernel refuses other types")
        }
    }

    @inline(__always)
    private func run<S: InterpretedElement, A: InterpretedElement>(
        _: S.Type, _: A.Type, _ arguments: KernelArguments, _ workspace: UnsafeMutableRawPointer, _ items: Range<Int>
    ) {
        let geometry = spec.geometry
        let padded = geometry.groups * paddedChannels
        let panel = (workspace + offsets.panel).assumingMemoryBound(to: A.self)
        let sums = (workspace + offsets.sums).assumingMemoryBound(to: A.self)
        let pairs = (workspace + offsets.pairs).assumingMemoryBound(to: vs_interp_pair.self)
        let filterOffsets = (workspace + offsets.filters).assumingMemoryBound(to: Int64.self)
        let x = arguments.input.assumingMemoryBound(to: S.self)
        let dw = arguments.output.assumingMemoryBound(to: S.self)
        let bias = spec.epilogue.hasBias ? arguments.bias?.assumingMemoryBound(to: S.self) : nil

        // Padding lanes stay zero; the others are overwritten by every panel.
        panel.update(repeating: 0, count: panelRows * padded)
        for filter in 0..<Self.filtersPerItem { filterOffsets[filter] = Int64(filter * yFeatureStep) }

        var task = task(pairs: pairs, filterOffsets: filterOffsets)
        for item in items {
            let (tap, block) = item.quotientAndRemainder(dividingBy: filterBlocks)
            let firstFilter = block * Self.filtersPerItem
            let filters = min(Self.filtersPerItem, geometry.filtersPerGroup - firstFilter)
            task.positions = Int64(filters)
            sums.update(repeating: 0, count: filters * padded)

            var filled = 0
            var pairCount = 0
            var length = 0
            func flush() {
                if pairCount == 0 { return }
                task.pair_count = Int64(pairCount)
                task.reduction = Int64(length)
                for group in 0..<geometry.groups {
                    let filter = group * geometry.filtersPerGroup + firstFilter
                    task.source = arguments.operand + filter * yFeatureStep * MemoryLayout<S>.stride
                    task.weights = UnsafeRawPointer(panel + group * paddedChannels * panelRows)
                    task.accumulators = UnsafeMutableRawPointer(sums + group * paddedChannels)
                    vs_interp_run(&task)
                }
                filled = 0
                pairCount = 0
            }
            forEachSegment(tap: tap, batch: arguments.batch) { xStart, yStart, count in
                // The segments of one call are equally long.
                if filled + count > panelRows || count != length { flush() }
                length = count
                copy(x + xStart, count: count, to: panel, row: filled)
                pairs[pairCount] = vs_interp_pair(source: Int64(yStart), weight: Int64(filled))
                pairCount += 1
                filled += count
            }
            flush()

            let firstRow = tap * geometry.filtersPerGroup + firstFilter
            store(sums, bias, rows: filters, to: dw + firstRow * geometry.channels)
            ActivationArithmetic.apply(
                spec.epilogue.activation, to: arguments.output, type: spec.elements.storage, rowLength: geometry.channels,
                rows: firstRow..<firstRow + filters)
        }
    }

    /// The fields of a task that are the same in all calls of the inner loop.
    private func task(
        pairs: UnsafeMutablePointer<vs_interp_pair>, filterOffsets: UnsafeMutablePointer<Int64>
    ) -> vs_interp_task {
        let geometry = spec.geometry
        var task = loops.task()
        task.pairs = UnsafePointer(pairs)
        task.source_step = Int64((geometry.axes.last?.stride ?? 1) * (ySteps.last ?? 1))
        task.source_offsets = UnsafePointer(filterOffsets)
        task.weight_rows = Int64(panelRows)
        task.columns = Int64(geometry.channelsPerGroup)
        task.accumulator_pitch = Int64(geometry.groups * paddedChannels)
        return task
    }

    /// Adds the bias to the sums of some filters of a tap, and stores them as rows of channels.
    @inline(__always)
    private func store<S: InterpretedElement, A: InterpretedElement>(
        _ sums: UnsafeMutablePointer<A>, _ bias: UnsafePointer<S>?, rows: Int, to dw: UnsafeMutablePointer<S>
    ) {
        let geometry = spec.geometry
        for row in 0..<rows {
            let to = dw + row * geometry.channels
            for group in 0..<geometry.groups {
                let from = sums + (row * geometry.groups + group) * paddedChannels
                let first = group * geometry.channelsPerGroup
                for channel in 0..<geometry.channelsPerGroup {
                    var value = from[channel]
                    if let bias { value += .from(bias[first + channel]) }
                    to[first + channel] = .from(value)
                }
            }
        }
    }

    /// Copies the channels of `count` positions along the last axis into rows of the panel: [group][block][row][column].
    @inline(__always)
    private func copy<S: InterpretedElement, A: InterpretedElement>(
        _ x: UnsafePointer<S>, count: Int, to panel: UnsafeMutablePointer<A>, row: Int
    ) {
        let geometry = spec.geometry
        let step = xSteps.last ?? 1
        var channel = 0
        for group in 0..<geometry.groups {
            var block = panel + group * paddedChannels * panelRows
            var rest = geometry.channelsPerGroup
            for width in widths {
                let columns = min(rest, width)
                let to = block + row * width
                let from = x + channel * xFeatureStep
                if isLast {
                    for position in 0..<count {
                        let (target, voxel) = (to + position * width, from + position * step)
                        for column in 0..<columns { target[column] = .from(voxel[column]) }
                    }
                } else {
                    for column in 0..<columns {
                        let (target, feature) = (to + column, from + column * xFeatureStep)
                        for position in 0..<count { target[position * width] = .from(feature[position]) }
                    }
                }
                channel += columns
                rest -= columns
                block += width * panelRows
            }
        }
    }

    /// The pairs (i, o) of a tap, batch included, as segments along the last axis of at most `panelRows` positions: the
    /// offsets of the first x and dy element, and the number of positions.
    @inline(__always)
    private func forEachSegment(tap: Int, batch: Int, _ body: (_ x: Int, _ y: Int, _ count: Int) -> Void) {
        let axes = spec.geometry.axes
        var taps = [Int](repeating: 0, count: axes.count)
        var rest = tap
        for axis in axes.indices.reversed() {
            (rest, taps[axis]) = rest.quotientAndRemainder(dividingBy: axes[axis].kernel)
        }
        let inputs = zip(axes, taps).map { $0.inputs(ofTap: $1) }
        guard let last = axes.indices.last, inputs.allSatisfy({ !$0.isEmpty }) else { return }
        let rows = inputs.dropLast().reduce(1) { $0 * $1.count }
        let (xSample, ySample) = (
            spec.geometry.inputVolume * spec.geometry.channels, spec.geometry.outputVolume * spec.geometry.filters
        )
        for sample in 0..<batch {
            for row in 0..<rows {
                var (rest, xRow, yRow) = (row, sample * xSample, sample * ySample)
                for axis in (0..<last).reversed() {
                    let (quotient, n) = rest.quotientAndRemainder(dividingBy: inputs[axis].count)
                    let i = inputs[axis].lowerBound + n
                    xRow += i * xSteps[axis]
                    yRow += axes[axis].output(ofInput: i, tap: taps[axis]) * ySteps[axis]
                    rest = quotient
                }
                for i in stride(from: inputs[last].lowerBound, to: inputs[last].upperBound, by: panelRows) {
                    body(
                        xRow + i * xSteps[last], yRow + axes[last].output(ofInput: i, tap: taps[last]) * ySteps[last],
                        min(panelRows, inputs[last].upperBound - i))
                }
            }
        }
    }
}
