import VoxKernels
import VoxLayerSpec

extension HostCPU {
    /// The target called "native": the best instruction set this processor runs, with its own caches and cores.
    public static let nativeTarget: Target = {
        let instructionSet = Target.InstructionSet.best(on: features) ?? (Target.ProcessorFamily.host ?? .x86_64).least
        var machine = instructionSet.machine
        (machine.level1Bytes, machine.level2Bytes, machine.lastLevelBytes) = cacheSizes
        machine.cores = ThreadPool.defaultThreadCount
        return Target(instructionSet, name: "native", machine: machine)
    }()

    /// The peak with the widest vectors of this processor; 0 where it cannot be measured.
    package static func measuredNativePeak() -> Double { measuredPeak(vectorBytes: nativeTarget.vectorBytes) ?? 0 }
}
