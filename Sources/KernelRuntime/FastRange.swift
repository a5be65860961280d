import VoxKernels
import VoxLayerSpec
import VoxTensors

/// The magnitudes that kernels of policy `fast` are made for.
///
/// Minimal filtering multiplies sums of neighbouring inputs by sums of neighbouring weights. Along an axis a sum has at most twice the
/// magnitude of its largest term (each row of `MinimalFilteringSchedule.forward` and `weights` adds up to 2 at most), so over three axes at
/// most eight times: up to FLT_MAX / 8 no transformed input or weight is infinite.
public enum FastRange {
    /// The largest magnitude of an input or a weight.
    public static let largestMagnitude = Float.greatestFiniteMagnitude / 8

    /// A weight beyond the range, or that is no number; nil when there is none.
    package static func weightBeyond(_ weights: Tensor) -> Float? {
        if weights.elementType != .float32 { return nil }  // there are fast kernels for float32 alone
        return weights.withUnsafeBytes { bytes in
            // As integers, magnitudes have the order of the numbers, and what is no number comes last.
            let patterns = bytes.bindMemory(to: UInt32.self)
            var largest: UInt32 = 0
            for pattern in patterns { largest = max(largest, pattern & 0x7FFF_FFFF) }
            return largest <= largestMagnitude.bitPattern ? nil : Float(bitPattern: largest)
        }
    }
}

extension KernelProvider {
    /// Finds the kernel for a problem whose weights are at hand. It is the one of `lookup(_:mode:)`, unless that has policy `fast` and a
    /// weight is beyond `FastRange`: then it is one for plain sums, and the reason names the weight. So a weight that is infinite or not a
    /// number reaches the same results under both policies. Inputs are not looked at.
    /// - Parameters:
    ///   - spec: the problem.
    ///   - mode: which kernels may be chosen.
    ///   - weights: the kernel tensor in the element type of the problem.
    /// - Throws: as `lookup(_:mode:)`.
    public func lookup(_ spec: KernelSpec, mode: KernelMode, weights: Tensor) throws -> KernelChoice {
        let choice = try lookup(spec, mode: mode)
        guard choice.isSpecialized, choice.kernel.spec.policy == .fast, let weight = FastRange.weightBeyond(weights) else { return choice }
        let direct: KernelChoice
        do {
            direct = try lookup(spec.with(policy: .direct), mode: mode)
        } catch KernelLookupError.noSpecializedKernel(let key, let count) {
            throw KernelLookupError.weightBeyondFastKernels(key, loadedKernels: count, weight: weight)
        }
        return direct.with(
            reason: direct.reason + "; direct, as the largest weight in magnitude is \(weight), and fast kernels take at most \(FastRange.largestMagnitude)")
    }
}
