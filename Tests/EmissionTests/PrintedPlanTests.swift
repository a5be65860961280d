import Testing
import VoxKernelEmission
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// What is printed is what was planned.
@Suite struct PrintedPlanTests {
    /// The printed multiply-adds are those of the plan: nothing is lost between plan and text.
    @Test func printedMultiplyAddsAreCounted() throws {
        for spec in try edgeProblems() + edgeProblems(.convolution) {
            let schedule = try plan(spec, target: Target(.x86_64_v3))
            let unit = try KernelUnit(schedule)
            let resolved = try #require(schedule.filterLanes)
            let layout = resolved.packedLayout
            let perUse = (layout.blockCount > 1 ? layout.vectors : 0)
                + (layout.blockCount > 1 && spec.gather.filters % layout.filtersPerBlock == 0 ? 0 : layout.lastVectors)
            let lonely = spec.gather.channels % layout.channelsPerVector != 0
            let bodies = lonely ? (layout.channelSteps > 1 ? 2 : 1) : 1
            let printed = unit.source.text.split(separator: "+= s * ").count - 1
            #expect(printed == resolved.tilePlan.useCount * perUse * bodies, "\(spec.key) \(schedule.text)")
            #expect(unit.source.text.contains("counted   \(spec.geometry.multiplyAddCount) multiply-adds a sample"))
        }
    }

    /// Equal input gives equal text, and the target's name is all that distinguishes native from named.
    @Test func emissionIsPure() throws {
        for spec in try edgeProblems() + edgeProblems(.convolution) {
            let first = try KernelUnit(try plan(spec, target: Target(.x86_64_v4)))
            let second = try KernelUnit(try plan(spec, target: Target(.x86_64_v4, name: "native")))
            #expect(first.source == second.source)
        }
    }

    /// Kernels of float64 hold no float, whatever the activation.
    @Test func float64KernelsAreDoubleThroughout() throws {
        let axis = try AxisGeometry(input: 8, output: 8, kernel: 3, stride: 1, dilation: 1, crop: 1)
        let geometry = try Geometry(axes: [axis, axis, axis], channels: 4, filters: 4)
        for activation in Activation.samples where activation.isPointwise {
            let spec = KernelSpec(geometry: geometry, elements: .float64, epilogue: Epilogue(hasBias: true, activation: activation), policy: .direct)
            let text = try KernelUnit(try plan(spec, target: Target(.x86_64_v4))).source.text
            #expect(text.contains("#define VS_REAL_BYTES 8") && !text.contains("float *"), "\(activation)")
        }
    }
}
