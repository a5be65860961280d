/// What one disassembled instruction is, read from LLVM's text of it (AT&T syntax on x86-64).
package struct MachineInstruction: Hashable {
    /// The widest kind of vector register it names.
    package enum Registers: Hashable {
        case none, xmm, ymm, zmm, neon
    }

    package var registers = Registers.none
    /// Computes on one element only.
    package var isScalar = false
    package var isFusedMultiplyAdd = false
    /// Multiplies floating-point numbers and adds nothing: what kernels for an x86-64 processor without fused multiply-adds do. aarch64 has none such.
    package var isMultiplication = false
    /// Reads or writes a stack slot of a whole vector: a spilled register stored or taken back, possibly within arithmetic.
    package var isSpill = false
    /// Makes the frame pointer point into the stack; before it, that register is an ordinary one.
    package var setsFramePointer = false
    /// Bytes from the end (aarch64: the start) of a direct jump to where it leads; nil for what is no jump within a function.
    package var jump: Int?

    /// - Parameter hasFramePointer: an earlier instruction of the function set the frame pointer.
    package init(x86 text: [UInt8], hasFramePointer: Bool) {
        let mnemonic = Self.mnemonic(text)
        registers =
            if text.holds("%zmm") { .zmm } else if text.holds("%ymm") { .ymm } else if text.holds("%xmm") { .xmm } else { .none }
        setsFramePointer = mnemonic.elementsEqual("movq".utf8) && text.holds("%rsp, %rbp")
        if mnemonic.first == UInt8(ascii: "j") { jump = Self.lastNumber(text) }
        guard registers != .none else { return }
        isFusedMultiplyAdd = ["vfmadd", "vfmsub", "vfnmadd", "vfnmsub"].contains { mnemonic.starts(with: $0.utf8) }
        isMultiplication = ["mulps", "mulpd", "mulss", "mulsd"].contains { name in
            mnemonic.elementsEqual(name.utf8) || mnemonic.first == UInt8(ascii: "v") && mnemonic.dropFirst().elementsEqual(name.utf8)
        }
        // ...ss and ...sd, and moves of 32 and 64 bits.
        isScalar = mnemonic.ends("ss") || mnemonic.ends("sd") || mnemonic.ends("movd") || mnemonic.ends("movq")
        // A broadcast from the stack takes one element back, not a vector.
        isSpill =
            !isScalar && !text.holds("{1to") && (text.holds("(%rsp)") || hasFramePointer && text.holds("(%rbp)"))
    }

    package init(aarch64 text: [UInt8], hasFramePointer: Bool) {
        let mnemonic = Self.mnemonic(text)
        registers = Self.namesNEON(text) ? .neon : .none
        setsFramePointer =
            text.holds("x29, sp") && (mnemonic.elementsEqual("mov".utf8) || mnemonic.elementsEqual("add".utf8))
        let isBranch =
            ["b", "cbz", "cbnz", "tbz", "tbnz"].contains { mnemonic.elementsEqual($0.utf8) } || mnemonic.starts(with: "b.".utf8)
        if isBranch { jump = Self.lastNumber(text) }
        let isVectorForm = ["fmla", "fmls"].contains { mnemonic.elementsEqual($0.utf8) }
        isFusedMultiplyAdd =
            isVectorForm || ["fmadd", "fmsub", "fnmadd", "fnmsub"].contains { mnemonic.elementsEqual($0.utf8) }
        // `fmla s0, s1, v2.s[1]` names a vector and computes one element: its first operand tells.
        let operand = text[mnemonic.endIndex...].first { $0 != 9 && $0 != 32 }
        isScalar = isFusedMultiplyAdd && operand != UInt8(ascii: "v")
        isSpill = registers == .neon && (text.holds("[sp") || hasFramePointer && text.holds("[x29"))
    }

    private static func mnemonic(_ text: [UInt8]) -> ArraySlice<UInt8> {
        text.drop { $0 == 9 || $0 == 32 }.prefix { $0 != 9 && $0 != 32 }
    }

    /// The number behind the last blank, comma or #: where a jump leads, as LLVM prints it when it knows no symbols.
    private static func lastNumber(_ text: [UInt8]) -> Int? {
        let separators: [UInt8] = [9, 32, UInt8(ascii: ","), UInt8(ascii: "#")]
        return text.split(whereSeparator: separators.contains).last.flatMap { word in
            let digits = String(decoding: word, as: UTF8.self)
            guard digits.hasPrefix("0x") || digits.hasPrefix("-0x") else { return Int(digits) }
            return Int(digits.replacing("0x", with: ""), radix: 16)
        }
    }

    /// `v0.4s` or `q0` as an operand of its own.
    private static func namesNEON(_ text: [UInt8]) -> Bool {
        for index in text.indices.dropFirst().dropLast()
        where text[index] == UInt8(ascii: "v") || text[index] == UInt8(ascii: "q") {
            let before = text[index - 1], after = text[index + 1]
            if [9, 32, UInt8(ascii: "{"), UInt8(ascii: ",")].contains(before),
                UInt8(ascii: "0")...UInt8(ascii: "9") ~= after
            {
                return true
            }
        }
        return false
    }
}

extension Collection where Element == UInt8 {
    fileprivate func holds(_ part: StaticString) -> Bool {
        part.withUTF8Buffer { part in
            guard count >= part.count, let first = part.first else { return part.isEmpty }
            var rest = self[...]
            while let found = rest.firstIndex(of: first) {
                if rest[found...].starts(with: part) { return true }
                rest = rest[rest.index(after: found)...]
            }
            return false
        }
    }
}

extension BidirectionalCollection where Element == UInt8 {
    fileprivate func ends(_ part: StaticString) -> Bool {
        part.withUTF8Buffer { part in reversed().starts(with: part.reversed()) }
    }
}
