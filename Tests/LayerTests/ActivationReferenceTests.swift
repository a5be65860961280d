import Testing
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors

/// Every activation against the values Keras computed.
struct ActivationReferenceTests {
    @Test func everyActivationIsKeras() throws {
        var checked: Set<String> = []
        for reference in try ReferenceValues.both() {
            let x = try reference.tensor("x")
            for (name, value) in try reference.entries("activations") {
                let activation = try ActivationNames.activation(named: name, generation: reference.generation)
                var y = x
                if case .alongAxis(let function, let axis) = activation {
                    y = try ActivationArithmetic.apply(function, axis: axis, to: x)
                } else {
                    try y.withUnsafeMutableBytes { bytes in
                        let address = try #require(bytes.baseAddress)
                        ActivationArithmetic.apply(activation, to: address, type: .float32, shape: x.shape)
                    }
                }
                let expected = try ReferenceValues.tensor(value)
                #expect(y.shape == expected.shape, "\(name)")
                for (index, (ours, theirs)) in zip(y.doubles, expected.doubles).enumerated() {
                    // Keras computes in float32; a few units of the last place of values up to 1. Its x + sqrt(x^2 + b)
                    // cancels, so there of the argument.
                    let scale = name == "squareplus" ? abs(x.doubles[index]) : abs(theirs)
                    #expect(
                        abs(ours - theirs) <= 5e-7 * max(1, scale) || ours == theirs, "\(name)[\(index)]: \(ours), \(theirs)")
                }
                checked.insert(name)
            }
        }
        // All names but threshold, which has no defaults.
        #expect(checked == Set(ActivationNames.all))
    }

    @Test func activationsAlongOtherAxes() throws {
        let x = try Tensor(shape: [2, 4, 3], (0..<24).map { Double(($0 * 7) % 11) / 3 - 1.5 })
        let values = x.doubles
        let swapped = try Tensor(shape: [2, 3, 4], (0..<24).map { i in values[i / 12 * 12 + (i % 4) * 3 + i % 12 / 4] })
        for function in Activation.AxisFunction.allCases {
            let direct = try ActivationArithmetic.apply(function, axis: 1, to: x)
            let turned = try ActivationArithmetic.apply(function, axis: -1, to: swapped)
            let (rows, extent) = (3, turned.shape[2])
            #expect(direct.shape == [2, extent, 3])
            for index in 0..<direct.elementCount {
                let (b, a, c) = (index / (extent * rows), index / rows % extent, index % rows)
                #expect(direct.doubles[index] == turned.doubles[(b * rows + c) * extent + a], "\(function)")
            }
            #expect(throws: SpecError.axis(3, rank: 3)) { try ActivationArithmetic.apply(function, axis: 3, to: x) }
        }
        #expect(throws: SpecError.oddExtent(axis: -1, 3)) { try ActivationArithmetic.apply(.glu, axis: -1, to: x) }
        #expect(try ActivationArithmetic.apply(.glu, axis: 0, to: x).shape == [1, 4, 3])
    }
}
