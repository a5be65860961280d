import VoxLayerSpec

/// What F(2, T) takes at a time along one axis: the taps of a phase whose sources have the same residue of the step, so that neighbouring positions
/// and neighbouring taps read neighbours among these sources.
///
/// The step of a transposed convolution is 1, and each of its phases is one part. A convolution has one phase, whose parts are as many as its step,
/// or as its taps where these are fewer; its results are the sums of what the parts give.
package struct WindowPart: Hashable, Sendable {
    /// Kernel taps in the order of the window: the one that reads first comes first.
    package let taps: [Int]
    /// The lag of the first tap; that of each other is less by the step.
    package let lag: Int
    /// Sources from one position to the next, and from one entry of the part's window to the next.
    package let step: Int

    /// What a tile's first position would read at an entry of the part's window: entry e is read with tap e, by the second position with tap e - 1.
    package func lag(ofEntry entry: Int) -> Int { lag - entry * step }

    /// The parts of a phase of an axis without dilation: those that begin the window come first.
    package static func parts(_ axis: AxisGather, phase: Int) -> [WindowPart] {
        // Lags of a phase are consecutive.
        let taps = axis.taps(inPhase: phase).sorted { $0.lag > $1.lag }
        return (0..<min(axis.step, taps.count)).map { first in
            let own = stride(from: first, to: taps.count, by: axis.step).map { taps[$0] }
            return WindowPart(taps: own.map(\.tap), lag: own[0].lag, step: axis.step)
        }
    }

    /// Most taps of a part.
    static func mostTaps(_ axis: AxisGather) -> Int { axis.kernel.ceilingDivision(by: axis.phases * axis.step) }

    /// Inputs of a window: what the two positions of a tile read, over all phases and taps.
    static func window(_ axis: AxisGather) -> Int { axis.step + axis.kernel.ceilingDivision(by: axis.phases) }
}
