/// Pieces of the text that says what a kernel loops over at run time.
enum LoopTexts {
    /// Names the conversion between planes and voxels; empty without one.
    static func conversion(input: Bool, output: Bool) -> [String] {
        let ways = (input ? ["planes to voxels"] : []) + (output ? ["voxels to planes"] : [])
        return ways.isEmpty ? [] : ["conversion of \(ways.joined(separator: " and "))"]
    }
}
