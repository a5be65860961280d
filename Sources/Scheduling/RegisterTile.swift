import VoxLayerSpec

extension Target {
    /// Rows of a register tile of a matrix product that is `vectors` vectors wide. Sums, the weights of one channel, one input and a spare
    /// register fill the registers.
    func registerTileRows(vectors: Int) -> Int { max(1, (vectorRegisters - 2 - vectors) / vectors) }
}
