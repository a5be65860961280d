import Testing
import VoxLayerSpec

@Suite struct SpecErrorTests {
    @Test func sentences() {
        let table: [(SpecError, String)] = [
            (.tooSmall("stride", 0, minimum: 1), "Received stride 0; expected at least 1."),
            (.aboveMaximum("stride", 1 << 21, maximum: 1 << 20), "Received stride 2097152; expected at most 1048576."),
            (
                .tooLarge("input size", [1 << 20, 1 << 20, 1]),
                "The input size computed from [1048576, 1048576, 1] is beyond the supported size; expected tensors of at most 1099511627776 bytes and fewer than 2^63 operations."
            ),
            (.wrongCount("strides", [1, 2], expected: 3), "Received strides [1, 2]; expected 3 integers."),
            (.emptyOutput(axis: 2, length: -4), "Axis 2 would have an output of length -4; expected at least 1."),
            (
                .outputPadding(axis: 1, 2, stride: 2),
                "Received output padding 2 on axis 1; expected 0 or more and less than the stride 2."
            ),
            (
                .negativePadding(axis: 0, total: -1, rule: "SAME_UPPER"),
                "Axis 0 would need a total padding of -1 with SAME_UPPER; expected 0 or more."
            ),
            (
                .groupsDoNotDivide(groups: 3, what: "channels", 16),
                "Received 3 groups for 16 channels; expected a divisor of 16."
            ),
            (.wrongChannels(received: 3, expected: 4), "Received an input with 3 channels; expected 4."),
            (
                .invalidParameter("alpha of the activation celu", -1, expected: "more than 0"),
                "Received alpha of the activation celu -1.0; expected more than 0."
            ),
            (.axis(5, rank: 5), "Received axis 5; expected -5 to 4 for a tensor of 5 axes."),
            (.oddExtent(axis: -1, 3), "Received an extent of 3 on axis -1; expected an even number, which glu can halve."),
            (.malformedKey("x;y", reason: "unknown layout z"), "\"x;y\" is no kernel specification key: unknown layout z."),
            (
                .unknownTarget("z80"),
                "Received target \"z80\"; expected native or one of x86-64-v4, x86-64-v3, x86-64-v2, aarch64-neon."
            ),
            (.noTargets, "Received no targets for a plugin; expected at least one."),
            (
                .targetsOfTwoFamilies("native", "aarch64-neon"),
                "Received the targets native and aarch64-neon for one plugin; expected targets of one processor family, as a file has machine code for one."
            ),
            (
                .sameTargets("native", "x86-64-v3"),
                "Received the targets native and x86-64-v3 for one plugin, which stand for one instruction set; expected each once."
            ),
        ]
        for (error, sentence) in table { #expect(error.description == sentence) }
    }
}
