import LayerSpec
import Scheduling

/// What `Templates/families/BatchRows/batch_rows.c.mustache` is rendered with.
struct BatchRowsContext: KernelContext {
    let name: String
    let heading: KernelHeading
    let channels: Int
    let filters: Int
    let outputHeight: Int, outputWidth: Int
    let voxels: Int
    let outputs: Int
    let vectors: Int
    let rowMaximum: Int
    let rowCounts: [Int]
    let product: MatrixProduct
    let panel: Int
    let panels: Int
    let filterOperator: String, filterOperand: String
    let voxelOperator: String, voxelOperand: String
    let usesBias: Bool
    let activation: String
    let packedElements: Int
    let depthCrop: Int, heightCrop: Int, widthCrop: Int
    let depthDilation: Int, heightDilation: Int, widthDilation: Int
    let kernelHeight: Int, kernelWidth: Int

    init(_ schedule: Schedule, _ resolved: BatchRowsSchedule, name: String) {
        let spec = schedule.spec
        let geometry = spec.geometry
        let (depth, height, width) = (geometry.axes[0], geometry.axes[1], geometry.axes[2])
        self.name = name
        heading = KernelHeading(
            schedule, unit: resolved.unit, looped: ["outputs", "samples"] + (geometry.channels > 1 ? ["channels"] : []), converts: false)
        channels = geometry.channels
        filters = geometry.filters
        (outputHeight, outputWidth) = (height.output, width.output)
        voxels = geometry.outputVolume
        outputs = resolved.outputs
        vectors = resolved.parameters.vectors
        rowMaximum = resolved.parameters.rows
        rowCounts = Array(1...resolved.parameters.rows)
        product = MatrixProduct(
            vectorCount: "VECTORS", initial: "vs_load(bias + vector * VS_LANES)",
            columns: "PANEL", input: "x[row * (int64_t)CHANNELS + c]", unroll: resolved.parameters.unroll,
            scalar: resolved.unit.scalar)
        panel = resolved.panel
        panels = resolved.panels
        switch spec.layout {
        case .channelsLast:
            (filterOperator, filterOperand, voxelOperator, voxelOperand) = ("%", "FILTERS", "/", "FILTERS")
        case .channelsFirst:
            (filterOperator, filterOperand, voxelOperator, voxelOperand) = ("/", "VOXELS", "%", "VOXELS")
        }
        usesBias = spec.epilogue.hasBias
        // The schedule's activation is pointwise, so it always has an expression.
        activation = ActivationExpression.apply(spec.epilogue.activation, to: "sum", resolved.unit.result) ?? "sum"
        packedElements = resolved.packedByteCount / resolved.unit.element.byteCount
        (depthCrop, heightCrop, widthCrop) = (depth.crop, height.crop, width.crop)
        (depthDilation, heightDilation, widthDilation) = (depth.dilation, height.dilation, width.dilation)
        (kernelHeight, kernelWidth) = (height.kernel, width.kernel)
    }
}
