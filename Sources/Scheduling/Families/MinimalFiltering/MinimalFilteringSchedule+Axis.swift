import VoxLayerSpec

extension MinimalFilteringSchedule.Axis {
    /// Classes are told apart by their taps, and the parts of a convolution by where they begin.
    private struct ClassKey: Hashable {
        let taps: Int
        let part: Int
    }

    init(_ axis: AxisGather) {
        let first = axis.positions.lowerBound
        let tiles = axis.positions.count.ceilingDivision(by: 2)
        let present = (0..<axis.phases).filter { !axis.positions(inPhase: $0).isEmpty }
        let parts = present.map { WindowPart.parts(axis, phase: $0) }
        let lags = parts.joined().flatMap { [$0.lag, $0.lag(ofEntry: $0.taps.count - 1)] }
        let lead = lags.max() ?? 0
        let window = axis.step + 1 + lead - (lags.min() ?? 0)

        var phases: [ClassKey: [MinimalFilteringSchedule.Phase]] = [:]
        // Where a class's window begins in the whole one; equal for all its phases.
        var offsets: [ClassKey: Int] = [:]
        for (r, parts) in zip(present, parts) {
            for (number, part) in parts.enumerated() {
                let key = ClassKey(taps: part.taps.count, part: number)
                phases[key, default: []].append(Self.phase(axis, r, part, first: first, tiles: tiles))
                offsets[key] = lead - part.lag
            }
        }
        // Of a transposed convolution, the window of a class with fewer taps is the end of the longest window, and some of its points are the same.
        var transform: [[Double]] = []
        classes = phases.sorted { ($1.key.taps, $0.key.part) < ($0.key.taps, $1.key.part) }.map { key, phases in
            let places = MinimalFilteringSchedule.forward[key.taps].map { row in
                var point = Array(repeating: 0.0, count: window)
                for (entry, factor) in row.enumerated() { point[(offsets[key] ?? 0) + entry * axis.step] = factor }
                if let known = transform.firstIndex(of: point) { return known }
                transform.append(point)
                return transform.count - 1
            }
            return MinimalFilteringSchedule.PhaseClass(taps: key.taps, phases: phases, places: places)
        }
        firstPosition = first
        self.tiles = tiles
        (step, self.lead, self.window) = (axis.step, lead, window)
        self.transform = transform
    }

    /// A part of a phase, with the tiles that need and compute its products.
    private static func phase(_ axis: AxisGather, _ r: Int, _ part: WindowPart, first: Int, tiles: Int) -> MinimalFilteringSchedule.Phase {
        let (positions, count) = (axis.positions(inPhase: r), part.taps.count)
        let needed = (0...count).map { point in
            hull(tiles) { tile in
                (0..<2).contains { positions.contains(first + 2 * tile + $0) && MinimalFilteringSchedule.output(count, $0, uses: point) }
            }
        }
        let computed = (0...count).map { point in
            hull(tiles) { tile in
                needed[point].contains(tile)
                    && (0...count).contains { entry in
                        MinimalFilteringSchedule.point(count, point, reads: entry)
                            && axis.source(position: first + 2 * tile, lag: part.lag(ofEntry: entry)) != nil
                    }
            }
        }
        return MinimalFilteringSchedule.Phase(
            offset: axis.result(position: 0, phase: r), taps: part.taps, needed: needed, computed: computed)
    }

    /// The smallest range that holds all tiles with a property.
    private static func hull(_ tiles: Int, _ holds: (Int) -> Bool) -> Range<Int> {
        guard let first = (0..<tiles).first(where: holds), let last = (0..<tiles).last(where: holds) else { return 0..<0 }
        return first..<last + 1
    }
}
