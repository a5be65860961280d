extension MinimalFiltering {
    public init?(text: String) {
        guard let words = ScheduleWords(text, of: Self.self), let block = words.numbers("block"), let vectors = words.number("v"),
            let rows = words.number("r"), let unroll = words.number("unroll")
        else { return nil }
        self.init(
            block: block, vectors: vectors, rows: rows, mergesWidthPhases: words.value("merge") == "w", splits: words.number("split") ?? 1,
            streamsOutput: words.has("stream"), unroll: unroll)
    }
}
