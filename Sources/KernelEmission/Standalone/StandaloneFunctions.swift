import VoxLayerSpec
import VoxScheduling

/// The functions of one layer: what `standalone_layer.h.mustache` and `standalone_layer.c.mustache` in `Templates/standalone` are rendered with.
struct StandaloneFunctions {
    let stem: String
    /// The layer's name in quotes, for a comment.
    let title: String
    let operation: String
    let layout: String
    let element: String
    let inputShape: String
    let weightShape: String
    let weightAxes: String
    let outputShape: String
    let usesBias: Bool
    let biasElements: Int
    /// What the kernel does with each sum.
    let applied: String
    /// The activation that the kernel leaves to its caller; nil without one.
    let leftOut: String?
    let key: String
    let kernel: String
    let packedBytes: Int
    let workspaceBytes: Int
    let usesWorkspace: Bool
    let inputElements: Int
    let outputElements: Int
    let weightElements: Int
    let mostBatch: Int
    let isPerSample: Bool
    let items: Int

    init(_ layer: StandaloneLayer, stem: String) {
        let (schedule, spec) = (layer.unit.schedule, layer.unit.schedule.spec)
        self.stem = stem
        title = Self.comment(layer.name)
        operation = spec.op == .convolution ? "convolution" : "transposed convolution"
        layout = spec.layout == .channelsLast ? "channels last" : "channels first"
        element = MultiplyUnit.cType(spec.elements.storage)
        inputShape = Self.shape(["batch"] + spec.inputShape(batch: 1).dropFirst().map(String.init))
        weightShape = Self.shape(spec.geometry.kernelShape.map(String.init))
        weightAxes = Self.weightAxes(spec)
        outputShape = Self.shape(["batch"] + spec.outputShape(batch: 1).dropFirst().map(String.init))
        usesBias = spec.epilogue.hasBias
        biasElements = spec.biasCount
        let activation = spec.epilogue.activation
        let steps = (spec.epilogue.hasBias ? ["the bias"] : []) + (activation == .linear ? [] : [activation.token])
        applied = steps.isEmpty ? "nothing, these are the bare sums" : steps.joined(separator: ", then ")
        leftOut = layer.leftOutActivation?.token
        key = spec.key.text
        kernel = layer.unit.name
        packedBytes = schedule.packedByteCount
        workspaceBytes = schedule.workspaceByteCount
        usesWorkspace = workspaceBytes > 0
        inputElements = Checked.clampedCount(spec.inputShape(batch: 1))
        outputElements = Checked.clampedCount(spec.outputShape(batch: 1))
        weightElements = Checked.clampedCount(spec.geometry.kernelShape)
        (isPerSample, items) =
            switch schedule.workItems {
            case .perSample(let number): (true, number)
            case .perCall(let number): (false, number)
            }
        // Sizes of a geometry's tensors in bytes stay far below 2^63.
        mostBatch = Int.max / max(max(inputElements, outputElements) * spec.elements.storage.byteCount, items)
    }

    private static func shape(_ extents: [String]) -> String { "(\(extents.joined(separator: ", ")))" }

    private static func weightAxes(_ spec: KernelSpec) -> String {
        let group = spec.geometry.groups > 1 ? " of one group" : ""
        let features = spec.op == .convolution ? ["input features", "output features"] : ["output features", "input features"]
        return "depth, height and width of the kernel, \(features[0])\(group), \(features[1])"
    }

    /// A text in quotes that neither ends a comment nor looks like the start of one.
    private static func comment(_ text: String) -> String {
        let quoted = "\"\(Escaping(isQuoted: true, limit: 300)(text))\""
        // By scalars: a slash with an accent behind it is one Character, and no slash to Swift; to a compiler it is one.
        var (result, last): (String, Unicode.Scalar) = ("", "\"")
        for scalar in quoted.unicodeScalars {
            if (last == "*" && scalar == "/") || (last == "/" && scalar == "*") { result += "\\" }
            result.unicodeScalars.append(scalar)
            last = scalar
        }
        return result
    }
}
