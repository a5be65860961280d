import Testing
import VoxLayerSpec
import VoxTensors

/// The numbers of an element type, against Swift's own types and against the conversions of tensors.
@Suite struct ElementTypeTests {
    @Test func limitsAreThoseOfTheSwiftTypes() {
        func limits(_ type: ElementType) -> [Double] {
            [Double(type.significandBits), type.unitRoundoff, type.leastNormal, type.leastNonzero, type.greatestFinite]
        }
        #expect(
            limits(.float32) == [
                24, Double(Float.ulpOfOne) / 2, Double(Float.leastNormalMagnitude), Double(Float.leastNonzeroMagnitude),
                Double(Float.greatestFiniteMagnitude),
            ])
        #expect(
            limits(.float64) == [
                53, Double.ulpOfOne / 2, .leastNormalMagnitude, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            ])
        #expect(limits(.float16) == [11, 0x1p-11, 0x1p-14, 0x1p-24, 65504])
        #expect(limits(.bfloat16) == [8, 0x1p-8, 0x1p-126, 0x1p-133, 0x1.FEp127])
    }

    /// Numbers of every magnitude, and those at and beside the middle of two neighbours of a type.
    private func numbers(around type: ElementType) -> [Double] {
        var random = SeededRandom(seed: 5)
        var values: [Double] = [0, .infinity, type.greatestFinite, type.greatestFinite * (1 + type.unitRoundoff / 2), type.leastNonzero / 2]
        for exponent in -1080...1023 {
            let scale = Double(sign: .plus, exponent: exponent, significand: 1)
            values += [scale, scale * (1 + random.real() / 2), scale * (1 + type.unitRoundoff), scale * (1 + 3 * type.unitRoundoff)]
        }
        values += values.flatMap { [$0.nextUp, $0.nextDown] }
        return values + values.map { -$0 }
    }

    @Test func nearestIsWhatAConversionGives() throws {
        for value in numbers(around: .float32) {
            #expect(ElementType.float32.nearest(value).bitPattern == Double(Float(value)).bitPattern, "\(value)")
            #expect(ElementType.float64.nearest(value).bitPattern == value.bitPattern, "\(value)")
        }
        for type in ElementType.allCases {
            let values = numbers(around: type)
            let converted = try Tensor(shape: [values.count], values).cast(to: type).doubles
            for (value, expected) in zip(values, converted) {
                #expect(type.nearest(value).bitPattern == expected.bitPattern, "\(value) in \(type)")
            }
            #expect(type.nearest(.nan).isNaN)
        }
    }

    @Test func singleElementsAreStoredAsWholeTensorsAre() throws {
        for type in ElementType.allCases {
            let values = numbers(around: type)
            let converted = try Tensor(shape: [values.count], values).cast(to: type)
            var rest = values[...]
            let stored = try Tensor([values.count], type) { rest.removeFirst() }
            let elements = stored.withUnsafeBytes { bytes in values.indices.map { type.element(at: $0, of: bytes).bitPattern } }
            #expect(elements == converted.doubles.map(\.bitPattern), "\(type)")
            let guarded = GuardedBuffer(values, as: type, placement: .atEnd)
            #expect(guarded.numbers(of: type).map(\.bitPattern) == elements, "\(type)")
        }
    }

    @Test func textsReadBack() {
        #expect(ElementType.float32.text(0.1) == "0.1" && ElementType.bfloat16.text(Double(Float(0.1))) == "0.1")
        #expect(ElementType.float64.text(Double(Float(0.1))) == "0.10000000149011612")
    }
}
