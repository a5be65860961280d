import Synchronization

/// What layers made under one `withGraph` have in common: they may be called on each other's symbolic tensors.
///
/// Layers made under `withGraph` are in graph mode, where calls on symbolic tensors make nodes; layers made outside are eager and
/// take concrete tensors only. A call on a concrete tensor computes at once in both modes.
public final class Graph: Sendable {
    /// The graph of the surrounding `withGraph`; nil outside.
    @TaskLocal public static var current: Graph?

    private let scopes = Mutex<[String: Int]>([:])
    /// Whether nobody asked for it: the graph that a `Sequential` of eager layers opens for them.
    let isImplicit: Bool

    /// A graph without layers.
    public init() { isImplicit = false }

    init(isImplicit: Bool) { self.isImplicit = isImplicit }

    /// A scope for the variables of a layer: its name, numbered from the second layer of that name on.
    func scope(for name: String) -> String {
        let count = scopes.withLock { scopes in
            defer { scopes[name, default: 0] += 1 }
            return scopes[name, default: 0]
        }
        return count == 0 ? name : "\(name)_\(count)"
    }
}

/// Runs `body` with a graph, to which the layers and inputs made in it belong.
///
///     let (x, y) = try withGraph {
///         let x = try Input(shape: [16, 16, 16, 4])
///         return (x, try Conv3DTranspose(filters: 2, kernelSize: 3)(x))
///     }
public func withGraph<Result>(_ graph: Graph = Graph(), _ body: () throws -> Result) rethrows -> Result {
    try Graph.$current.withValue(graph, operation: body)
}

/// As `withGraph` of a body without `await`: the graph is that of `body` and of the tasks it starts, on whichever thread they run.
@_disfavoredOverload
public func withGraph<Result>(
    _ graph: Graph = Graph(), isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async rethrows -> Result {
    try await Graph.$current.withValue(graph, operation: body, isolation: isolation)
}
