import VoxLayerSpec

/// How far a kernel's result may lie from the activation of the exact sum.
package enum ActivationBound {
    /// - Parameters:
    ///   - activation: with parameters that are numbers of the type (`Activation.rounded(to:)`), as kernels have them.
    ///   - sum: the exact sum.
    ///   - error: bound of the computed one.
    ///   - value: the activation of `sum`.
    ///   - type: the type of the result.
    /// - Returns: the activation's slope times `error`, with its jump and its own rounding.
    package static func bound(_ activation: Activation, sum: Double, error: Double, value: Double, _ type: ElementType) -> Double {
        activation.jump(near: sum, within: error) + activation.slope(near: sum, within: error) * error
            + activation.rounding(at: sum, value: value, in: type) + type.leastNormal
    }

    /// Whether a result is right: within the bound; NaN where the activation is NaN; or infinite where the bound reaches beyond the type's largest
    /// number.
    package static func holds(_ received: Double, _ value: Double, bound: Double, _ type: ElementType) -> Bool {
        if received == value || received.isNaN && value.isNaN || abs(received - value) <= bound { return true }
        return received.isInfinite && (received < 0) == (value < 0) && abs(value) + bound > type.greatestFinite
    }
}
