import VoxKernelRuntime
import VoxLayerSpec

/// How a model is computed for inputs of given shapes: the steps, what computes each of them, and the memory that a call takes beside its
/// results. Printing it gives a table.
///
///     print(try model.plan(inputShape: [1, 64, 64, 64, 1]))
public struct NetworkPlan: Sendable, CustomStringConvertible {
    /// One thing that is computed: a layer with what was folded and fused into it.
    public struct Step: Sendable {
        /// The names of the layers that went into it, in the order of computation, joined by " + ".
        public let name: String
        /// What computes it: the name of a kernel, "interpreter", "loop" for the loops of other layers, or "layer" for a layer that is called
        /// as it is.
        public let kernel: String
        /// The kernel of a convolution, and why; nil for another step.
        public let choice: KernelChoice?
        /// The kernels of the convolutions inside of a layer that is called as it is: a wrapper, or a convolution with more around its kernel.
        public let innerChoices: [KernelChoice]
        /// Of its results, with the batch of the plan.
        public let outputShapes: [[Int]]
        /// Bytes of its results.
        public let byteCount: Int
        /// Useful floating-point operations of convolutions, for the batch of the plan; 0 for a step without any.
        public let flopCount: Int
        /// Where its result lies in the memory of the call; nil for one that is a result of the model, or a tensor of its own.
        public let offset: Int?

        init(
            name: String, kernel: String, choice: KernelChoice? = nil, innerChoices: [KernelChoice] = [], outputShapes: [[Int]], byteCount: Int,
            flopCount: Int = 0, offset: Int? = nil
        ) {
            (self.name, self.kernel, self.choice, self.innerChoices, self.outputShapes) = (name, kernel, choice, innerChoices, outputShapes)
            (self.byteCount, self.flopCount, self.offset) = (byteCount, flopCount, offset)
        }

        /// The kernels of all convolutions in it.
        public var choices: [KernelChoice] { choice.map { [$0] } ?? innerChoices }
        /// Whether kernels from a plugin or a generator compute its convolutions, not the interpreter; nil for a step without any.
        public var isSpecialized: Bool? { choices.isEmpty ? nil : choices.allSatisfy(\.isSpecialized) }
    }

    /// In the order of computation.
    public let steps: [Step]
    /// Bytes between the steps: what one call takes from the pool beside its results, for the batch of the given shapes.
    public let peakByteCount: Int
    /// Bytes of the packed weights, those that several steps share counted once.
    public let packedByteCount: Int
    /// The most bytes of workspace that one step takes, with the usual number of threads.
    public let workspaceByteCount: Int

    /// A table of the steps, and below it the memory.
    public var description: String {
        var rows = [["#", "layers", "computed by", "result", "bytes", "at"]]
        for (number, step) in steps.enumerated() {
            let shapes = step.outputShapes.map { "\($0)" }.joined(separator: ", ")
            rows.append(["\(number)", escaped(step.name), escaped(step.kernel), shapes, "\(step.byteCount)", step.offset.map { "\($0)" } ?? "-"])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { cells in
            let padded = cells.enumerated().map { column, cell in
                let blanks = String(repeating: " ", count: widths[column] - cell.count)
                // Numbers end in a column, words begin in one.
                return [0, 4, 5].contains(column) ? blanks + cell : cell + blanks
            }
            return padded.joined(separator: "  ")
        }
        let memory = "pool \(peakByteCount) bytes, packed weights \(packedByteCount), workspace \(workspaceByteCount)"
        return (lines + [memory]).joined(separator: "\n")
    }
}
