import VoxKerasConfig
import VoxLayerSpec
import VoxTensors

/// All zeros.
public struct Zeros: Initializer {
    /// It has no arguments.
    public init() {}
    public var kerasModule: String? { Initializers.module }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        try Tensor(zeros: shape, elementType)
    }
}

/// All ones.
public struct Ones: Initializer {
    /// It has no arguments.
    public init() {}
    public var kerasModule: String? { Initializers.module }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        try Tensor(shape, elementType) { 1 }
    }
}

/// One value everywhere.
public struct Constant: Initializer {
    /// Of every element.
    public let value: Double

    /// With Keras's defaults.
    public init(_ value: Double = 0) { self.value = value }
    public var kerasModule: String? { Initializers.module }
    public func getConfig() -> JSONObject { ["value": .number(value)] }

    /// The values of a weight of this shape.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        try Tensor(shape, elementType) { value }
    }
}

/// The identity matrix times `gain`: for weights of two axes only.
public struct Identity: Initializer {
    /// What the matrix is multiplied by.
    public let gain: Double

    /// With Keras's defaults.
    public init(gain: Double = 1) { self.gain = gain }
    public var kerasModule: String? { Initializers.module }
    public func getConfig() -> JSONObject { ["gain": .number(gain)] }

    /// - Throws: `ArgumentError.rank` unless the shape has two axes; a kernel of a 3-D convolution has five.
    public func callAsFunction(_ shape: [Int], _ elementType: ElementType) throws -> Tensor {
        if shape.count != 2 { throw ArgumentError.rank(object: "Identity", received: shape, expected: "2 axes") }
        var index = 0
        return try Tensor(shape, elementType) {
            defer { index += 1 }
            return index / shape[1] == index % shape[1] ? gain : 0
        }
    }
}
