import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec

/// What the page says of one kernel.
struct KernelSection {
    private let contents: PluginContents
    private let kernel: PluginContents.Kernel
    private let spec: KernelSpec
    private let loop: HotLoop?
    private let measurement: KernelMeasurement
    private let reprinted: Result<ReprintedKernel, ReprintedKernel.Unknown>
    private let speed: Speed

    /// - Parameters:
    ///   - contents: the plugin.
    ///   - index: of the kernel in it.
    ///   - loop: the kernel's hot loop.
    ///   - measurement: what was measured of it.
    init(_ contents: PluginContents, _ index: Int, loop: HotLoop?, _ measurement: KernelMeasurement) {
        let descriptor = contents.descriptors[index]
        self.contents = contents
        self.loop = loop
        self.measurement = measurement
        kernel = contents.kernels[index]
        spec = descriptor.spec
        do throws(ReprintedKernel.Unknown) {
            reprinted = .success(try ReprintedKernel(descriptor))
        } catch {
            reprinted = .failure(error)
        }
        let inputBytes = Checked.clampedCount(spec.inputShape(batch: 1) + [spec.elements.storage.byteCount])
        let bytes = Checked.clampedSum(inputBytes, Checked.clampedSum(kernel.outputBytesPerSample, kernel.packedBytes))
        speed = Speed(kernel, bytes: bytes, schedule: (try? reprinted.get())?.schedule, measurement)
    }

    func context(anchor: String) -> KernelContext {
        let functions = contents.functions(of: kernel)
        return KernelContext(
            anchor: anchor, name: kernel.name, figures: figures, problem: problem, scheduleText: kernel.schedule, schedule: schedule,
            noSchedule: noSchedule, speed: speedContext, functions: FunctionTable(functions),
            noFunctions: functions.isEmpty ? whyNoCode : nil, loop: loop.map(LoopContext.init), noLoop: loop == nil ? whyNoLoop : nil, facts: kernel.facts)
    }

    private var figures: [PageContext.Figure] {
        let functions = contents.functions(of: kernel)
        return [
            PageContext.Figure(figure: decimal(Double(kernel.flopPerSample) / 1e9, 3), caption: "GFLOP a sample"),
            PageContext.Figure(figure: percent(speed.expectedShare), caption: "of peak expected"),
            PageContext.Figure(figure: percent(speed.measuredShare), caption: "of peak measured"),
            // Spills are counted in loops with fused multiply-adds only, which kernels for x86-64-v2 do not have.
            PageContext.Figure(
                figure: functions.contains { $0.fusedMultiplyAdds > 0 } ? "\(functions.reduce(0) { $0 + $1.loopSpills })" : "-",
                caption: "spills in computing loops"),
        ]
    }

    private var problem: ProblemContext {
        let geometry = spec.geometry
        let gather = spec.gather
        var sentences = [
            spec.op.meaning,
            """
            \(gather.channels) channels become \(gather.filters) filters\(geometry.groups > 1 ? " in \(geometry.groups) independent groups" : ""), in \
            \(spec.elements.storage.rawValue), \(spec.layout.rawValue). The input has the shape \(Self.shape(spec.inputShape(batch: 1))) for one sample, the \
            result \(Self.shape(spec.outputShape(batch: 1))), the weights \(Self.shape(geometry.kernelShape)).
            """,
        ]
        let bias = spec.epilogue.hasBias ? "A bias is added to each sum" : "No bias is added"
        let activation = spec.epilogue.activation == .linear ? "no activation follows" : "the activation \(spec.epilogue.activation.token) follows"
        let policy = spec.policy == .direct ? "plain sums of products" : "sums that are rearranged algebraically"
        sentences.append("\(bias); \(activation). The results are \(policy) (policy \(spec.policy.rawValue)).")
        let names = geometry.axes.count == 3 ? ["depth", "height", "width"] : geometry.axes.indices.map { "axis \($0)" }
        return ProblemContext(
            sentences: sentences,
            axes: zip(names, zip(geometry.axes, gather.axes)).map { name, axis in
                ProblemContext.Axis(
                    axis: name, input: axis.1.sources, output: axis.1.results, kernelSize: axis.0.kernel, stride: axis.0.stride, dilation: axis.0.dilation,
                    crop: axis.0.crop, phases: axis.1.phases)
            })
    }

