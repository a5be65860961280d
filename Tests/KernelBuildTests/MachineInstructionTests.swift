import Testing
import VoxKernelBuild

/// Texts as LLVM 14 to 22 print them.
@Suite struct MachineInstructionTests {
    typealias Registers = MachineInstruction.Registers

    @Test func x86() {
        // text, frame pointer set, registers, fused, scalar, spill
        let table: [(String, Bool, Registers, Bool, Bool, Bool)] = [
            ("\tvfmadd231ps\t%zmm6, %zmm4, %zmm2", false, .zmm, true, false, false),
            ("\tvfmadd231ps\t(%rdi,%rax,4){1to16}, %zmm4, %zmm3", false, .zmm, true, false, false),
            ("\tvfmadd231ps\t64(%rsp), %zmm4, %zmm3", false, .zmm, true, false, true),
            ("\tvfnmadd213ss\t%xmm1, %xmm2, %xmm3", false, .xmm, true, true, false),
            ("\tvfmsub132pd\t%ymm1, %ymm2, %ymm3", false, .ymm, true, false, false),
            ("\tvmovups\t%zmm0, 64(%rsp)", false, .zmm, false, false, true),
            ("\tvmovaps\t(%rsp), %ymm31", false, .ymm, false, false, true),
            ("\tvmovups\t-80(%rbp), %zmm1", false, .zmm, false, false, false),
            ("\tvmovups\t-80(%rbp), %zmm1", true, .zmm, false, false, true),
            ("\tvmovups\t(%rsp,%rax,4), %zmm1", true, .zmm, false, false, false),
            ("\tvmovss\t%xmm0, 12(%rsp)", false, .xmm, false, true, false),
            ("\tvbroadcastss\t12(%rsp), %zmm1", false, .zmm, false, true, false),
            ("\tvfmadd231ps\t12(%rsp){1to16}, %zmm4, %zmm3", false, .zmm, true, false, false),
            ("\tmovaps\t%xmm8, 16(%rsp)", false, .xmm, false, false, true),
            ("\tvextractf64x4\t$1, %zmm0, %ymm1", false, .zmm, false, false, false),
            ("\tmovq\t%rax, 8(%rsp)", false, .none, false, false, false),
            ("\taddq\t$64, %rsp", false, .none, false, false, false),
        ]
        for (text, frame, registers, fused, scalar, spill) in table {
            let instruction = MachineInstruction(x86: Array(text.utf8), hasFramePointer: frame)
            #expect(instruction.registers == registers, "\(text)")
            #expect(instruction.isFusedMultiplyAdd == fused, "\(text)")
            #expect(instruction.isScalar == scalar, "\(text)")
            #expect(instruction.isSpill == spill, "\(text)")
            #expect(!instruction.setsFramePointer, "\(text)")
        }
        #expect(MachineInstruction(x86: Array("\tmovq\t%rsp, %rbp".utf8), hasFramePointer: false).setsFramePointer)
    }

    @Test func multiplications() {
        for (text, multiplies) in [
            ("\tmulps\t%xmm1, %xmm2", true), ("\tmulpd\t16(%rsp), %xmm2", true), ("\tvmulss\t%xmm1, %xmm2, %xmm3", true),
            ("\tvmulps\t(%rdi){1to16}, %zmm1, %zmm2", true), ("\tmulsd\t%xmm1, %xmm2", true), ("\tpmulld\t%xmm1, %xmm2", false),
            ("\tmulq\t%rax", false), ("\taddps\t%xmm1, %xmm2", false), ("\tvfmadd231ps\t%zmm6, %zmm4, %zmm2", false),
        ] {
            #expect(MachineInstruction(x86: Array(text.utf8), hasFramePointer: false).isMultiplication == multiplies, "\(text)")
        }
        #expect(!MachineInstruction(aarch64: Array("\tfmla\tv0.4s, v1.4s, v2.4s".utf8), hasFramePointer: false).isMultiplication)
    }

    @Test func aarch64() {
        let table: [(String, Bool, Registers, Bool, Bool, Bool)] = [
            ("\tfmla\tv0.4s, v1.4s, v2.4s", false, .neon, true, false, false),
            ("\tfmla\tv0.4s, v1.4s, v2.s[1]", false, .neon, true, false, false),
            ("\tfmla\ts0, s1, v2.s[1]", false, .neon, true, true, false),
            ("\tfmadd\ts0, s1, s2, s3", false, .none, true, true, false),
            ("\tldp\tq0, q1, [x0], #32", false, .neon, false, false, false),
            ("\tstr\tq0, [sp, #16]", false, .neon, false, false, true),
            ("\tldur\tq7, [x29, #-32]", false, .neon, false, false, false),
            ("\tldur\tq7, [x29, #-32]", true, .neon, false, false, true),
            ("\tld1\t{ v0.4s, v1.4s }, [x1]", false, .neon, false, false, false),
            ("\tstp\td9, d8, [sp, #-64]!", false, .none, false, false, false),
            ("\tmovi\tv0.2d, #0000000000000000", false, .neon, false, false, false),
            ("\tldr\tx8, [sp, #8]", false, .none, false, false, false),
            ("\tret", false, .none, false, false, false),
        ]
        for (text, frame, registers, fused, scalar, spill) in table {
            let instruction = MachineInstruction(aarch64: Array(text.utf8), hasFramePointer: frame)
            #expect(instruction.registers == registers, "\(text)")
            #expect(instruction.isFusedMultiplyAdd == fused, "\(text)")
            #expect(instruction.isScalar == scalar, "\(text)")
            #expect(instruction.isSpill == spill, "\(text)")
        }
        for text in ["\tmov\tx29, sp", "\tadd\tx29, sp, #64"] {
            #expect(MachineInstruction(aarch64: Array(text.utf8), hasFramePointer: false).setsFramePointer, "\(text)")
        }
    }

    @Test func jumps() {
        for (text, jump) in [
            ("\tjne\t-57", -57), ("\tjmp\t128", 128), ("\tjae\t-0x39", -57), ("\tjmpq\t*%rax", nil), ("\tcallq\t-5", nil),
            ("\tvmovups\t%zmm0, 64(%rsp)", nil),
        ] as [(String, Int?)] {
            #expect(MachineInstruction(x86: Array(text.utf8), hasFramePointer: false).jump == jump, "\(text)")
        }
        for (text, jump) in [
            ("\tb.ne\t#-48", -48), ("\tb\t#16", 16), ("\tcbnz\tx8, #-20", -20), ("\ttbz\tw8, #3, #-24", -24), ("\tbr\tx16", nil),
            ("\tbl\t#-8", nil), ("\tret", nil), ("\tsubs\tx8, x8, #1", nil),
        ] as [(String, Int?)] {
            #expect(MachineInstruction(aarch64: Array(text.utf8), hasFramePointer: false).jump == jump, "\(text)")
        }
    }
}
