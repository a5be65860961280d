import Testing
import VoxLayerSpec
import VoxScheduling

@Suite struct GroupTests {
    private func spec(
        channels: Int, filters: Int, groups: Int, elements: ElementTypes = .float32, activation: Activation = .linear
    ) throws -> KernelSpec {
        let axis = try AxisGeometry(input: 8, output: 8, kernel: 3, stride: 1, dilation: 1, crop: 1)
        return KernelSpec(
            geometry: try Geometry(axes: [axis, axis, axis], channels: channels, filters: filters, groups: groups), elements: elements,
            epilogue: Epilogue(hasBias: true, activation: activation), policy: .direct)
    }

    /// Lanes run over groups where that fills them, and weights take no more room than whole vectors of filters.
    @Test func smallGroupsShareVectors() throws {
        for target in Target.named {
            for elements in [ElementTypes.float32, .float64] {
                let lanes = target.lanes(elements.storage)
                let depthwise = try plan(spec(channels: 33, filters: 33, groups: 33, elements: elements), target: target)
                #expect(depthwise.filterLanes?.parameters.mergesGroups == true, "\(depthwise.text)")
                let vectors = (33 + lanes - 1) / lanes
                let bytes = 27 * vectors * lanes * elements.storage.byteCount
                #expect(depthwise.packedByteCount == (bytes + 63) / 64 * 64, "\(depthwise.text)")
                let wide = try plan(spec(channels: 8 * lanes, filters: 2 * lanes, groups: 2, elements: elements), target: target)
                #expect(wide.filterLanes?.parameters.mergesGroups == false, "\(wide.text)")
                #expect(wide.packedByteCount == 27 * 8 * lanes * lanes * elements.storage.byteCount, "\(wide.text)")
            }
        }
    }

    @Test func whatCannotBeMergedIsSaid() throws {
        let merged = FilterLanes(tileWidth: 4, mergesGroups: true)
        for (spec, parameters, fragment) in [
            (try spec(channels: 4, filters: 4, groups: 1), merged, "several groups"),
            (try spec(channels: 18, filters: 18, groups: 2), merged, "at most 8 filters"),
            (try spec(channels: 10, filters: 2, groups: 2), merged, "four times as many channels"),
            (try spec(channels: 18, filters: 16, groups: 2), merged, "at most 8 channels"),
            (
                try spec(channels: 16, filters: 16, groups: 2),
                FilterLanes(vectors: 4, tileHeight: 4, tileWidth: 8, listsRows: false, mergesGroups: true), "a tile of merged groups"
            ),
            (try spec(channels: 4, filters: 4, groups: 2), FilterLanes(channelsPerVector: 2, tileWidth: 4, mergesGroups: true), "several channels per vector"),
        ] {
            do {
                _ = try plan(spec, target: Target(.x86_64_v4), decision: .filterLanes(parameters))
                Issue.record("\(spec.key) has a schedule with \(parameters.text)")
            } catch {
                #expect("\(error)".contains(fragment), "\(error)")
            }
        }
    }

    /// In float64 transcendental activations are left to the caller; everything else is fused, as in float32.
    @Test func float64KernelsFuseWhatNeedsNoApproximation() throws {
        var left = 0
        for activation in Activation.samples where activation.isPointwise {
            let double = try plan(spec(channels: 4, filters: 4, groups: 1, elements: .float64, activation: activation), target: Target(.x86_64_v4))
            let single = try plan(spec(channels: 4, filters: 4, groups: 1, activation: activation), target: Target(.x86_64_v4))
            #expect(single.spec.epilogue.activation == activation)
            if double.spec.epilogue.activation == .linear && activation != .linear {
                left += 1
                #expect(double.spec.epilogue == Epilogue(hasBias: true, activation: .linear))
            } else {
                #expect(double.spec.epilogue.activation == activation)
            }
        }
        #expect(left > 5)
        for activation in [Activation.tanh, .sigmoid, .exponential] {
            let schedule = try plan(spec(channels: 4, filters: 4, groups: 1, elements: .float64, activation: activation), target: Target(.x86_64_v3))
            #expect(schedule.spec.epilogue.activation == .linear)
        }
    }
}
