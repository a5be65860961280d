import CVoxKernelABI
import Testing
import VoxKernelRuntime
import VoxLayerSpec

/// What `LayerSpec` and `Kernels` repeat of the ABI header, as only the reader of plugins imports that.
@Suite struct KernelABITests {
    @Test func numbersAreThoseOfTheHeader() {
        let operands: [(KernelOperands, Int)] = [
            (.second, Int(VS_OPERAND_SECOND)), (.residual, Int(VS_OPERAND_RESIDUAL)), (.scales, Int(VS_OPERAND_SCALES)),
            (.zeroPoints, Int(VS_OPERAND_ZERO_POINTS)), (.voxelStride, Int(VS_OPERAND_VOXEL_STRIDE)),
        ]
        for (operand, bit) in operands { #expect(Int(operand.rawValue) == bit, "\(operand.names)") }
        #expect(operands.reduce(into: KernelOperands()) { $0.formUnion($1.0) } == .known)
        #expect(KernelOp.allCases.map(\.number) == [VS_OP_TRANSPOSED_CONVOLUTION, VS_OP_CONVOLUTION, VS_OP_KERNEL_GRADIENT])
        #expect(KernelError.badArguments == VS_BAD_ARGUMENTS)
    }
}
