import VoxKerasConfig
import VoxKernelBuild
import VoxLayerSpec
import VoxScheduling
import VoxVerification

/// What happens while a plugin is made, for whoever tells people about it: how far the work is, and what is not as one may expect, though it
/// stands in nobody's way.
public enum ForgeEvent: Sendable {
    /// A layer of a class that is not computed here.
    case passedOver(OtherLayer)
    /// A layer of a model that is left out, since nothing states its input shape.
    case shapeUnknown(layer: String)
    /// What a file says can be read in more than one way: how it was read, in one sentence.
    case doubt(String)
    /// No kernel family takes the layer; it is left to the interpreter.
    case noKernel(layer: String, reason: SchedulingError)
    /// How a layer will be computed.
    case scheduled(layer: String, Schedule)
    /// A measured schedule does not apply to the layer; the estimate is taken.
    case decisionUnused(layer: String, reason: SchedulingError)
    /// The decisions of a tunings file for so many layers were made elsewhere, and are ignored; `why` says where.
    case foreignDecisions(layers: Int, path: String, why: String)
    /// A candidate that was measured computes wrongly, in one sentence; it is not chosen.
    case wrongCandidate(String)
    /// A layer was not measured and keeps the estimate; the reason is one sentence.
    case notMeasured(layer: String, reason: String)
    /// The plugin is put in place without verification, as this machine cannot run it.
    case notVerified(target: Target, missing: [Target.Feature])
    /// The plugin is put in place without verification, as that takes more bytes of memory than are available.
    case tooLittleMemoryToVerify(needed: Int, available: Int)
    /// Kernels that are not sound. `ForgeError.verificationFailed` follows.
    case unsoundKernels([KernelVerdict])
    /// The plugin is in place and sound, but the record of its verification could not be written beside it.
    case notRecorded(any Error)

    /// So many of all steps of the compiler are done.
    case compiling(output: String, done: Int, steps: Int)
    /// Verifying a kernel begins, by its number from 1 and the number of all.
    case verifying(number: Int, count: Int)
    /// Measuring a layer begins, by its number from 1 and the number of all.
    case measuring(layer: String, number: Int, count: Int)
    /// Compiling, verifying or measuring is over.
    case stepEnded
}

/// Who is told of events, on whatever thread they happen.
public typealias ForgeObserver = @Sendable (ForgeEvent) -> Void
