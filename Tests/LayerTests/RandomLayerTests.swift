import Testing
import VoxKerasConfig
import VoxTensors
import Voxelsmith
import _TestSupport

/// Layers that are no convolutions, with random shapes and arguments, against their definitions written as loops over indices.
@Suite struct RandomLayerTests {
    /// A tensor whose elements are found by their indices.
    private struct Indexed {
        let shape: [Int]
        var values: [Double]

        init(_ shape: [Int], _ element: ([Int]) -> Double) {
            self.shape = shape
            values = Self.places(shape).map(element)
        }

        /// Integers, which sums and products of a few keep exact in float32.
        init(_ shape: [Int], _ random: inout SeededRandom) {
            self.shape = shape
            values = random.integers(shape.reduce(1) { $0 * $1 }, limit: 8)
        }

        subscript(_ place: [Int]) -> Double { values[zip(place, shape).reduce(0) { $0 * $1.1 + $1.0 }] }

        /// All places in row-major order.
        static func places(_ shape: [Int]) -> [[Int]] {
            shape.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
        }

        func tensor() throws -> Tensor { try Tensor(shape: shape, values.map { Float($0) }) }
    }

    /// The result of a model of one layer.
    private func result(_ className: String, _ config: JSONObject, _ inputs: [Indexed], threads: Int = 3) throws -> Tensor {
        var layers: [JSONValue] = []
        for (number, input) in inputs.enumerated() {
            var shape = input.shape.map { Int?.some($0) }
            shape[0] = nil
            layers.append([
                "class_name": "InputLayer", "name": .string("x\(number)"), "inbound_nodes": [],
                "config": ["batch_input_shape": JSONValue(shape: shape), "name": .string("x\(number)"), "dtype": "float32"],
            ])
        }
        let sources: [JSONValue] = inputs.indices.map { [.string("x\($0)"), 0, 0] }
        var own = config
        own["name"] = "layer"
        layers.append([
            "class_name": .string(className), "name": "layer", "config": .object(own),
            "inbound_nodes": [.array(sources.map { .array(($0.array ?? []) + [[:]]) })],
        ])
        let document: JSONValue = [
            "class_name": "Functional", "keras_version": "2.15.0",
            "config": ["name": "m", "layers": .array(layers), "input_layers": .array(sources), "output_layers": [["layer", 0, 0]]],
        ]
        let model = try modelFromJSON(document.text, objects: CustomObjects(), kernels: KernelRegistry())
        return try model(inputs.map { try $0.tensor() }, threads: threads)[0]
    }

    /// - Parameter count: most numbers that are summed for an element.
    private func check(_ y: Tensor, _ expected: Indexed, _ name: String, rounding: Double = 0, count: Int = 1 << 9) {
        #expect(y.shape == expected.shape, "\(name)")
        // Double precision of the sums, besides the rounding of the result.
        let bounds = expected.values.map { rounding == 0 ? 0 : rounding * abs($0) + Double(count) * 0x1p-49 * max(1, abs($0)) }
        let violation = y.shape == expected.shape ? ErrorBound.firstViolation(received: y.doubles, expected: expected.values, bounds: bounds) : ""
        #expect(violation == nil, "\(name): \(violation ?? "")")
    }

    @Test func mergesBroadcast() throws {
        var random = SeededRandom(seed: 2101)
        let functions: [(String, (Double, Double) -> Double)] = [
            ("Add", { $0 + $1 }), ("Subtract", { $0 - $1 }), ("Multiply", { $0 * $1 }), ("Maximum", { max($0, $1) }), ("Minimum", { min($0, $1) }),
        ]
        for _ in 0..<150 {
            let (name, function) = random.choice(functions)
            let shape = (0..<random.integer(2...5)).map { _ in random.choice([1, 2, 3, 5]) }
            let inputs = (0..<2).map { _ in Indexed([shape[0]] + shape.dropFirst().map { random.chance(0.3) ? 1 : $0 }, &random) }
            let whole = zip(inputs[0].shape, inputs[1].shape).map { max($0, $1) }
            func element(_ input: Indexed, _ place: [Int]) -> Double { input[zip(place, input.shape).map { $1 == 1 ? 0 : $0 }] }
            let expected = Indexed(whole) { function(element(inputs[0], $0), element(inputs[1], $0)) }
            check(try result(name, [:], inputs), expected, "\(name) of \(inputs.map(\.shape))")
        }
    }

