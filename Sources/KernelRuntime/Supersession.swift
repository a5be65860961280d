import Synchronization

/// Tells everyone who holds a `KernelChoice` that a later lookup gives a better one. A provider that makes kernels while the interpreter
/// answers hands one out with each such answer, and completes it once the kernel can be looked up.
///
/// Nothing is exchanged under a caller: who holds a choice, or a `PreparedLayer` made of it, goes on with it until it asks anew.
public final class Supersession: Sendable {
    private let flag = Atomic(false)

    /// Not complete yet.
    public init() {}

    /// Whether a lookup gives something better now.
    public var isComplete: Bool { flag.load(ordering: .acquiring) }

    /// To be called after the better kernel has taken its place in the provider, from any thread.
    public func complete() { flag.store(true, ordering: .releasing) }
}
