import KerasConfig
import Testing

@Suite struct JSONValueTests {
    @Test func typesStayApart() throws {
        let value = try JSONValue(parsing: Array("[null, true, 1, 0, 1.5, \"a\", [], {}, -9223372036854775808, 1e300]".utf8))
        #expect(
            value == [nil, true, 1, 0, .number(1.5), "a", [], [:], .integer(.min), .number(1e300)])
    }

    @Test func textReadsBack() throws {
        let value: JSONValue = [
            "z": ["quote \" backslash \\ newline \n tab \t return \r bell \u{7} é 🧊 /", nil, true, false],
            "a": .number(0.009999999776482582), "m": [-1, .number(1e-07), .number(-2.5)],
        ]
        #expect(try JSONValue(parsing: Array(value.text.utf8)) == value)
        #expect(value.text.hasPrefix("{\"z\": ["))  // members keep their order
        #expect(JSONValue.number(.nan).text == "null")
    }

    @Test func objectsAreOrderedMaps() {
        var object: JSONObject = ["b": 1, "a": 2]
        object["b"] = 3
        object["c"] = 4
        object["a"] = nil
        #expect(object.keys == ["b", "c"])
        #expect(object == ["c": 4, "b": 3])
        #expect(object.hashValue == (["c": 4, "b": 3] as JSONObject).hashValue)
        #expect(object["a"] == nil)
    }

    /// What RFC 8259 calls JSON, and nothing else.
    @Test func grammar() throws {
        let good: [(String, JSONValue)] = [
            (" \t\r\n1 ", 1), ("-0", 0), ("1.0", 1), ("1e3", 1000), ("-12.5E-1", .number(-1.25)), ("9223372036854775808", .number(0x1p63)),
            (#""\u00e9\ud83e\uddca\/\b\f""#, "é🧊/\u{8}\u{c}"), ("\u{FEFF}[]", []), (#"{"a":1,"a":2}"#, ["a": 2]),
            (String(repeating: "[", count: 256) + String(repeating: "]", count: 256), nested(256)),
        ]
        for (text, value) in good { #expect(try JSONValue(parsing: text.utf8) == value, "\(text.prefix(40))") }
        let bad = [
            "", " ", "01", "+1", "1.", ".5", "1e", "-", "NaN", "Infinity", "1e999", "tru", "nul", "truex", "[1,]", "[,1]", "[1 2]", "{\"a\"}",
            "{\"a\":}", "{a:1}", "{\"a\":1,}", "'a'", "\"a", "\"\\x\"", #""\u12g4""#, #""\ud83e""#, #""\udca0""#, #""\ud83ex""#, "\"a\nb\"", "1 2",
            "[", "{", "\\", String(repeating: "[", count: 257),
        ]
        for text in bad {
            #expect("\(text.prefix(40))", performing: { try JSONValue(parsing: text.utf8) }, throws: { error in
                if case .malformedJSON(let reason)? = error as? KerasConfigError { return reason.contains("expected") }
                return false
            })
        }
        #expect(throws: KerasConfigError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: KerasConfigError.malformedJSON("received \"x]\" at byte 4; expected a value")) { try JSONValue(parsing: "[1, x]".utf8) }
    }

    private func nested(_ depth: Int) -> JSONValue { depth == 1 ? [] : [nested(depth - 1)] }
}
