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

/// The innermost loop of a source file with the most fused multiply-adds: where a kernel spends its time. As its body stands in the file, so that a
/// loop that the compiler unrolled holds several rounds.
package struct HotLoop: Hashable, Sendable {
    /// The function it is in.
    package let function: String
    /// The source file, such as the one kernel's.
    package let file: String
    /// Its instructions, in order.
    package let lines: [CodeLine]

    /// How many of them multiply and add.
    package var fusedMultiplyAdds: Int { lines.count { $0.instruction.isFusedMultiplyAdd } }
    /// Vector instructions that touch a spilled register.
    package var spills: Int { lines.count { $0.instruction.isSpill } }

    /// The hottest loop of each source file that has one; executes nothing of the file.
    /// - Parameter bytes: of a plugin file.
    /// - Returns: none where the file cannot be inspected; `ObjectInspection` says why.
    package static func all(in bytes: [UInt8]) -> [HotLoop] {
        if case .success(let loops) = PluginReader.read(bytes, { $0.hotLoops() }) { loops } else { [] }
    }
}
