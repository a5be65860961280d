import VoxLayerSpec
import VoxTensors

/// A random legal problem with unequal axes, any op, layout, groups, types and epilogue.
package func randomSpec(_ random: inout SeededRandom, rank: Int = 3) throws -> KernelSpec {
    let groups = random.choice([1, 1, 2, 3])
    let axes = try (0..<rank).map { _ in
        try AxisGeometry(
            input: random.integer(1...4), output: random.integer(1...9), kernel: random.integer(1...4),
            stride: random.integer(1...3), dilation: random.integer(1...3), crop: random.integer(0...3))
    }
    return KernelSpec(
        op: random.choice(KernelOp.allCases),
        geometry: try Geometry(
            axes: axes, channels: groups * random.integer(1...3), filters: groups * random.integer(1...3), groups: groups),
        layout: random.choice(Layout.allCases),
        elements: ElementTypes(
            storage: random.choice(ElementType.arithmeticTypes), arithmetic: random.choice(ElementType.arithmeticTypes)),
        epilogue: Epilogue(hasBias: random.chance(0.5), activation: random.choice(Activation.samples)),
        policy: random.choice(Policy.allCases))
}
