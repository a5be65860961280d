import VoxKerasConfig
import VoxTensors
import Voxelsmith
import _TestSupport

extension DrawnLayer {
    /// An operation with arguments by name, on one tensor or on a list of them.
    static func operation(
        _ function: String, _ className: String = "TFOpLambda", with keywords: JSONObject, _ compute: @escaping ([Bounded]) -> Bounded
    ) -> DrawnLayer {
        var result = DrawnLayer(className, ["function": .string(function)], of: compute)
        result.call = { inputs in
            let calls: [JSONValue] = inputs.map { .array($0 + [.object(keywords)]) }
            return calls.count == 1 ? calls[0] : .array(calls)
        }
        result.classes = ["TFOpLambda \(function)"]
        return result
    }
}

extension DrawnKind {
    private static let folds: [(String, Bounded.Fold)] = [
        ("math.reduce_mean", .mean), ("math.reduce_sum", .sum), ("math.reduce_max", .maximum), ("math.reduce_min", .minimum),
    ]

    /// Operations that fold elements along axes, or take them to other places.
    static let movements: [DrawnKind] = folds.map { function, fold in
        .one(function) { x, random in
            let count = random.integer(1...x.rank - 1)
            let axes = Array(Array(1..<x.rank).shuffled(using: &random).prefix(count))
            let stated = axes.map { random.chance(0.3) ? $0 - x.rank : $0 }
            // A result has an axis beside the batch.
            let keeps = x.rank - count < 2 || random.chance(0.5)
            let axis: JSONValue = count == 1 ? .integer(stated[0]) : JSONValue(stated)
            return .operation(function, with: ["axis": axis, "keepdims": .bool(keeps)]) { $0[0].folded(fold, axes: axes, keeps: keeps) }
        }
    } + [
        .one("clip_by_value") { _, _ in
            .operation("clip_by_value", with: ["clip_value_min": .number(-0.5), "clip_value_max": .number(0.75)]) { xs in
                xs[0].mapped { (min(max($0, -0.5), 0.75), $1) }
            }
        },
        .one("reshape") { x, _ in
            let joined = x.rank == 2 ? [1, x.shape[1]] : [x.shape[1] * x.shape[2]] + x.shape.dropFirst(3)
            return .operation("reshape", with: ["shape": JSONValue([-1] + joined)]) { $0[0].reshaped([$0[0].shape[0]] + joined) }
        },
        .one("transpose") { x, random in
            let order = [0] + Array(1..<x.rank).shuffled(using: &random)
            return .operation("transpose", with: ["perm": JSONValue(order)]) { $0[0].permuted(order) }
        },
        .one("expand_dims") { x, random in .expanding(x, at: random.integer(1...x.rank)) },
        DrawnKind("squeeze") { xs, random in
            let (rank, place) = (xs[0].rank, random.integer(1...xs[0].rank))
            let axis = random.chance(0.5) ? place : place - rank - 1
            return [
                .expanding(xs[0], at: place),
                .operation("squeeze", with: ["axis": JSONValue([axis])]) { xs in
                    xs[0].reshaped(Array(xs[0].shape[..<place] + xs[0].shape[(place + 1)...]))
                },
            ]
        },
        DrawnKind("stack", inputs: 2) { xs, random in
            if xs[0].shape != xs[1].shape { return [] }
            let place = random.integer(1...xs[0].rank)
            return [
                .operation("stack", with: ["axis": .integer(place)]) { xs in
                    Bounded.concatenated(xs.map { $0.reshaped(Array($0.shape[..<place]) + [1] + $0.shape[place...]) }, axis: place)
                }
            ]
        },
        .one("__operators__.getitem") { x, random in .slicing(x, &random) },
    ]
}

extension DrawnLayer {
    fileprivate static func expanding(_ x: Bounded, at place: Int) -> DrawnLayer {
        .operation("expand_dims", with: ["axis": .integer(place)]) { xs in
            xs[0].reshaped(Array(xs[0].shape[..<place]) + [1] + xs[0].shape[place...])
        }
    }

    /// A part of each axis but the batch: all of it, some places a step apart, in either direction, or one place without its axis.
    fileprivate static func slicing(_ x: Bounded, _ random: inout SeededRandom) -> DrawnLayer {
        func slice(_ start: JSONValue, _ stop: JSONValue, _ step: JSONValue) -> JSONValue { ["start": start, "stop": stop, "step": step] }
        var key: [JSONValue] = [slice(nil, nil, nil)]
        // The places of each axis that are taken, and whether the result has the axis.
        var taken: [(places: [Int], isKept: Bool)] = [(Array(0..<x.shape[0]), true)]
        for extent in x.shape.dropFirst() {
            switch random.integer(0...3) {
            case 0 where taken.count > 1:
                let place = random.integer(0...extent - 1)
                key.append(.integer(random.chance(0.5) ? place : place - extent))
                taken.append(([place], false))
            case 1:
                let (first, step) = (random.integer(0...extent - 1), random.integer(1...2))
                key.append(slice(.integer(random.chance(0.5) ? first : first - extent), nil, .integer(step)))
                taken.append((Array(stride(from: first, to: extent, by: step)), true))
            case 2:
                let (first, step) = (random.integer(0...extent - 1), random.integer(1...2))
                key.append(slice(.integer(first), nil, .integer(-step)))
                taken.append((Array(stride(from: first, through: 0, by: -step)), true))
            default:
                key.append(slice(nil, nil, nil))
                taken.append((Array(0..<extent), true))
            }
        }
        let places = taken
        return .operation("__operators__.getitem", "SlicingOpLambda", with: ["slice_spec": .array(key)]) { xs in
            Bounded.moved(to: places.filter(\.isKept).map(\.places.count)) { place in
                var rest = place[...]
                return (xs[0], places.map { $0.places[$0.isKept ? rest.removeFirst() : 0] })
            }
        }
    }
}
