import VoxLayerSpec
import VoxScheduling

/// The register tile of samples times outputs, and how its sums are stored (`Templates/families/BatchRows/rows_tile.c.mustache`).
struct RowTile {
    let product: MatrixProduct
    let activation: String
    /// How many samples a register tile may have: every number up to the most. Each has a function.
    let rowCounts: [Int]

    init(_ epilogue: Epilogue, _ resolved: BatchRowsSchedule) {
        product = MatrixProduct(
            vectorCount: "VECTORS", initial: "vs_load(bias + vector * VS_LANES)",
            columns: "PANEL", input: "x[row * (int64_t)CHANNELS + c]", unroll: resolved.parameters.unroll,
            scalar: resolved.unit.scalar)
        // The schedule's activation is pointwise, so it always has an expression.
        activation = ActivationExpression.apply(epilogue.activation, to: "sum", resolved.unit.result) ?? "sum"
        rowCounts = Array(1...resolved.parameters.rows)
    }
}
