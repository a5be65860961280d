import Testing
import VoxLayerSpec
import VoxTensors

@Suite struct TensorTests {
    @Test func elementsComeBackInBothTypes() throws {
        let single = try Tensor(shape: [2, 3], [0, 0.5, -1, 1e30, 16_777_216, 0.1] as [Float])
        #expect(single.shape == [2, 3] && single.elementType == .float32 && single.elementCount == 6 && single.byteCount == 24)
        #expect(single.floats == [0, 0.5, -1, 1e30, 16_777_216, 0.1])
        #expect(single.doubles == [0, 0.5, -1, Double(1e30 as Float), 16_777_216, Double(0.1 as Float)])
        let double = try Tensor(shape: [2], [0.1, -2] as [Double])
        #expect(double.elementType == .float64 && double.byteCount == 16)
        #expect(double.doubles == [0.1, -2])
        #expect(double.floats == [0.1, -2])
        #expect(try Tensor(zeros: [3, 2], .float64).doubles == [0, 0, 0, 0, 0, 0])
    }

    @Test func literalsAreFloat32() throws {
        for tensor in [try Tensor(shape: [2], [1, 2]), try Tensor(shape: [2], [1.0, 2]), try Tensor([1, 2]), try Tensor([1.0, 2.0])] {
            #expect(tensor.elementType == .float32 && tensor.shape == [2] && tensor.floats == [1, 2])
        }
        let doubles = [1.0, 2.0]
        #expect(try Tensor(shape: [2], doubles).elementType == .float64 && Tensor(doubles).elementType == .float64)
        #expect(try Tensor(shape: [0], []).floats == [])
    }

    @Test func elementsAreReachedByIndex() throws {
        var x = try Tensor(shape: [2, 3], [0, 1, 2, 3, 4, 5])
        #expect(try x[0, 0] == 0 && x[1, 2] == 5 && x[-1, -3] == 3)
        let before = x
        try x.set(7.5, at: 0, -1)
        #expect(x.floats == [0, 1, 7.5, 3, 4, 5] && before.floats == [0, 1, 2, 3, 4, 5])
        for indices in [[2, 0], [0, 3], [-3, 0], [Int.max, 0], [Int.min, 0]] {
            #expect(throws: TensorError.index(indices, shape: [2, 3])) { try x[indices[0], indices[1]] }
            #expect(throws: TensorError.index(indices, shape: [2, 3])) { try x.set(1, at: indices[0], indices[1]) }
        }
        #expect(throws: TensorError.index([0], shape: [2, 3])) { try x[0] }
        #expect(throws: TensorError.index([0, 0, 0], shape: [2, 3])) { try x[0, 0, 0] }
        #expect(throws: TensorError.index([0], shape: [0])) { try Tensor(zeros: [0])[0] }
        #expect(try Tensor(shape: [], [3])[] == 3)
        let row = try x[sample: -1]
        #expect(row.shape == [3] && row.floats == [3, 4, 5])
        #expect(throws: TensorError.index([2], shape: [2, 3])) { try x[sample: 2] }
        #expect(throws: TensorError.index([0], shape: [])) { try Tensor(shape: [], [3])[sample: 0] }
        for type in ElementType.allCases {
            var y = try x.cast(to: type)
            try y.set(-0.25, at: 1, 1)
            #expect(try y[1, 1] == -0.25 && y[0, 2] == 7.5, "\(type)")
        }
    }

    @Test func tensorsArePrintedWithShapeAndElements() throws {
        #expect("\(try Tensor(shape: [2, 2], [1, 2.5, -3, 0.1]))" == "Tensor(shape: [2, 2], float32, [[1.0, 2.5], [-3.0, 0.1]])")
        #expect("\(try Tensor(shape: [], [1] as [Double]))" == "Tensor(shape: [], float64, 1.0)")
        #expect("\(try Tensor(zeros: [0, 3], .float16))" == "Tensor(shape: [0, 3], float16, [])")
        let long = try Tensor((0..<101).map { Float($0) })
        #expect("\(long)" == "Tensor(shape: [101], float32, [0.0, 1.0, 2.0, ..., 98.0, 99.0, 100.0])")
        let volume = "\(try Tensor(zeros: [4, 64, 64, 64, 8], .bfloat16))"
        #expect(volume.hasPrefix("Tensor(shape: [4, 64, 64, 64, 8], bfloat16, [[[[[0.0, ..., 0.0], ...") && volume.count < 800)
    }

    @Test func zeroExtentsAndScalars() throws {
        for shape in [[0], [2, 0, 3], [0, Int.max, Int.max], [Int.max, Int.max, 0]] {
            let tensor = try Tensor(zeros: shape)
            #expect(tensor.byteCount == 0, "shape \(shape)")
            #expect(tensor.floats == [], "shape \(shape)")
        }
        let scalar = try Tensor(shape: [], [7] as [Float])
        #expect(scalar.elementCount == 1 && scalar.floats == [7])
        #expect(try scalar.reshaped(to: [1, 1]).floats == [7])
    }

