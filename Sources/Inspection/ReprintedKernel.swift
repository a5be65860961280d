import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling

/// A kernel's schedule and its C, made again from its problem, its target and the text of its schedule. A plugin holds machine code and these texts
/// alone.
struct ReprintedKernel {
    let schedule: Schedule
    /// The C as this version prints it.
    let source: String
    /// Why the plugin may have been compiled from other C; empty where nothing says so.
    let doubts: [String]

    /// Why a kernel cannot be made again: a sentence.
    struct Unknown: Error {
        let reason: String
    }

    /// - Throws: `Unknown` for a family, a target or parameters that this version does not know.
    init(_ descriptor: KernelDescriptor) throws(Unknown) {
        guard let decision = Decision(text: descriptor.schedule) else {
            throw Unknown(reason: "This version of Voxelsmith knows no schedule of this text.")
        }
        guard let instructionSet = Target.InstructionSet(rawValue: descriptor.target) else {
            throw Unknown(reason: "This version of Voxelsmith does not know the plugin's target.")
        }
        // "native" is not written down: a plugin of this machine may have been planned with the caches of the host.
        let targets = [Target(instructionSet)] + [HostCPU.nativeTarget].filter { $0.instructionSet == instructionSet }
        var schedules: [Schedule] = []
        var refusal = ""
        for target in targets {
            do throws(SchedulingError) {
                schedules.append(try plan(descriptor.spec, target: target, decision: decision))
            } catch {
                refusal = error.description
            }
        }
        guard let schedule = schedules.first(where: { Self.differences($0, descriptor).isEmpty }) ?? schedules.first else {
            throw Unknown(reason: refusal)
        }
        let unit: KernelUnit
        do throws(EmissionError) { unit = try KernelUnit(schedule) } catch { throw Unknown(reason: error.description) }
        self.schedule = schedule
        source = unit.source.text
        var doubts = Self.differences(schedule, descriptor)
        if templateDigest(unit.templateFile) != descriptor.templateDigest {
            doubts.append("The templates are others than those the plugin was made with, so its C may differ from what is shown.")
        }
        self.doubts = doubts
    }

    /// Where a schedule's sizes are not those that the plugin states.
    private static func differences(_ schedule: Schedule, _ descriptor: KernelDescriptor) -> [String] {
        let pairs: [(what: String, printed: String, stated: String)] = [
            ("packing key", schedule.packingKey, descriptor.packing),
            ("size of the packed weights", "\(schedule.packedByteCount)", "\(descriptor.packedByteCount)"),
            ("workspace of a thread", "\(schedule.workspaceByteCount)", "\(descriptor.workspaceByteCount)"),
            ("division into work items", schedule.workItems.words, descriptor.workItems.words),
        ]
        return pairs.filter { $0.printed != $0.stated }.map {
            "The plugin's \($0.what) is \($0.stated), where this version has \($0.printed): it was planned for other caches, or by another version."
        }
    }
}
