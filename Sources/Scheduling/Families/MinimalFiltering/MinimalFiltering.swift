import VoxLayerSpec

/// Parameters of the family minimal filtering: F(2, T) nested over the axes (Winograd 1980; Lavin and Gray 2016). All phases of a transposed
/// convolution share the window of a tile, and all that need a point of its transform share that point. A convolution with a step is a sum of
/// convolutions without one, of the sources of each residue of the step; their products add up before they are transformed back.
///
/// A tile has only two outputs per axis. Then an input reaches exactly the outputs that read it, NaN and infinities included (an infinity may become
/// NaN there), and transforms have no factors that cost digits. `Documentation/kernel-families.md` says what is promised of errors.
public struct MinimalFiltering: KernelFamily {
    /// Tiles of one work item along depth, height and width; a tile is two positions along each axis.
    public var block: [Int]
    /// Vectors of filters in the register tile.
    public var vectors: Int
    /// Tiles in the register tile.
    public var rows: Int
    /// Whether the register tile holds the phases along the width side by side; each needs as many vectors. An input is then loaded once
    /// for all of them.
    public var mergesWidthPhases: Bool
    /// Parts of the filters that are work items of their own; each transforms its block again.
    public var splits: Int
    /// Whether whole vectors of results are stored past the caches. The processor then does not read a line of memory before it is
    /// overwritten, but whoever reads the result next finds it in memory only.
    public var streamsOutput: Bool
    /// Unroll count of the channel loop.
    public var unroll: Int

    /// Parameters as given; `Schedule` checks them.
    public init(
        block: [Int], vectors: Int, rows: Int, mergesWidthPhases: Bool = false, splits: Int = 1, streamsOutput: Bool = false, unroll: Int = 2
    ) {
        self.block = block
        self.vectors = vectors
        self.rows = rows
        self.mergesWidthPhases = mergesWidthPhases
        self.splits = splits
        self.streamsOutput = streamsOutput
        self.unroll = unroll
    }

    /// Canonical text, equal for equal schedules.
    public var text: String {
        var parts = [Self.label, "block" + block.map(String.init).joined(separator: "x"), "v\(vectors)", "r\(rows)"]
        if mergesWidthPhases { parts.append("merge=w") }
        if splits > 1 { parts.append("split\(splits)") }
        if streamsOutput { parts.append("stream") }
        return (parts + ["unroll\(unroll)"]).joined(separator: ",")
    }

    /// How many phases along the width can share a register tile. Phases with equally many taps form a class; where all classes have equally many
    /// phases, it is that number, else 1.
    package static func mergeableWidthPhases(_ spec: KernelSpec) -> Int {
        let width = spec.gather.axes[2]
        let taps = (0..<width.phases).filter { !width.positions(inPhase: $0).isEmpty }.map { width.taps(inPhase: $0).count }
        let counts = Set(Dictionary(grouping: taps) { $0 }.values.map(\.count))
        return counts.count == 1 ? counts.first ?? 1 : 1
    }

    /// Most taps of a part: the points of F(2, 4) and above need factors that lose digits.
    static let maximumTaps = 3
    /// Most inputs of a window, kernel 5 and step 2 along each axis. The transform is straight code, and has its inputs and points on the stack.
    static let maximumWindow = 343

    /// Why this family does not take a problem, nil when it does.
    public static func reasonAgainst(_ spec: KernelSpec) -> SchedulingError? {
        func no(_ reason: String) -> SchedulingError { .notApplicable(key: spec.key.text, reason: reason) }
        if !spec.op.isGather { return no("minimal filtering takes transposedConvolution and convolution only") }
        if let reason = VoxelLimits.reasonAgainst(spec) { return no(reason) }
        if spec.elements != .float32 { return no("minimal filtering needs float32") }
        if spec.policy != .fast { return no("minimal filtering needs the policy fast") }
        let axes = spec.gather.axes
        if spec.geometry.axes.contains(where: { $0.dilation != 1 && $0.kernel != 1 }) { return no("minimal filtering needs dilation 1") }
        if axes.contains(where: { $0.kernel < $0.phases }) { return no("minimal filtering needs taps in every phase") }
        let taps = axes.map(WindowPart.mostTaps)
        if taps.contains(where: { $0 > maximumTaps }) { return no("minimal filtering takes at most \(maximumTaps) taps a phase, step and axis") }
        if taps.allSatisfy({ $0 == 1 }) { return no("no axis has two taps in a phase and step, so minimal filtering saves nothing") }
        let window = Checked.clampedCount(axes.map(WindowPart.window))
        if window > maximumWindow { return no("its windows have \(window) inputs; minimal filtering takes at most \(maximumWindow)") }
        return nil
    }
}

extension MinimalFiltering {
    public static let familyName = "minimalFiltering"
    public static let policy = Policy.fast
    public static let excludesOthers = false

    public func resolved(_ spec: KernelSpec, _ target: Target) throws(SchedulingError) -> MinimalFilteringSchedule {
        try MinimalFilteringSchedule(spec, target, self)
    }
}

extension Decision {
    /// Minimal filtering with given parameters.
    public static func minimalFiltering(_ parameters: MinimalFiltering) -> Decision { Decision(parameters) }
}

extension Schedule {
    /// The resolved minimal-filtering schedule; nil for another family.
    package var minimalFiltering: MinimalFilteringSchedule? { family as? MinimalFilteringSchedule }
}
