import VoxLayerSpec

/// What happens while kernels are made on demand.
public enum OnDemandEvent: Hashable, Sendable {
    /// The kernel of a problem is being compiled. One that an earlier process left in the cache is not.
    case started(SpecKey)
    /// The kernel of a problem is there: lookups answer with it from now on.
    case ready(SpecKey)
    /// There will be no kernel for a problem, for the reason in the text; the interpreter goes on answering.
    case failed(SpecKey, String)
    /// Nothing is compiled in this process any more, for the reason in the text: there is no compiler, or no program that verifies.
    case notCompiled(String)
}
