import VoxLayerSpec
import VoxScheduling

/// What the first lines of every kernel say: `Templates/shared/kernel_facts.c.mustache` and `kernel_headers.c.mustache`.
struct KernelHeading {
    let key: String
    let target: String
    let schedule: String
    /// What is looped over at run time.
    let looped: String
    let layout: String
    /// The type of the elements, as people call it.
    let elements: String
    let multiplyAdds: Int
    let lanes: Int
    let realBytes: Int
    let unitHeader: String
    /// Whether planes become voxels or back.
    let converts: Bool

    /// - Parameters:
    ///   - schedule: the schedule that is printed.
    ///   - unit: what multiplies and adds.
    ///   - looped: what is looped over at run time, outermost first.
    ///   - converts: whether planes become voxels or back.
    init(_ schedule: Schedule, unit: MultiplyUnit, looped: [String], converts: Bool) {
        let spec = schedule.spec
        key = spec.key.text
        target = schedule.target.instructionSet.rawValue
        self.schedule = schedule.text
        self.looped = looped.joined(separator: ", ")
        layout = spec.layout == .channelsLast ? "channels last" : "channels first"
        elements = unit.element.rawValue
        multiplyAdds = spec.geometry.multiplyAddCount
        lanes = unit.lanes
        realBytes = unit.element.byteCount
        unitHeader = unit.header
        self.converts = converts
    }
}

/// The sizes of input and output (`Templates/shared/tensor_extents.c.mustache`).
struct TensorExtents {
    let inputDepth: Int, inputHeight: Int, inputWidth: Int
    let outputDepth: Int, outputHeight: Int, outputWidth: Int

    init(_ gather: Gather) {
        let (depth, height, width) = (gather.axes[0], gather.axes[1], gather.axes[2])
        (inputDepth, inputHeight, inputWidth) = (depth.sources, height.sources, width.sources)
        (outputDepth, outputHeight, outputWidth) = (depth.results, height.results, width.results)
    }
}
