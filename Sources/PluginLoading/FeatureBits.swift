import CVoxKernelABI
import VoxLayerSpec

extension Target.Feature {
    /// The bit of this feature in a kernel descriptor.
    package var abiBit: UInt64 {
        switch self {
        case .sse42: vs_cpu_sse42
        case .avx: vs_cpu_avx
        case .avx2: vs_cpu_avx2
        case .fma: vs_cpu_fma
        case .f16c: vs_cpu_f16c
        case .bmi1: vs_cpu_bmi1
        case .bmi2: vs_cpu_bmi2
        case .avx512f: vs_cpu_avx512f
        case .avx512vl: vs_cpu_avx512vl
        case .avx512bw: vs_cpu_avx512bw
        case .avx512dq: vs_cpu_avx512dq
        case .avx512cd: vs_cpu_avx512cd
        case .popcnt: vs_cpu_popcnt
        case .lzcnt: vs_cpu_lzcnt
        case .movbe: vs_cpu_movbe
        case .neon: vs_cpu_neon
        }
    }
}