    @Test func windowsPool() throws {
        var random = SeededRandom(seed: 2102)
        for _ in 0..<150 {
            let isFirst = random.chance(0.5)
            let spatial = (0..<3).map { _ in random.integer(1...6) }
            let isSame = random.chance(0.5)
            let pool = spatial.map { random.integer(1...(isSame ? 4 : min(4, $0))) }
            let strides = (0..<3).map { _ in random.integer(1...4) }
            let (batch, channels) = (random.integer(1...2), random.integer(1...3))
            let x = Indexed(isFirst ? [batch, channels] + spatial : [batch] + spatial + [channels], &random)
            var (counts, before): ([Int], [Int]) = ([], [])
            for axis in 0..<3 {
                let length = spatial[axis] - (isSame ? 1 : pool[axis])
                counts.append(length / strides[axis] + 1)
                let missing = length / strides[axis] * strides[axis] + pool[axis] - spatial[axis]
                before.append(isSame ? max(0, missing) / 2 : 0)
            }
            let isMaximum = random.chance(0.5)
            let start = isFirst ? 2 : 1
            let expected = Indexed(isFirst ? [batch, channels] + counts : [batch] + counts + [channels]) { place in
                var window: [Double] = []
                for offset in Indexed.places(pool) {
                    var source = place
                    for axis in 0..<3 { source[start + axis] = place[start + axis] * strides[axis] - before[axis] + offset[axis] }
                    if (0..<3).allSatisfy({ (0..<spatial[$0]).contains(source[start + $0]) }) { window.append(x[source]) }
                }
                return isMaximum ? window.max() ?? -.infinity : Double(Float(window.reduce(0, +) / Double(window.count)))
            }
            let config: JSONObject = [
                "pool_size": JSONValue(pool), "strides": JSONValue(strides), "padding": isSame ? "same" : "valid",
                "data_format": isFirst ? "channels_first" : "channels_last",
            ]
            check(try result(isMaximum ? "MaxPooling3D" : "AveragePooling3D", config, [x]), expected, "\(x.shape) \(config.toJSON())")
        }
    }

    @Test func elementsMove() throws {
        var random = SeededRandom(seed: 2103)
        for _ in 0..<100 {
            let isFirst = random.chance(0.5)
            let start = isFirst ? 2 : 1
            // Rows may be long enough to be copied by themselves, or joined to longer ones.
            let most = random.choice([[4, 4, 4, 4, 4], [4, 4, 4, 4, 4], [2, 2, 3, 9, 40], [2, 2, 2, 40, 40], [1, 1, 2, 2, 5000]])
            let x = Indexed(most.map { random.integer(1...$0) }, &random)
            let spatial = (0..<3).map { x.shape[start + $0] }
            let format: JSONValue = isFirst ? "channels_first" : "channels_last"
            func moved(to extents: [Int], _ source: (_ axis: Int, _ place: Int) -> Int) -> Indexed {
                var shape = x.shape
                for axis in 0..<3 { shape[start + axis] = extents[axis] }
                return Indexed(shape) { place in
                    var origin = place
                    for axis in 0..<3 {
                        origin[start + axis] = source(axis, place[start + axis])
                        if !(0..<spatial[axis]).contains(origin[start + axis]) { return 0 }
                    }
                    return x[origin]
                }
            }
            let size = (0..<3).map { _ in random.integer(1...3) }
            let larger = moved(to: (0..<3).map { spatial[$0] * size[$0] }) { $1 / size[$0] }
            check(try result("UpSampling3D", ["size": JSONValue(size), "data_format": format], [x]), larger, "UpSampling3D \(x.shape) \(size)")
            let ends = (0..<3).map { _ in [random.integer(0...2), random.integer(0...2)] }
            let padded = moved(to: (0..<3).map { spatial[$0] + ends[$0][0] + ends[$0][1] }) { $1 - ends[$0][0] }
            let json = JSONValue.array(ends.map { JSONValue($0) })
            check(try result("ZeroPadding3D", ["padding": json, "data_format": format], [x]), padded, "ZeroPadding3D \(x.shape) \(ends)")
            // Cropping takes the padding away again.
            check(try result("Cropping3D", ["cropping": json, "data_format": format], [padded]), x, "Cropping3D \(padded.shape) \(ends)")
            let order = [1, 2, 3, 4].shuffled(using: &random)
            let permuted = Indexed([x.shape[0]] + order.map { x.shape[$0] }) { place in
                var origin = place
                for (axis, source) in order.enumerated() { origin[source] = place[axis + 1] }
                return x[origin]
            }
            check(try result("Permute", ["dims": JSONValue(order)], [x]), permuted, "Permute \(x.shape) \(order)")
        }
    }