    @Test func impossibleShapesAreTypedErrors() {
        for (shape, expected) in [
            ([2, -1], TensorError.negativeExtent(shape: [2, -1])),
            ([Int.min], .negativeExtent(shape: [Int.min])),
            ([1 << 39], .tooLarge(shape: [1 << 39])),
            ([Int.max, Int.max], .tooLarge(shape: [Int.max, Int.max])),
            ([1 << 31, 1 << 31, 4], .tooLarge(shape: [1 << 31, 1 << 31, 4])),
            // 2^38 float32 are 2^40 bytes, the limit; this is one element beyond.
            ([(1 << 38) + 1], .tooLarge(shape: [(1 << 38) + 1])),
        ] {
            #expect(throws: expected, "shape \(shape)") { try Tensor(uninitialized: shape) }
        }
        #expect(throws: TensorError.elementCount(received: 3, shape: [2, 2])) { try Tensor(shape: [2, 2], [1, 2, 3] as [Float]) }
        // Refused by its count, not by asking the system for 2^39 bytes.
        #expect(throws: TensorError.elementCount(received: 1, shape: [1 << 37])) { try Tensor(shape: [1 << 37], [1] as [Float]) }
    }

    private func address(_ tensor: Tensor) -> UInt { tensor.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } }

    @Test func copiesShareUntilOneIsWritten() throws {
        let original = try Tensor(shape: [3], [1, 2, 3] as [Float])
        var copy = original
        #expect(address(copy) == address(original))
        try copy.withUnsafeMutableBytes { $0.storeBytes(of: 9, toByteOffset: 4, as: Float.self) }
        #expect(copy.floats == [1, 9, 3])
        #expect(original.floats == [1, 2, 3])
        let before = address(copy)
        try copy.withUnsafeMutableBytes { $0.storeBytes(of: 8, toByteOffset: 0, as: Float.self) }
        #expect(address(copy) == before, "a unique tensor is written in place")
        #expect(copy.floats == [8, 9, 3])
    }

    @Test func aCopyIsMadeInTheTensorsOwnPool() throws {
        let pool = StoragePool(limit: 1 << 20)
        do {
            var first = try Tensor(uninitialized: [100], pool: pool)
            let second = first
            try first.withUnsafeMutableBytes { $0.storeBytes(of: 1, as: Float.self) }
            #expect(address(first) != address(second))
        }
        #expect(pool.retainedByteCount == 2 * 448)
    }

    @Test func reshapingKeepsElementsAndChecksCounts() throws {
        let tensor = try Tensor(shape: [2, 6], (0..<12).map { Float($0) })
        for shape in [[12], [3, 4], [1, 12, 1], [2, 2, 3]] {
            let reshaped = try tensor.reshaped(to: shape)
            #expect(reshaped.shape == shape && reshaped.floats == tensor.floats, "shape \(shape)")
        }
        for shape in [[11], [], [0], [-3, -4], [Int.max, 2], [Int.max, Int.max]] {
            #expect(throws: TensorError.elementCount(received: 12, shape: shape), "shape \(shape)") { try tensor.reshaped(to: shape) }
        }
    }

    @Test func storageIsAligned() throws {
        for count in [1, 15, 17, 1000, 1 << 19] {
            let tensor = try Tensor(uninitialized: [count])
            #expect(address(tensor) % (count == 1 << 19 ? 2 << 20 : 64) == 0, "\(count) elements")
        }
    }

    @Test func sentences() {
        for (error, sentence) in [
            (TensorError.outOfMemory(byteCount: 12), "The system has no memory for a tensor of 12 bytes."),
            (.elementCount(received: 3, shape: [2, 2]), "Received 3 elements for shape [2, 2]; expected 4."),
            (.elementCount(received: 3, shape: [-2, 2]), "Received 3 elements for shape [-2, 2]; expected extents of 0 or more."),
            (.elementCount(received: 3, shape: [1 << 40, 1 << 40]), "Received 3 elements for shape [1099511627776, 1099511627776]; expected more than 2^63."),
            (.negativeExtent(shape: [-1]), "Received shape [-1]; expected extents of 0 or more."),
            (.tooLarge(shape: [9]), "Received shape [9]; expected at most 2^40 bytes."),
            (.shapeMismatch(received: [1], expected: [2]), "Received a tensor of shape [1]; expected [2]."),
            (.typeMismatch(received: "float64", expected: "float32"), "Received a tensor of float64; expected float32."),
        ] {
            #expect(error.description == sentence)
        }
    }
}
