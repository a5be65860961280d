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
    }

    /// What Python's json writes and reads beyond JSON.
    @Test func notANumberAndInfinities() throws {
        let text = "[NaN, Infinity, -Infinity, {\"a\": -Infinity}]"
        let value = try JSONValue(parsing: text.utf8)
        #expect(value.text == text)
        guard case .array(let values) = value, case .number(let nan) = values[0] else {
            Issue.record("\(value)")
            return
        }
        #expect(nan.isNaN && values[1] == .number(.infinity) && values[2] == .number(-.infinity))
        for text in ["nan", "inf", "Inf", "+Infinity", "-NaN", "- Infinity", "Infinit", "NaN1", "INFINITY", "--Infinity", "-I"] {
            #expect(throws: KerasConfigError.self, "\(text)") { try JSONValue(parsing: text.utf8) }
        }
        // Where one makes no sense, whoever takes it says so.
        let config: JSONObject = ["a": .number(.nan), "b": .number(.infinity), "c": .number(-.infinity), "d": 2]
        let reader = ConfigReader(config: config, className: "test")
        for key in ["a", "b", "c"] { #expect(throws: KerasConfigError.self) { try reader.number(key) } }
        #expect(throws: KerasConfigError.self) { try reader.number("a", infinities: .both) }
        #expect(throws: KerasConfigError.self) { try reader.number("c", infinities: .positive) }
        #expect(try reader.number("b", infinities: .positive) == .infinity && reader.number("c", infinities: .both) == -.infinity)
        #expect(try reader.number("d") == 2)
        #expect(throws: KerasConfigError.self) { try reader.integer("b") }
        for member in [#""filters": NaN"#, #""filters": 2, "strides": [1, 1, Infinity]"#, #""filters": 2, "groups": -Infinity"#] {
            let layer = #"{"class_name": "Conv3DTranspose", "config": {"kernel_size": 1, \#(member)}}"#
            #expect(throws: KerasConfigError.self, "\(member)") { try LayerSet(json: layer.utf8) }
        }
        // No maximum is no maximum, however it is written.
        #expect(try ActivationNames.activation(["class_name": "ReLU", "config": ["max_value": .number(.infinity)]]) == .relu)
        #expect(throws: KerasConfigError.self) { try ActivationNames.activation(["class_name": "ReLU", "config": ["max_value": .number(.nan)]]) }
        #expect(throws: KerasConfigError.self) { try ActivationNames.activation(["class_name": "ELU", "config": ["alpha": .number(.infinity)]]) }
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

    /// What RFC 8259 calls JSON.
    @Test func grammar() throws {
        let good: [(String, JSONValue)] = [
            (" \t\r\n1 ", 1), ("-0", 0), ("1.0", 1), ("1e3", 1000), ("-12.5E-1", .number(-1.25)), ("9223372036854775808", .number(0x1p63)),
            (#""\u00e9\ud83e\uddca\/\b\f""#, "é🧊/\u{8}\u{c}"), ("\u{FEFF}[]", []), (#"{"a":1,"a":2}"#, ["a": 2]),
            (String(repeating: "[", count: 256) + String(repeating: "]", count: 256), nested(256)),
        ]
        for (text, value) in good { #expect(try JSONValue(parsing: text.utf8) == value, "\(text.prefix(40))") }
        let bad = [
            "", " ", "01", "+1", "1.", ".5", "1e", "-", "1e999", "tru", "nul", "truex", "[1,]", "[,1]", "[1 2]", "{\"a\"}",
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
