import Glibc
import VoxKerasConfig
import VoxTensors
import Voxelsmith
import _TestSupport

extension DrawnKind {
    // MARK: Normalizations

    static let normalizations: [DrawnKind] = [
        .one("BatchNormalization") { x, random in
            let axis = random.integer(1...x.rank - 1)
            let count = x.shape[axis]
            let (gamma, beta, mean) = (random.weights([count]), random.weights([count]), random.weights([count]))
            let variance = random.weights([count]).map { abs($0) + 0.25 }.map { Double(Float($0)) }
            let weights = try [gamma, beta, mean, variance].map { try random.tensor([count], $0) }
            let config: JSONObject = ["axis": [.integer(axis)], "epsilon": .number(0.125)]
            return DrawnLayer("BatchNormalization", config, weights: weights) { x in
                x.affine { place in
                    let channel = place[axis]
                    return (mean[channel], gamma[channel] / (variance[channel] + 0.125).squareRoot(), beta[channel])
                }
            }
        },
        .one("LayerNormalization") { x, random in
            let first = random.integer(1...x.rank - 1)
            let axes = random.chance(0.5) ? Array(first..<x.rank) : [first]
            let shape = axes.map { x.shape[$0] }
            let (gamma, beta) = (random.weights(shape), random.weights(shape))
            let weights = [try random.tensor(shape, gamma), try random.tensor(shape, beta)]
            return DrawnLayer("LayerNormalization", ["axis": JSONValue(axes), "epsilon": .number(0.25)], weights: weights) { x in
                x.standardized(epsilon: 0.25) { place in
                    place.enumerated().filter { !axes.contains($0.offset) }.map(\.element)
                } _: { place in
                    let index = Places.index(axes.map { place[$0] }, shape)
                    return (gamma[index], beta[index])
                }
            }
        },
        .one("GroupNormalization") { x, random in
            let axis = random.integer(1...x.rank - 1)
            let count = x.shape[axis]
            let groups = random.choice((1...count).filter { count % $0 == 0 })
            let stated = groups == count && random.chance(0.5) ? -1 : groups
            let (gamma, beta) = (random.weights([count]), random.weights([count]))
            let weights = [try random.tensor([count], gamma), try random.tensor([count], beta)]
            let config: JSONObject = ["axis": .integer(axis), "groups": .integer(stated), "epsilon": .number(0.25)]
            return DrawnLayer("GroupNormalization", config, weights: weights) { x in
                x.standardized(epsilon: 0.25) { [$0[0], $0[axis] / (count / groups)] } _: { (gamma[$0[axis]], beta[$0[axis]]) }
            }
        },
        .one("UnitNormalization") { x, random in
            let axes = Set([random.integer(1...x.rank - 1), random.integer(1...x.rank - 1)]).sorted()
            return DrawnLayer("UnitNormalization", ["axis": JSONValue(axes)]) { $0.unit(axes: axes, epsilon: 1e-12) }
        },
        .one("Rescaling") { x, random in
            let count = x.shape[x.rank - 1]
            let scale = random.weights([count])
            let config: JSONObject = ["scale": .array(scale.map { .number($0) }), "offset": .number(-1.5)]
            return DrawnLayer("Rescaling", config) { x in x.affine { (0, scale[$0[x.rank - 1]], -1.5) } }
        },
        .one("Normalization") { x, random in
            let count = x.shape[x.rank - 1]
            let (mean, variance) = (random.weights([count]), random.weights([count]).map { Double(Float(abs($0) + 0.25)) })
            let config: JSONObject = [
                "axis": [-1], "mean": .array(mean.map { .number($0) }), "variance": .array(variance.map { .number($0) }),
            ]
            return DrawnLayer("Normalization", config) { x in
                x.affine { place in
                    let channel = place[x.rank - 1]
                    return (mean[channel], 1 / variance[channel].squareRoot(), 0)
                }
            }
        },
    ]

    // MARK: Volumes

    /// A layer of volumes in a layout of its own choice, computed with the channels last.
    private static func volume(
        _ name: String, _ draw: @escaping @Sendable (Bounded, inout SeededRandom) throws -> (JSONObject, [Tensor], (Bounded) -> Bounded)?
    ) -> DrawnKind {
        DrawnKind(name, rank: 5) { xs, random in
            let isFirst = random.chance(0.5)
            let x = xs[0]
            guard x.rank == 5, let (drawn, weights, compute) = try draw(isFirst ? x.permuted([0, 2, 3, 4, 1]) : x, &random) else { return [] }
            var config = drawn
            config["data_format"] = isFirst ? "channels_first" : "channels_last"
            let layer = DrawnLayer(name, config, weights: weights) { x in
                if !isFirst { return compute(x) }
                let y = compute(x.permuted([0, 2, 3, 4, 1]))
                return y.rank == 5 ? y.permuted([0, 4, 1, 2, 3]) : y
            }
            return [layer]
        }
    }

    static let volumes: [DrawnKind] = [convolution, transposed] + ["MaxPooling3D", "AveragePooling3D"].map(pooling)
        + ["GlobalMaxPooling3D", "GlobalAveragePooling3D"].map(globalPooling) + [upSampling, padding, cropping]

