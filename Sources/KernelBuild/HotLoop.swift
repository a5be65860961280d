/// One instruction of a function, as LLVM reads it.
package struct CodeLine: Hashable, Sendable {
    /// Bytes from the function's first.
    package let offset: Int
    /// Where jumps of this instruction are counted from.
    let jumpBase: Int
    /// LLVM's text.
    let words: [UInt8]
    /// What it does.
    package let instruction: MachineInstruction

    /// LLVM's text, with one blank between its words.
    package var text: String {
        words.split { $0 == 9 || $0 == 32 }.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}

/// The innermost loop of a source file with the most fused multiply-adds, where a kernel spends its time; where the file has none in loops, the one with
/// the most multiplications. As its body stands in the file, so that a loop that the compiler unrolled holds several rounds.
package struct HotLoop: Hashable, Sendable {
    /// The function it is in.
    package let function: String
    /// The source file, such as the one kernel's.
    package let file: String
    /// Its instructions, in order.
    package let lines: [CodeLine]

    /// How many of them multiply and add.
    package var fusedMultiplyAdds: Int { lines.count { $0.instruction.isFusedMultiplyAdd } }
    /// How many multiply only.
    package var multiplications: Int { lines.count { $0.instruction.isMultiplication } }
    /// Vector instructions that touch a spilled register.
    package var spills: Int { lines.count { $0.instruction.isSpill } }

    /// Whether it computes more in a round than another loop of its file.
    func surpasses(_ other: HotLoop) -> Bool {
        (fusedMultiplyAdds, multiplications) > (other.fusedMultiplyAdds, other.multiplications)
    }
}
