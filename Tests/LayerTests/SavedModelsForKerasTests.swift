import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import Voxelsmith
import VoxelsmithModelIO
import _TestSupport

/// Files for a check in Keras itself: `Tools/oracle/check_saved_models.py DIR` loads what this writes where VOXELSMITH_SAVED_MODELS is DIR.
struct SavedModelsForKerasTests {
    /// Small integers: every sum is exact in float32, in any order, as long as the largest stays below 2^24.
    private func integers(_ shape: [Int], limit: Int, _ random: inout SeededRandom) throws -> Tensor {
        try Tensor(shape: shape, random.integers(shape.reduce(1, *), limit: limit)).cast(to: .float32)
    }

    /// Layers that take integers to integers, beside convolutions.
    private static let exactClasses: Set<String> = [
        "InputLayer", "Conv3D", "Conv3DTranspose", "Dropout", "Add", "Concatenate", "Maximum", "MaxPooling3D", "ZeroPadding3D", "Cropping3D", "Flatten",
        "Reshape",
    ]

    private func takesIntegersToIntegers(_ layer: Layer) -> Bool {
        (layer as? Model)?.layers.allSatisfy(takesIntegersToIntegers) ?? Self.exactClasses.contains(layer.className)
    }

    /// What is right for exact sums: nothing may differ where all activations choose between their operand and 0. The last layer may have
    /// another: of an exact operand, one rounding of each operation on either side, all results at most 1.
    private func tolerance(_ model: Model) -> Double? {
        guard takesIntegersToIntegers(model) else { return nil }
        let layers = convolutions(of: model)
        func isExact(_ layer: Conv3D) -> Bool { [.linear, .relu].contains(layer.activation) }
        if layers.allSatisfy(isExact) { return 0 }
        guard let last = layers.last, layers.dropLast().allSatisfy(isExact), last.activation == .sigmoid else { return nil }
        // Keras's exponential function is right to two units, ours to the bound that its tests state; then a sum and a quotient.
        return 16 * ElementType.float32.unitRoundoff
    }

    @Test func filesForKeras() throws {
        guard let folder = ProcessInfo.processInfo.environment["VOXELSMITH_SAVED_MODELS"] else {
            try Test.cancel("VOXELSMITH_SAVED_MODELS names no folder")
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var count = 0
        for (file, model) in try SavedModelTests.loadable() {
            let isKnown = model.convolutions.allSatisfy { $0.dtype == .float32 && $0.computeType == .float32 }
            guard isKnown, let tolerance = tolerance(model), !model.inputs.isEmpty else { continue }
            var random = SeededRandom(seed: UInt64(count + 1))
            try model.setWeights(model.getWeights().map { try integers($0.shape, limit: 1, &random) })
            let inputs = try SavedModelTests.inputs(of: model).map { try integers($0.shape, limit: 2, &random) }
            let outputs = try model(inputs)
            #expect(outputs.allSatisfy { $0.floats.allSatisfy { abs($0) < 16_777_216 } }, "\(file)")
            let name = "\(folder)/\(file.replacing(".", with: "_"))"
            try model.save(to: "\(name).keras")
            try model.save(to: "\(name).h5")
            try model.saveWeights(to: "\(name).weights.h5")
            try model.saveWeights(to: "\(name).safetensors")
            try model.saveWeights(to: "\(name).weights.npz")
            if !model.layers.contains(where: { $0.name.contains("/") }) { try model.save(to: "\(name).keras3.keras", config: .keras3) }
            var values = try [("tolerance", Tensor(shape: [], [tolerance] as [Double]))]
            values += inputs.enumerated().map { ("x\($0)", $1) } + outputs.enumerated().map { ("y\($0)", $1) }
            try NPZFile.write(values, to: "\(name).values.npz")
            count += 1
        }
        #expect(count > 12)
    }
}
