import VoxLayerSpec
import VoxScheduling

/// A point of a transform: its number, and the C sum of inputs that it is.
struct WindowSum { let index: Int; let text: String }

/// The transform of windows along one axis (`window_axes.c.mustache`). It may have more points than a window has inputs.
struct WindowAxisTransform {
    let axis: String
    let points: [WindowSum]

    init(_ axis: String, _ windows: MinimalFilteringSchedule.Axis) {
        self.axis = axis
        points = windows.transform.enumerated().map { WindowSum(index: $0, text: WindowInverse.sum($1, of: "d")) }
    }
}

/// The transform of products back to two outputs.
struct WindowInverse {
    let taps: Int
    let first: String
    let second: String

    init(taps: Int) {
        let rows = MinimalFilteringSchedule.inverse[taps]
        self.taps = taps
        first = Self.sum(rows[0], of: "m")
        second = Self.sum(rows[1], of: "m")
    }

    /// The sum of the values whose factor is 1, less those whose factor is -1.
    static func sum(_ factors: [Double], of values: String) -> String {
        func terms(_ factor: Double, _ sign: String) -> [String] {
            factors.indices.filter { factors[$0] == factor }.map { sign + "\(values)[\($0) * step]" }
        }
        return (terms(1, " + ") + terms(-1, " - ")).joined().dropFirst(3).description
    }
}