    private static let convolution = volume("Conv3D") { x, random in
        let channels = x.shape[4]
        let groups = random.choice((1...channels).filter { channels % $0 == 0 })
        let filters = groups * random.integer(1...3)
        let ends = random.choice(Bounded.Ends.allCases)
        let taps = (1...3).map { random.integer(1...(ends == .same ? 3 : min(3, x.shape[$0]))) }
        let isDilated = random.chance(0.3) && ends == .same
        let (strides, dilation) = ((0..<3).map { _ in isDilated ? 1 : random.integer(1...2) }, (0..<3).map { _ in isDilated ? random.integer(1...2) : 1 })
        let (weights, kernel, bias) = try random.convolution(taps + [channels / groups, filters], filters)
        let config: JSONObject = [
            "filters": .integer(filters), "kernel_size": JSONValue(taps), "strides": JSONValue(strides), "dilation_rate": JSONValue(dilation),
            "groups": .integer(groups), "padding": .string(ends.rawValue), "use_bias": .bool(bias != nil),
        ]
        return (config, weights, {
            $0.convolved(kernel, taps, filters: filters, groups: groups, strides: strides, dilation: dilation, ends, bias: bias)
        })
    }

    private static let transposed = volume("Conv3DTranspose") { x, random in
        let (channels, filters) = (x.shape[4], random.integer(1...3))
        let ends = random.choice(Bounded.Ends.allCases)
        let strides = (0..<3).map { _ in random.integer(1...2) }
        let taps = strides.map { $0 + random.integer(0...2) }
        let (weights, kernel, bias) = try random.convolution(taps + [filters, channels], filters)
        let config: JSONObject = [
            "filters": .integer(filters), "kernel_size": JSONValue(taps), "strides": JSONValue(strides), "padding": .string(ends.rawValue),
            "use_bias": .bool(bias != nil),
        ]
        return (config, weights, { $0.spread(kernel, taps, filters: filters, strides: strides, ends, bias: bias) })
    }

    private static func pooling(_ name: String) -> DrawnKind {
        volume(name) { x, random in
            let ends = random.choice(Bounded.Ends.allCases)
            let size = (1...3).map { random.integer(1...(ends == .same ? 3 : min(3, x.shape[$0]))) }
            let strides = (0..<3).map { _ in random.integer(1...3) }
            let config: JSONObject = ["pool_size": JSONValue(size), "strides": JSONValue(strides), "padding": .string(ends.rawValue)]
            return (config, [], { $0.pooled(isMaximum: name == "MaxPooling3D", size, strides, ends) })
        }
    }

    private static func globalPooling(_ name: String) -> DrawnKind {
        volume(name) { _, random in
            let keeps = random.chance(0.5)
            return (["keepdims": .bool(keeps)], [], { (x: Bounded) -> Bounded in
                let y = x.pooled(isMaximum: name == "GlobalMaxPooling3D", Array(x.shape[1...3]), [1, 1, 1], .valid)
                return keeps ? y : y.reshaped([y.shape[0], y.shape[4]])
            })
        }
    }

    private static let upSampling = volume("UpSampling3D") { _, random in
        let size = (0..<3).map { _ in random.integer(1...2) }
        return (["size": JSONValue(size)], [], { (x: Bounded) -> Bounded in
            let extents: [Int] = (0..<3).map { x.shape[$0 + 1] * size[$0] }
            return Bounded.moved(to: [x.shape[0]] + extents + [x.shape[4]]) { place in
                let origin: [Int] = (0..<3).map { place[$0 + 1] / size[$0] }
                return (x, [place[0]] + origin + [place[4]])
            }
        })
    }

    private static let padding = volume("ZeroPadding3D") { _, random in
        let ends = (0..<3).map { _ in [random.integer(0...2), random.integer(0...1)] }
        return (["padding": .array(ends.map { JSONValue($0) })], [], { (x: Bounded) -> Bounded in
            let extents: [Int] = (0..<3).map { x.shape[$0 + 1] + ends[$0][0] + ends[$0][1] }
            return Bounded.moved(to: [x.shape[0]] + extents + [x.shape[4]]) { place in
                let inner: [Int] = (0..<3).map { place[$0 + 1] - ends[$0][0] }
                let origin: [Int] = [place[0]] + inner + [place[4]]
                return (1...3).allSatisfy { (0..<x.shape[$0]).contains(origin[$0]) } ? (x, origin) : nil
            }
        })
    }

    private static let cropping = volume("Cropping3D") { x, random in
        let ends = (1...3).map { axis -> [Int] in
            let first = random.integer(0...min(1, x.shape[axis] - 1))
            return [first, random.integer(0...min(1, x.shape[axis] - 1 - first))]
        }
        return (["cropping": .array(ends.map { JSONValue($0) })], [], { (x: Bounded) -> Bounded in
            let extents: [Int] = (0..<3).map { x.shape[$0 + 1] - ends[$0][0] - ends[$0][1] }
            return Bounded.moved(to: [x.shape[0]] + extents + [x.shape[4]]) { place in
                let inner: [Int] = (0..<3).map { place[$0 + 1] + ends[$0][0] }
                return (x, [place[0]] + inner + [place[4]])
            }
        })
    }

