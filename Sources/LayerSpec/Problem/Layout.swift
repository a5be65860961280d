/// Where the channel axis of an activation tensor stands (Keras `data_format`).
public enum Layout: String, CaseIterable, Hashable, Sendable {
    /// (batch, depth, height, width, channels)
    case channelsLast = "channels_last"
    /// (batch, channels, depth, height, width)
    case channelsFirst = "channels_first"

    /// The shape of a tensor in this layout.
    public func shape(batch: Int, spatial: [Int], channels: Int) -> [Int] {
        switch self {
        case .channelsLast: [batch] + spatial + [channels]
        case .channelsFirst: [batch, channels] + spatial
        }
    }

    /// Index of the channel axis in a shape of the given rank.
    public func channelAxis(rank: Int) -> Int {
        switch self {
        case .channelsLast: rank - 1
        case .channelsFirst: 1
        }
    }

    /// The spatial extents of a shape (batch and channel axes removed).
    public func spatial(of shape: [Int]) -> [Int] {
        var extents = shape
        extents.remove(at: channelAxis(rank: shape.count))
        extents.removeFirst()
        return extents
    }

    var token: String {
        switch self {
        case .channelsLast: "last"
        case .channelsFirst: "first"
        }
    }

    init?(token: Substring) {
        guard let match = Self.allCases.first(where: { $0.token == token }) else { return nil }
        self = match
    }
}
