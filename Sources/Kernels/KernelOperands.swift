import VoxLayerSpec

/// What a kernel reads beside input, packed weights and bias.
public struct KernelOperands: OptionSet, Hashable, Sendable {
    /// The bits of the ABI header's VS_OPERAND constants, which a descriptor has; `Tests/KernelRuntimeTests/KernelABITests.swift` compares them.
    public let rawValue: UInt32

    /// The operands of these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The other tensor of an operation that reads two.
    public static let second = KernelOperands(rawValue: 1)
    /// A tensor of the output's shape that is added before the activation.
    public static let residual = KernelOperands(rawValue: 2)
    /// What sums of integers are multiplied by, one number per filter.
    public static let scales = KernelOperands(rawValue: 4)
    /// The integers that stand for 0 in the input and in the output.
    public static let zeroPoints = KernelOperands(rawValue: 8)
    /// The distance of the output's voxels where it is not the number of filters. A call may leave it out.
    public static let voxelStride = KernelOperands(rawValue: 16)

    /// All operands that this version knows.
    package static let known: KernelOperands = [.second, .residual, .scales, .zeroPoints, .voxelStride]

    /// Their names, for sentences.
    public var names: [String] {
        let all: [(KernelOperands, String)] = [
            (.second, "a second operand"), (.residual, "a residual input"), (.scales, "scales"), (.zeroPoints, "zero points"),
            (.voxelStride, "a voxel stride of the output"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

extension KernelArguments {
    /// What the call gives.
    package var operands: KernelOperands {
        var given: KernelOperands = []
        if second != nil { given.insert(.second) }
        if residual != nil { given.insert(.residual) }
        if scales != nil { given.insert(.scales) }
        if zeroPoints != nil { given.insert(.zeroPoints) }
        if outputVoxelStride != 0 { given.insert(.voxelStride) }
        return given
    }
}

extension Kernel {
    /// - Parameter given: what a caller has for the kernel.
    /// - Throws: `KernelError` when the kernel reads what is not given, and when it would ignore what is.
    package func check(operands given: KernelOperands) throws(KernelError) {
        let missing = operands.subtracting(given).subtracting(.voxelStride)
        if !missing.isEmpty { throw .missingOperands(kernel: name, missing) }
        let ignored = given.subtracting(operands)
        if !ignored.isEmpty { throw .ignoredOperands(kernel: name, ignored) }
    }
}
