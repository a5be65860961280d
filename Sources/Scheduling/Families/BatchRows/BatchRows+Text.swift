extension BatchRows {
    public init?(text: String) {
        guard let words = ScheduleWords(text, of: Self.self), let vectors = words.number("v"), let rows = words.number("r"),
            let unroll = words.number("unroll")
        else { return nil }
        self.init(vectors: vectors, rows: rows, unroll: unroll)
    }
}
