import VoxLayerSpec

/// A way to compute problems: one value of a conforming type is a choice of its parameters. Everything that only this family knows stands in
/// its folder here and in the folders of the same name in KernelEmission and Templates; others meet it through this protocol.
public protocol KernelFamily: Codable, Hashable, Sendable {
    /// The parameters with everything that follows from them for one problem and target.
    associatedtype Resolved: ResolvedFamily where Resolved.Parameters == Self

    /// The family's name where parameters are written to a file, in camel case; see also `label`.
    static var familyName: String { get }
    /// Which sums the family's kernels compute: `direct` for plain ones, `fast` for algebraic rearrangements of them.
    static var policy: Policy { get }
    /// Whether a problem that this family takes is left to it alone, so that a search measures no other.
    static var excludesOthers: Bool { get }

    /// Canonical text, equal for equal parameters; it begins with `label`.
    var text: String { get }
    /// Reads what `text` prints. `Decision` refuses what does not print as it was read, so a reader may overlook words.
    /// - Returns: nil for the text of another family, and where a parameter is missing.
    init?(text: String)

    /// Why the family does not take a problem, nil when it does.
    static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError?
    /// The schedule expected to be the fastest of this family; nil when another family is expected to be faster.
    /// - Parameters:
    ///   - spec: the problem.
    ///   - target: what the kernel is for.
    ///   - threads: how many threads a call of one sample will have.
    /// - Throws: `SchedulingError` when the family takes the problem but no parameters fit.
    static func planned(_ spec: KernelSpec, _ target: Target, threads: Int) throws(SchedulingError) -> Schedule?
    /// Schedules that a search measures first: they differ in structure. The most promising come first; none may be illegal.
    static func candidates(_ spec: KernelSpec, _ target: Target, threads: Int) -> [Schedule]
    /// Parameters that differ from these in one, and in those that must change with it; some may be illegal.
    func neighbours(_ spec: KernelSpec, _ target: Target) -> [Self]
    /// - Throws: `SchedulingError` when the family does not take the problem or the parameters break a limit.
    func resolved(_ spec: KernelSpec, _ target: Target) throws(SchedulingError) -> Resolved
}

extension KernelFamily {
    /// The family's name in texts of schedules: `filter-lanes` for `filterLanes`.
    public static var label: String {
        familyName.reduce(into: "") { $0 += $1.isUppercase ? "-" + $1.lowercased() : String($1) }
    }
}

/// A family's parameters for one problem and target, with everything that follows from them.
public protocol ResolvedFamily: Hashable, Sendable {
    /// The family.
    associatedtype Parameters: KernelFamily

    /// The parameters it was made from.
    var parameters: Parameters { get }
    /// Kernels with equal packing keys share packed weights.
    var packingKey: String { get }
    /// Bytes of the packed weights, a multiple of 64.
    var packedByteCount: Int { get }
    /// Bytes of workspace of one thread.
    var workspaceByteCount: Int { get }
    /// How a call is cut into work items.
    var workItems: WorkItems { get }
    /// Expected cycles of one sample on one core with two multiply-add units: good enough to rank schedules of one problem, before any is
    /// measured.
    var expectedCycles: Double { get }
    /// How the parameters compute the problem, in sentences for people who have not read the family's code.
    var explanation: [String] { get }
    /// Which results belong together.
    var tileMap: TileMap { get }
}

/// All families. The planner asks them in this order, so those that take few problems come first; the last takes the most, and its
/// reason against a problem is the one that is reported.
public let kernelFamilies: [any KernelFamily.Type] = [BatchRows.self, MinimalFiltering.self, FilterLanes.self]