    // MARK: Several inputs

    /// Two inputs of equal shapes, and functions of any number of them.
    static let merges: [DrawnKind] = ["Add", "Subtract", "Multiply", "Maximum", "Minimum"].map { name in
        DrawnKind(name, inputs: 2) { xs, _ in
            guard xs[0].shape == xs[1].shape, let pair = Bounded.Pair(rawValue: name) else { return [] }
            return [DrawnLayer(name, of: { $0[0].combined(pair, $0[1]) })]
        }
    } + [
        DrawnKind("Average", inputs: 2) { xs, _ in
            if xs[0].shape != xs[1].shape { return [] }
            return [DrawnLayer("Average", of: { xs in xs[0].combined(.add, xs[1]).affine { _ in (0, 0.5, 0) } })]
        },
        DrawnKind("Concatenate", inputs: 2) { xs, random in
            if xs[0].shape != xs[1].shape { return [] }
            let axis = random.integer(1...xs[0].rank - 1)
            return [DrawnLayer("Concatenate", ["axis": .integer(axis)], of: { Bounded.concatenated($0, axis: axis) })]
        },
        DrawnKind("Dot", inputs: 2, rank: 3) { xs, random in
            if xs[0].shape != xs[1].shape || xs[0].rank > 3 { return [] }
            let axis = random.integer(1...xs[0].rank - 1)
            let normalizes = random.chance(0.5)
            let config: JSONObject = ["axes": .integer(axis), "normalize": .bool(normalizes)]
            return [
                DrawnLayer("Dot", config, of: { xs in
                    let operands = normalizes ? xs.map { $0.unit(axes: [axis], epsilon: 1e-7) } : xs
                    return operands[0].dot(operands[1], axes: (axis, axis))
                })
            ]
        },
    ]

    // MARK: Operations

    private static let plain: [(String, @Sendable (Double, Double) -> (value: Double, carried: Double))] = [
        ("math.negative", { (-$0, $1) }), ("math.abs", { (abs($0), $1) }), ("nn.relu", { (max($0, 0), $1) }),
    ]

    /// Of numbers from 1/2 on: the absolute value and 1/2 of any. A computed one is above 3/8, whatever its error.
    private static let ofPositives: [(String, @Sendable (Double, Double) -> (value: Double, carried: Double))] = [
        ("math.sqrt", { ($0.squareRoot(), $1) }), ("math.rsqrt", { (1 / $0.squareRoot(), 4 * $1) }), ("math.reciprocal", { (1 / $0, 6 * $1) }),
        ("math.log", { (log($0), 3 * $1) }), ("math.square", { ($0 * $0, (2 * $0 + $1) * $1) }),
    ]

    private static let pairs: [(String, Bounded.Pair)] = [
        ("math.add", .add), ("math.subtract", .subtract), ("math.multiply", .multiply), ("math.maximum", .maximum), ("math.minimum", .minimum),
    ]

    static let operations: [DrawnKind] = plain.map { function, value in
        .one(function) { _, _ in .operation(function) { $0[0].mapped(value) } }
    } + ofPositives.map { function, value in
        DrawnKind(function) { _, _ in
            [
                .operation("math.abs") { $0[0].mapped { (abs($0), $1) } },
                .operation("__operators__.add", .number(0.5)) { xs in xs[0].affine { _ in (0, 1, 0.5) } },
                .operation(function) { $0[0].mapped(value) },
            ]
        }
    } + [
        // Exponents are between -1 and 1, so that their errors are of no more than the slope e.
        DrawnKind("math.exp") { _, _ in
            [
                .operation("nn.tanh") { $0[0].activated(.tanh) },
                .operation("math.exp") { $0[0].activated(.exponential) },
            ]
        },
        .one("math.multiply of a number") { _, _ in .operation("math.multiply", .number(-0.75)) { xs in xs[0].affine { _ in (0, -0.75, 0) } } },
        .one("math.truediv of a number") { _, _ in .operation("math.truediv", .number(3)) { xs in xs[0].affine { _ in (0, 1.0 / 3, 0) } } },
    ] + pairs.map { function, pair in
        DrawnKind(function, inputs: 2) { xs, _ in
            xs[0].shape == xs[1].shape ? [.operation(function) { $0[0].combined(pair, $0[1]) }] : []
        }
    }
}

extension SeededRandom {
    /// Weights of a convolution: a kernel, and a bias or none.
    mutating func convolution(_ shape: [Int], _ filters: Int) throws -> (weights: [Tensor], kernel: [Double], bias: [Double]?) {
        let (kernel, bias) = (weights(shape), chance(0.7) ? weights([filters]) : nil)
        return ([try tensor(shape, kernel)] + (try bias.map { [try tensor([filters], $0)] } ?? []), kernel, bias)
    }
}
