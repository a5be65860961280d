/// A number per spatial axis (depth, height, width), written as `3` or `[1, 2, 2]`.
///
/// A list of another length is kept as it is; the layer that receives it says what it expected.
public struct IntOrTriple: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// One value per axis.
    public let values: [Int]

    /// The same value for all three axes.
    public init(_ value: Int) { values = [value, value, value] }
    /// A value for each axis; the layer checks their number.
    public init(_ values: [Int]) { self.values = values }
    public init(integerLiteral value: Int) { self.init(value) }
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

/// What `kernelSize` and its like may be: a number, a list of three, or an `IntOrTriple`.
public protocol SpatialArgument: Sendable {
    /// A number per axis.
    var intOrTriple: IntOrTriple { get }
}

extension IntOrTriple: SpatialArgument {
    /// Itself.
    public var intOrTriple: IntOrTriple { self }
}

extension Int: SpatialArgument {
    /// The same number for every axis.
    public var intOrTriple: IntOrTriple { IntOrTriple(self) }
}

extension Array: SpatialArgument where Element == Int {
    /// A number for each axis.
    public var intOrTriple: IntOrTriple { IntOrTriple(self) }
}