    /// Mean 0 and variance 1 over the elements that share a key.
    private func normalized(_ x: Indexed, epsilon: Double, _ key: ([Int]) -> [Int]) -> Indexed {
        var groups: [[Int]: [Double]] = [:]
        for place in Indexed.places(x.shape) { groups[key(place), default: []].append(x[place]) }
        let moments = groups.mapValues { values in
            let mean = values.reduce(0, +) / Double(values.count)
            return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
        }
        return Indexed(x.shape) { place in
            let (mean, variance) = moments[key(place)] ?? (0, 0)
            return (x[place] - mean) / (variance + epsilon).squareRoot()
        }
    }

    @Test func axesAndGroupsAreNormalized() throws {
        var random = SeededRandom(seed: 2104)
        let unit = ElementType.float32.unitRoundoff
        for _ in 0..<100 {
            let rank = random.integer(2...5)
            let x = Indexed((0..<rank).map { _ in random.integer(1...4) }, &random)
            let axes = (1..<rank).filter { _ in random.chance(0.5) }
            if !axes.isEmpty {
                let expected = normalized(x, epsilon: 0.25) { place in place.enumerated().filter { !axes.contains($0.offset) }.map(\.element) }
                let y = try result("LayerNormalization", ["axis": JSONValue(axes), "epsilon": .number(0.25)], [x])
                check(y, expected, "LayerNormalization \(x.shape) \(axes)", rounding: unit)
            }
            let axis = random.integer(1...rank - 1)
            let groups = random.choice((1...x.shape[axis]).filter { x.shape[axis] % $0 == 0 })
            let width = x.shape[axis] / groups
            let expected = normalized(x, epsilon: 0.25) { place in [place[0], place[axis] / width] }
            let y = try result("GroupNormalization", ["axis": .integer(axis), "groups": .integer(groups), "epsilon": .number(0.25)], [x])
            check(y, expected, "GroupNormalization \(x.shape) \(axis) \(groups)", rounding: unit)
        }
    }

    /// More elements than a block has, in blocks that do not come out even.
    @Test func largeTensorsAreCutIntoBlocks() throws {
        var random = SeededRandom(seed: 2105)
        let unit = ElementType.float32.unitRoundoff
        for (shape, axis, groups) in [
            ([1, 41, 23, 20, 6], 4, 6), ([1, 41, 23, 20, 6], 4, 2), ([2, 6, 31, 33, 5], 1, 6), ([2, 6, 31, 33, 5], 1, 3), ([3, 9001], 1, 1),
            ([2, 3, 40, 1, 130], 4, 130), ([1, 70, 140, 8], 3, 4),
        ] {
            let x = Indexed(shape, &random)
            let width = shape[axis] / groups
            let expected = normalized(x, epsilon: 0.25) { place in [place[0], place[axis] / width] }
            let y = try result("GroupNormalization", ["axis": .integer(axis), "groups": .integer(groups), "epsilon": .number(0.25)], [x])
            check(y, expected, "GroupNormalization \(shape) \(groups)", rounding: unit, count: x.values.count)
        }
        for (shape, axes) in [
            ([1, 41, 23, 20, 6], [1, 2, 3]), ([2, 31, 30, 7, 5], [4]), ([2, 9, 40, 30], [1, 3]), ([2, 40, 30, 9], [2, 3]), ([1, 40, 700], [2]),
            ([2, 3, 33_001], [1]), ([2, 9, 4, 3, 40], [1, 3]),
        ] {
            let x = Indexed(shape, &random)
            let expected = normalized(x, epsilon: 0.25) { place in place.enumerated().filter { !axes.contains($0.offset) }.map(\.element) }
            let y = try result("LayerNormalization", ["axis": JSONValue(axes), "epsilon": .number(0.25)], [x])
            check(y, expected, "LayerNormalization \(shape) \(axes)", rounding: unit, count: x.values.count)
        }
        for channels in [1, 7, 16, 33, 65] {
            let x = Indexed([1, 6, 4, 6, channels], &random)
            let expected = Indexed([1, 3, 2, 3, channels]) { place in
                Indexed.places([2, 2, 2]).map { x[[0, place[1] * 2 + $0[0], place[2] * 2 + $0[1], place[3] * 2 + $0[2], place[4]]] }.max() ?? 0
            }
            check(try result("MaxPooling3D", ["pool_size": 2], [x]), expected, "MaxPooling3D \(channels)")
        }
        let (x, row) = (Indexed([2, 41, 300], &random), Indexed([2, 41, 1], &random))
        check(try result("Add", [:], [x, row]), Indexed(x.shape) { x[$0] + row[[$0[0], $0[1], 0]] }, "Add")
        check(try result("Multiply", [:], [row, x]), Indexed(x.shape) { x[$0] * row[[$0[0], $0[1], 0]] }, "Multiply")
    }
}
