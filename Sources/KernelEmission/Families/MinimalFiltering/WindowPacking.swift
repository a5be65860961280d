import VoxLayerSpec
import VoxScheduling

/// What `Templates/families/MinimalFiltering/window_pack.c.mustache` is rendered with.
struct WindowPacking {
    struct KernelPhase { let counts: String; let taps: String; let place: Int }

    let weightTransforms: String
    let phaseCount: Int
    let kernelPhases: [KernelPhase]
    let kernelHeight: Int, kernelWidth: Int

    init(_ gather: Gather, _ resolved: MinimalFilteringSchedule) {
        weightTransforms = MinimalFilteringSchedule.weights.map { rows in
            let lists = rows.map { row in "{ " + row.map(\.description).joined(separator: ", ") + " }" }
            return "{ " + (lists.isEmpty ? "{ 0 }" : lists.joined(separator: ", ")) + " }"
        }.joined(separator: ", ")
        kernelPhases = Self.phases(gather, resolved)
        phaseCount = kernelPhases.count
        (kernelHeight, kernelWidth) = (gather.axes[1].kernel, gather.axes[2].kernel)
    }

    private static func phases(_ gather: Gather, _ resolved: MinimalFilteringSchedule) -> [KernelPhase] {
        var kernelPhases: [KernelPhase] = []
        let unit = resolved.blockCount * resolved.blockFilters * resolved.unit.paddedChannels(gather.channelsPerGroup)
        for combination in resolved.combinations {
            var place = combination.weights
            for depth in combination.classes[0].phases {
                for height in combination.classes[1].phases {
                    for (number, width) in combination.classes[2].phases.enumerated() {
                        let lists = [depth, height, width].map(\.taps)
                        kernelPhases.append(
                            KernelPhase(
                                counts: lists.map { String($0.count) }.joined(separator: ", "),
                                taps: lists.map { "{ " + $0.map(String.init).joined(separator: ", ") + " }" }.joined(separator: ", "),
                                place: place + number % resolved.widthPhases * resolved.blockFilters))
                        // Phases in one register tile lie side by side.
                        if (number + 1) % resolved.widthPhases == 0 { place += combination.weightPoints * unit * resolved.widthPhases }
                    }
                }
            }
        }
        return kernelPhases
    }
}
