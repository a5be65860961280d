/// What `Templates/units/matrix_product.c.mustache` is rendered with. Its C computes the sums of a register tile: `rows` rows of inputs times the
/// weights at `w`. The texts are C expressions that may use `row`, `vector` (a vector of results) and `c` (a channel). The C around it defines
/// `rows`, `w`, `CHANNELS`, and `MOST_ROWS`, the most rows.
struct MatrixProduct {
    /// The number of vectors in a row of results.
    let vectorCount: String
    /// What `vector` of a row begins with.
    let initial: String
    /// Elements of the weights from one channel to the next.
    let columns: String
    /// Channel `c` of `row`.
    let input: String
    /// Channels written out in a row.
    let unroll: Int
    /// Type of an input, as the multiply unit names it.
    let scalar: String
}
