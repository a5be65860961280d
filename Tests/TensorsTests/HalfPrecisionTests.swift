import Testing
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// The 16-bit element types.
struct HalfPrecisionTests {
    @Test func everyHalfIsExact() {
        for bits in UInt16.min ... .max {
            let half = HalfPrecision.float(float16: bits)
            let brain = HalfPrecision.float(bfloat16: bits)
            if half.isNaN {
                #expect(HalfPrecision.float(float16: HalfPrecision.float16(half)).isNaN)
            } else {
                #expect(HalfPrecision.float16(half) == bits)
            }
            if brain.isNaN {
                #expect(HalfPrecision.float(bfloat16: HalfPrecision.bfloat16(brain)).isNaN)
            } else {
                #expect(HalfPrecision.bfloat16(brain) == bits)
            }
        }
        #expect(HalfPrecision.float(float16: 0x3C00) == 1 && HalfPrecision.float(float16: 1) == 0x1p-24 && HalfPrecision.float(float16: 0x7BFF) == 65504)
        #expect(HalfPrecision.float(bfloat16: 0x3F80) == 1 && HalfPrecision.float(bfloat16: 1) == 0x1p-133)
    }

    /// Between two neighbours: to the nearer one, in the middle to the even one.
    @Test func valuesAreRoundedOnceToTheNearest() throws {
        for type in [ElementType.float16, .bfloat16] {
            func value(_ bits: UInt16) -> Float { type == .float16 ? HalfPrecision.float(float16: bits) : HalfPrecision.float(bfloat16: bits) }
            var doubles: [Double] = []
            var expected: [Float] = []
            for bits in stride(from: UInt16(0), to: type == .float16 ? 0x7BFF : 0x7F7F, by: 7) {
                let (low, high) = (value(bits), value(bits + 1))
                let middle = (Double(low) + Double(high)) / 2
                // A double just beside the middle is no float; rounding by way of float32 would make a tie of it.
                for (x, y) in [(middle, bits % 2 == 0 ? low : high), (middle.nextDown, low), (middle.nextUp, high)] {
                    doubles += [x, -x]
                    expected += [y, -y]
                }
            }
            let wide = try Tensor(shape: [doubles.count], doubles)
            let cast = try wide.cast(to: type)
            #expect(cast.elementType == type && cast.byteCount == 2 * doubles.count)
            #expect(cast.floats == expected && cast.doubles == expected.map { Double($0) }, "\(type)")
            #expect(try cast.cast(to: .float64).doubles == cast.doubles && cast.cast(to: .float32).floats == expected)
            let single = try Tensor(shape: [4], [1e9, -1e9, .nan, 1e-30] as [Float]).cast(to: .float16).floats
            #expect(single[0] == .infinity && single[1] == -.infinity && single[2].isNaN && single[3] == 0)
            #expect(try Tensor(shape: [1], [Float.greatestFiniteMagnitude]).cast(to: .bfloat16).floats == [.infinity])
        }
        let halves = try Tensor(shape: [3], [1, 1.5, 0.1] as [Float]).cast(to: .float16)
        #expect(try halves.cast(to: .bfloat16).floats == [1, 1.5, 0.10009765625])
        #expect(try Tensor(shape: [2], [0.1, 1e308] as [Double]).cast(to: .float32).floats == [0.1, .infinity])
        #expect(try Tensor(zeros: [0, 3], .bfloat16).cast(to: .float64).shape == [0, 3])
    }

    /// Layers compute in two types; in place of the others stands float32. The types of a kernel are what they are told to be.
    @Test func layersComputeInFloat32() throws {
        for type in ElementType.allCases {
            let layer = try LayerConfig(name: "l", filters: 1, kernelSize: [1, 1, 1], elementType: type)
            #expect(layer.elementType == (type == .float64 ? .float64 : .float32), "\(type)")
            let types = ElementTypes(type)
            #expect([types.storage, types.operands, types.accumulator, types.result] == [ElementType](repeating: type, count: 4))
            #expect(types.areInterpreted == (type == layer.elementType), "\(type)")
        }
    }

    /// Keys name two types, or four where two do not say all, and nothing else.
    @Test func keysNameElementTypes() throws {
        let key = "transposedConvolution;i1;o1;k1;s1;d1;p0;c1;f1;g1;last;f32/f32;nobias;linear;fast"
        for (text, types) in [
            ("f32/f32", ElementTypes.float32), ("f64/f32", ElementTypes(storage: .float64, arithmetic: .float32)), ("f16/f16", ElementTypes(.float16)),
            ("bf16/bf16/f32/bf16", ElementTypes(storage: .bfloat16, operands: .bfloat16, accumulator: .float32, result: .bfloat16)),
            ("f32/bf16/f32/f32", ElementTypes(storage: .float32, operands: .bfloat16, accumulator: .float32, result: .float32)),
        ] {
            let named = key.replacing("f32/f32", with: text)
            #expect(try SpecKey(parsing: named).spec.elements == types, "\(text)")
            #expect(try SpecKey(parsing: named).spec.key.text == named)
        }
        for text in ["f32", "f32/", "f32/f32/f32", "f32/f32/f32/f32", "f32/f31", "f32//f32/f32", "f16/f32/f32/f16", "f32/f32/f32/f32/f32", ""] {
            #expect(throws: SpecError.self, "\(text)") { try SpecKey(parsing: key.replacing("f32/f32", with: text)) }
        }
    }
}
