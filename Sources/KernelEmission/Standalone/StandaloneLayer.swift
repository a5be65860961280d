import VoxLayerSpec
import VoxScheduling

/// A layer that plain C is written for.
public struct StandaloneLayer: Sendable {
    /// Its name: any text. The C has an identifier made of it.
    public let name: String
    /// Its kernel. Layers that compute the same may share one.
    public let unit: KernelUnit
    /// The layer's activation; where the kernel leaves it to its caller, the C says so.
    public let activation: Activation
    /// Most by which the kernel's stages enlarge small integers on their way to one result, all channels together. The program that checks the
    /// layers takes integers so small that every sum is exact.
    public let integerGrowth: Int

    /// - Parameters:
    ///   - name: of the layer.
    ///   - unit: its kernel.
    ///   - activation: of the layer.
    ///   - integerGrowth: of the kernel.
    public init(name: String, unit: KernelUnit, activation: Activation, integerGrowth: Int) {
        self.name = name
        self.unit = unit
        self.activation = activation
        self.integerGrowth = integerGrowth
    }

    /// The layer's activation, where the kernel does not apply it.
    package var leftOutActivation: Activation? { activation == unit.schedule.spec.epilogue.activation ? nil : activation }
}
