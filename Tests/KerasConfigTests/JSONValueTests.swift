import Foundation
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
        let encoded = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: encoded) == value)
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
}
