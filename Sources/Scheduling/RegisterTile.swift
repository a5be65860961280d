import LayerSpec

extension Target {
    /// Rows of a register tile of a matrix product that is so many vectors wide: accumulators, the weights of one channel, one input and a
    /// spare fill the registers.
    func registerTileRows(vectors: Int) -> Int { max(1, (vectorRegisters - 2 - vectors) / vectors) }
}
