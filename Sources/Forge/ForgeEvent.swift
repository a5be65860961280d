import VoxKerasConfig
import VoxKernelBuild
import VoxLayerSpec
import VoxScheduling
import VoxVerification

/// What happens while a plugin is made: how far the work is, and what people should know although it stops nothing. A program passes it on as it
/// likes.
public enum ForgeEvent: Sendable {
    /// A layer of a class that this package does not compute.
    case passedOver(OtherLayer)
    /// A layer of a model that is left out, since nothing states its input shape.
    case shapeUnknown(layer: String)
    /// What a file says can be read in more than one way: how it was read, in one sentence.
    case doubt(String)
    /// No kernel family takes the layer; it is left to the interpreter.
    case noKernel(layer: String, reason: SchedulingError)
    /// The kernel of the layer leaves its activation to its caller.
    case activationLeftOut(layer: String, activation: String)
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

    /// How many of all steps of the compiler are done.
    case compiling(output: String, done: Int, steps: Int)
    /// Verifying a kernel begins, by its number from 1 and the number of all.
    case verifying(number: Int, count: Int)
    /// Measuring a layer begins, by its number from 1 and the number of all.
    case measuring(layer: String, number: Int, count: Int)
    /// Compiling, verifying or measuring is over.
    case stepEnded
}

/// A function that is called with each event, on the thread on which it happens.
public typealias ForgeObserver = @Sendable (ForgeEvent) -> Void
