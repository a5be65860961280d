/// How the work of a call is cut into items: disjoint pieces of the output that are divided among threads.
public enum WorkItems: Hashable, Sendable {
    /// A number of items in each sample of the batch.
    case perSample(Int)
    /// A number of items in a call, each over the whole batch: for kernels that read every weight once a call.
    case perCall(Int)

    /// Most threads that share the items of a call: a pool counts those at work in 16 bits.
    public static let maximumThreads = 4096

    /// Items of a call; none for batch 0, `Int.max` where there are more than that.
    public func count(batch: Int) -> Int {
        switch self {
        case .perSample(let number): Checked.clampedProduct(number, batch)
        case .perCall(let number): batch == 0 ? 0 : number
        }
    }
}
