import VoxLayerSpec

/// What clang is told, all of it: equal flags, source and compiler give equal bytes.
///
/// A target's flags depend on its instruction set only, so a plugin for the host has the bytes of the one for the named target.
package enum CompilerFlags {
    /// For one translation unit.
    static func compile(_ target: Target, warningsAreErrors: Bool) -> [String] {
        [
            triple(target), "-std=c17", "-O3",
            // No calls to memset or memcpy made up by the optimiser; what remains of them fails the link.
            "-ffreestanding",
            // Headers of this machine are not looked at, only the generated ones and the compiler's own.
            "-nostdlibinc",
            "-fPIC", "-fvisibility=hidden",
        ] + arithmetic + [
            // Some distributions' clang turns it on, which would call __stack_chk_fail.
            "-fno-stack-protector",
            "-Wall", "-Wextra",
        ] + (warningsAreErrors ? ["-Werror"] : []) + machine(target)
    }

    /// Products and sums fuse; nothing else about floating point is relaxed, so sums keep their order and NaN stays NaN.
    package static let arithmetic = ["-ffp-contract=fast", "-fno-math-errno"]

    /// For the shared object. Needs no sysroot: nothing outside the plugin is linked.
    static func link(_ target: Target) -> [String] {
        [triple(target), "-nostdlib", "-shared", "-fPIC", "-fuse-ld=lld", "-Wl,-z,defs", "-Wl,--build-id=none"]
    }

    /// Given for every target, so that any host compiles for any target.
    private static func triple(_ target: Target) -> String {
        switch target.instructionSet {
        case .x86_64_v2, .x86_64_v3, .x86_64_v4: "--target=x86_64-linux-gnu"
        case .aarch64NEON: "--target=aarch64-linux-gnu"
        }
    }

    /// For the instructions of a target, as GCC takes them too.
    package static func machine(_ target: Target) -> [String] {
        switch target.instructionSet {
        // Without the width clang splits 64-byte vectors into two of 32.
        case .x86_64_v4: ["-march=x86-64-v4", "-mprefer-vector-width=512"]
        case .x86_64_v3: ["-march=x86-64-v3"]
        case .x86_64_v2: ["-march=x86-64-v2"]
        case .aarch64NEON: ["-mcpu=neoverse-n1"]
        }
    }
}