    private static func shape(_ extents: [Int]) -> String { "(" + extents.map(String.init).joined(separator: ", ") + ")" }

    private var schedule: ScheduleContext? {
        guard case .success(let reprinted) = reprinted else { return nil }
        let family = reprinted.schedule.family
        let picture = TileMapPicture(map: family.tileMap)
        return ScheduleContext(
            explanation: family.explanation, tileMap: picture.markup, legend: picture.legend,
            mapCaption: """
                \(picture.map.caption) Cells of the first work item are in full colour, tiles beside each other differ in shade, and one register tile is outlined. \
                Shown are \(picture.map.rows) rows and \(picture.map.columns) columns.
                """,
            source: reprinted.source, lineCount: reprinted.source.utf8.count { $0 == UInt8(ascii: "\n") }, doubts: reprinted.doubts)
    }

    private var noSchedule: String? {
        if case .failure(let unknown) = reprinted { "\(unknown.reason) So there is neither its explanation nor its C here." } else { nil }
    }

    private var speedContext: SpeedContext {
        var notes: [String] = []
        if speed.expectedShare != nil {
            notes.append(
                """
                The expected share is the cost model's, for a core with two multiply-add units: good enough to rank schedules of one problem, and no promise. \
                Kernels that save multiply-adds may exceed 100 %, as useful operations are counted.
                """)
        }
        var roofline: Markup?
        switch measurement {
        case .notMeasured(let reason): notes.append("Not measured: \(reason)")
        case .measured(let layer, let bandwidth):
            if let peak = layer.peakPerThread, let bandwidth {
                roofline = RooflinePicture(
                    intensity: speed.intensity, peak: peak, bandwidth: bandwidth.bytesPerSecond / 1e9, measured: layer.gigaflopsPerSecond,
                    expected: speed.expectedRate
                ).markup
            } else {
                notes.append("There is no roofline: \(layer.peakPerThread == nil ? "the peak" : "the bandwidth") could not be measured here.")
            }
        }
        return SpeedContext(rows: speed.rows, roofline: roofline, notes: notes)
    }

    private var whyNoCode: String {
        if case .notInspected(let reason) = contents.inspection { "The machine code was not inspected: \(reason)." } else {
            "The plugin has no function of this kernel's file."
        }
    }

    private var whyNoLoop: String {
        if case .notInspected = contents.inspection { whyNoCode } else { "No innermost loop of this kernel multiplies." }
    }
}

extension LoopContext {
    /// A loop of the longest kernels has some hundred instructions; more than this is no help to anyone.
    private static let mostLines = 2000

    init(_ loop: HotLoop) {
        let fuses = loop.fusedMultiplyAdds > 0
        let kind = fuses ? "fused multiply-add" : "multiplication"
        summary = """
            \(fuses ? "" : "No innermost loop has fused multiply-adds. ")The innermost loop with the most \(kind)s, in \(loop.function): \
            \(counted(loop.lines.count, "instruction")), \(counted(fuses ? loop.fusedMultiplyAdds : loop.multiplications, kind)), \
            \(counted(loop.spills, "spill")).\
            \(loop.lines.count > Self.mostLines ? " The first \(Self.mostLines) are shown." : "")
            """
        lines = loop.lines.prefix(Self.mostLines).map { line in
            let computes = fuses ? line.instruction.isFusedMultiplyAdd : line.instruction.isMultiplication
            let style = line.instruction.isSpill ? "spill" : computes ? "computes" : "other"
            return Line(style: style, text: line.text)
        }
    }
}
