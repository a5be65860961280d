import VoxLayerSpec
import VoxScheduling

/// The symbol stem and file name of a kernel; the grammar has its own page, `Documentation/kernel-names.md`.
enum KernelName {
    /// `vs_tconv_f32_i4x5x6_k3x3x3_s2x2x2_c16_f8_relu_x86_64_v4_0123abcd`
    static func stem(_ schedule: Schedule) -> String {
        let spec = schedule.spec
        let axes = spec.geometry.axes
        func list(_ prefix: String, _ value: (AxisGeometry) -> Int) -> String {
            prefix + axes.map { String(value($0)) }.joined(separator: "x")
        }
        let activation = spec.epilogue.activation.token.prefix { $0 != "(" }
        let elements = MultiplyUnit(schedule.target, spec.elements).token
        var features = ["c\(spec.geometry.channels)", "f\(spec.geometry.filters)"]
        if spec.geometry.groups > 1 { features.append("g\(spec.geometry.groups)") }
        let layout = spec.layout == .channelsFirst ? ["first"] : []
        let parts =
            ["vs", spec.op.token, elements] + layout + [list("i", \.input), list("k", \.kernel), list("s", \.stride)] + features + [
                String(activation), schedule.target.instructionSet.rawValue.replacing("-", with: "_"),
                hexadecimal(fnv1a(spec.key.text + "|" + schedule.text + "|" + schedule.target.instructionSet.rawValue)),
            ]
        return parts.joined(separator: "_")
    }

    /// The 32-bit FNV-1a hash of a text.
    private static func fnv1a(_ text: String) -> UInt32 {
        text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
