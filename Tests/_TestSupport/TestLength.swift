import Glibc

/// How often tests do what they can do any number of times: how many kernels they draw, how many processes they kill.
package enum TestLength {
    /// 1, or what the environment variable VOXELSMITH_TEST_SCALE says: 10 for a run over night, 0.05 for a glance. Another text ends the run.
    package static let scale: Double = {
        guard let text = getenv("VOXELSMITH_TEST_SCALE") else { return 1 }
        guard let scale = Double(String(cString: text)), scale > 0, scale <= 1000 else {
            fatalError("VOXELSMITH_TEST_SCALE is \(String(cString: text)); expected a number above 0, at most 1000.")
        }
        return scale
    }()

    /// Minima hold for whole runs only.
    package static var isWhole: Bool { scale >= 1 }

    /// - Parameters:
    ///   - count: of a run with scale 1, or less.
    ///   - full: of one with a larger scale, as that of `Tools/test --full`.
    package static func count(_ count: Int, full: Int) -> Int { scale > 1 ? full : count }

    /// - Parameter count: of a run with scale 1.
    package static func scaled(_ count: Int) -> Int { max(1, Int((Double(count) * scale).rounded(.up))) }
}
