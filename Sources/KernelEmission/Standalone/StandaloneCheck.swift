import VoxLayerSpec
import VoxScheduling

/// The call that a layer is checked with by the program `main.c`.
struct CheckCall {
    /// Samples: several, unless that takes long.
    let batch: Int
    /// Every so many voxels are compared.
    let every: Int
    /// Magnitude of the largest inputs, weights and biases.
    let largest: Int
    /// One channel of so many is not 0, another in each voxel.
    let spacing: Int

    /// Multiply-adds in plain loops, about 0.1 s.
    private static let mostMultiplyAdds = 30_000_000

    init(_ layer: StandaloneLayer) {
        let spec = layer.unit.schedule.spec
        let count = spec.geometry.multiplyAddCount
        batch = count <= 20_000_000 ? 3 : count <= 200_000_000 ? 2 : 1
        let share = max(1, Checked.clampedProduct(count, batch).ceilingDivision(by: Self.mostMultiplyAdds))
        // Odd, as extents often are even: then the voxels have every place in a row.
        every = share == 1 ? 1 : share | 1
        // Sums are exact below 2^24 in float, 2^53 in double. Where the worst case leaves no room even so, random signs keep sums far below it.
        let (channels, exact) = (spec.gather.channelsPerGroup, 1 << spec.elements.storage.significandBits)
        let perChannel = layer.integerGrowth.ceilingDivision(by: channels)
        var (largest, spacing) = (2, 1)
        func isExact() -> Bool {
            Checked.clampedProduct(largest * largest, Checked.clampedProduct(perChannel, channels.ceilingDivision(by: spacing))) < exact - largest
        }
        if !isExact() { largest = 1 }
        while !isExact() && spacing < channels { spacing *= 2 }
        (self.largest, self.spacing) = (largest, spacing)
    }
}

/// One layer of `standalone_check.c.mustache`.
struct StandaloneCheck {
    let number: Int
    let stem: String
    /// The activation of `sum` in double precision: a call of a function in `Templates/standalone/voxelsmith_reference.h`.
    let reference: String
    let isConvolution: Int
    let isChannelsFirst: Int
    let elementBytes: Int
    let hasBias: Int
    /// For each axis, extents of x and y, taps, stride, dilation and crop.
    let axes: String
    let channels: Int
    let filters: Int
    let groups: Int
    let batch: Int
    let every: Int
    let largest: Int
    let spacing: Int
    /// The activation's rounding is at most the first times its value, plus the second times the sum, plus the third.
    let ofValue: Double
    let ofSum: Double
    let atLeast: Double

    init(_ layer: StandaloneLayer, stem: String, number: Int) {
        let spec = layer.unit.schedule.spec
        let (type, activation) = (spec.elements.storage, spec.epilogue.activation)
        let call = CheckCall(layer)
        self.number = number
        self.stem = stem
        reference = ActivationExpression.apply(activation, to: "sum", type, prefix: "reference_") ?? "sum"
        isConvolution = spec.op == .convolution ? 1 : 0
        isChannelsFirst = spec.layout == .channelsFirst ? 1 : 0
        elementBytes = type.byteCount
        hasBias = spec.epilogue.hasBias ? 1 : 0
        axes = spec.geometry.axes.map { axis in
            let numbers = [axis.input, axis.output, axis.kernel, axis.stride, axis.dilation, axis.crop]
            return "{\(numbers.map(String.init).joined(separator: ", "))}"
        }.joined(separator: ", ")
        (channels, filters, groups) = (spec.geometry.channels, spec.geometry.filters, spec.geometry.groups)
        (batch, every, largest, spacing) = (call.batch, call.every, call.largest, call.spacing)
        // The rounding is a multiple of the value, of the sum or of 1, or of the larger of two of them: no more than those multiples together.
        let large = 0x1p40
        ofValue = activation.rounding(at: 0, value: large, in: type) / large
        ofSum = activation.rounding(at: large, value: 0, in: type) / large
        atLeast = activation.rounding(at: 0, value: 0, in: type) + type.leastNormal
    }
}

/// Bytes of the buffers that the calls of some layers need, each as large as the largest of them.
struct CheckRoom {
    private(set) var inputBytes = Self.least
    private(set) var weightBytes = Self.least
    private(set) var biasBytes = Self.least
    private(set) var outputBytes = Self.least
    private(set) var packedBytes = Self.least
    private(set) var workspaceBytes = Self.least
    /// Sums of the voxels that are compared, in double precision.
    private(set) var sumCount = 1

    /// C has no arrays without elements.
    private static let least = 64
    /// Six buffers of this size are less than the 2 GiB that the memory of a program's variables may have.
    static let most = 256 << 20

    init(_ layers: [StandaloneLayer]) {
        for layer in layers {
            let (schedule, call) = (layer.unit.schedule, CheckCall(layer))
            let (spec, type) = (schedule.spec, schedule.spec.elements.storage)
            func bytes(_ shape: [Int]) -> Int { Checked.clampedProduct(Checked.clampedCount(shape), type.byteCount) }
            let outputs = spec.outputShape(batch: call.batch)
            inputBytes = max(inputBytes, bytes(spec.inputShape(batch: call.batch)))
            weightBytes = max(weightBytes, bytes(spec.geometry.kernelShape))
            biasBytes = max(biasBytes, bytes([spec.biasCount]))
            outputBytes = max(outputBytes, bytes(outputs))
            packedBytes = max(packedBytes, schedule.packedByteCount)
            workspaceBytes = max(workspaceBytes, schedule.workspaceByteCount)
            let voxels = Checked.clampedCount(outputs) / spec.biasCount
            sumCount = max(sumCount, Checked.clampedProduct(voxels.ceilingDivision(by: call.every), spec.biasCount))
        }
    }

    /// Whether a program has room for them.
    var fits: Bool {
        let largest = [inputBytes, weightBytes, biasBytes, outputBytes, packedBytes, workspaceBytes].max() ?? 0
        return max(largest, Checked.clampedProduct(sumCount, 8)) <= Self.most
    }
}
