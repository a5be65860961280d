/// How one vector of merged groups reads its input: lane f of the result holds one channel of the group of filter f.
struct GroupRead: Hashable, Comparable {
    /// Filters of a group.
    let filters: Int
    /// Channels of a group.
    let channels: Int
    /// The channel of each group that is read.
    let channel: Int
    /// Groups of the vector; the last vector may hold fewer than fit.
    let groups: Int
    /// Lanes of a vector.
    let lanes: Int

    /// Elements of each load; together they read the channels of the vector's groups and nothing else.
    private var counts: [Int] {
        let count = groups * channels
        return stride(from: 0, to: count, by: lanes).map { min(lanes, count - $0) }
    }

    /// Depthwise: lanes are channels, so reading is a load.
    var isPlain: Bool { filters == 1 && channels == 1 }

    /// The C expression for the input at `address`.
    func expression(_ address: String) -> String {
        isPlain ? Self.load(groups, address, lanes) : "\(name)(\(address))"
    }

    /// The name of the function behind `expression`.
    var name: String { "channel_\(channel)_of_\(groups)" }

    /// Sizes of the loads of less than a vector.
    var partialLoads: [Int] { counts.filter { $0 < lanes } }

    /// The body of the function: loads, then shuffles of two vectors until one is left that holds every lane's element.
    var statements: [String] {
        /// Vectors by name, each with the element that every lane holds; nil for lanes whose element is not needed.
        var level = counts.enumerated().map { index, count in
            (name: "v\(index)", elements: (0..<lanes).map { $0 < count ? index * lanes + $0 : nil })
        }
        var statements = zip(level, counts).enumerated().map { index, load in
            "const vf \(load.0.name) = \(Self.load(load.1, index == 0 ? "x" : "x + \(index * lanes)", lanes));"
        }
        // Idle lanes repeat the last group's.
        let wanted = (0..<lanes).map { min($0 / filters, groups - 1) * channels + channel }
        repeat {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                let (low, high) = (level[index], level[min(index + 1, level.count - 1)])
                let name = "\(low.name)s"
                // Each lane takes its element from whichever vector holds it; -1 where neither does.
                let places = wanted.map { element in
                    low.elements.firstIndex(of: element) ?? high.elements.firstIndex(of: element).map { $0 + lanes } ?? -1
                }
                statements.append(
                    "const vf \(name) = __builtin_shufflevector(\(low.name), \(high.name), \(places.map(String.init).joined(separator: ", ")));")
                return (name, zip(wanted, places).map { $1 < 0 ? nil : $0 })
            }
        } while level.count > 1
        return statements + ["return \(level[0].name);"]
    }

    private static func load(_ count: Int, _ address: String, _ lanes: Int) -> String {
        count == lanes ? "vs_load(\(address))" : "load_\(count)(\(address))"
    }

    static func < (a: GroupRead, b: GroupRead) -> Bool { (a.groups, a.channel) < (b.groups, b.channel) }
}
