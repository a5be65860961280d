extension FilterLanes {
    public init?(text: String) {
        guard let words = ScheduleWords(text, of: Self.self), let vectors = words.number("v"), let tile = words.numbers("tile"), tile.count == 2,
            let fusion = words.value("fuse").flatMap(Fusion.init), let order = words.value("order").flatMap(Order.init),
            let blockRows = words.number("block"), let unroll = words.number("unroll")
        else { return nil }
        // Merged groups have one channel a vector, and the text does not repeat it.
        self.init(
            channelsPerVector: words.number("g") ?? 1, vectors: vectors, tileHeight: tile[0], tileWidth: tile[1],
            mergesWidthPhases: words.value("merge") == "w", fusion: fusion, listsRows: words.value("rows") == "listed", order: order, blockRows: blockRows,
            prefetchesNextPlane: words.has("prefetch"), streamsOutput: words.has("stream"), unroll: unroll, mergesGroups: words.has("groups"))
    }
}
