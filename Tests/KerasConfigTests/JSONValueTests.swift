import Foundation
import Testing
import VoxKerasConfig

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
        #expect(throws: KerasConfigError.self) { try reader.number("a", special: .infinity) }
        #expect(throws: KerasConfigError.self) { try reader.number("c", special: .infinity) }
        #expect(try reader.number("b", special: .infinity) == .infinity && reader.number("c", special: .any) == -.infinity)
        #expect(try reader.number("a", special: .any)?.isNaN == true && reader.number("d") == 2)
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

    @Test func numbersCompareByValue() throws {
        let value = try JSONValue(parsing: "[3, 3.0, 3e0, 3.5, 1e300, true, \"3\"]".utf8)
        let list = try #require(value.array)
        #expect(list[0] == list[1] && list[1] == list[2] && list[0] == 3 && list[1] == 3.0 && list[0] != list[3])
        #expect(Set(list[0...2]).count == 1 && list[5] != 1 && list[6] != 3)
        #expect(list.map(\.number) == [3, 3, 3, 3.5, 1e300, nil, nil])
        #expect(list.map(\.integer) == [3, 3, 3, nil, nil, nil, nil])
        #expect(list.map(\.bool) == [nil, nil, nil, nil, nil, true, nil])
        // The case says how a number was written, so that a maker that matches it goes on matching.
        if case .number(let number) = list[1] { #expect(number == 3) } else { Issue.record("3.0 is no number") }
        #expect(JSONValue.integer(1 << 53 + 1) != .number(0x1p53) && JSONValue.integer(.max) != .number(0x1p63))
        #expect(JSONValue.number(.nan) == .number(.nan) && JSONValue.number(-0.0) == 0 && JSONValue.number(.infinity) != .number(-.infinity))
        #expect(Set([JSONValue.number(.nan), .number(.nan), .number(.infinity)]).count == 2)
    }

    @Test func objectsGoThroughTextAndAreWalked() throws {
        let object: JSONObject = ["b": 3.0, "a": [1, 2.5, nil], "t": true, "o": ["x": -0.5]]
        let text = object.toJSON()
        #expect(text == #"{"b": 3.0, "a": [1, 2.5, null], "t": true, "o": {"x": -0.5}}"#)
        let again = try JSONObject(parsing: text)
        #expect(try JSONValue(parsing: JSONValue.object(object).toJSON()) == .object(object) && JSONValue(parsing: "3.0") == 3)
        #expect(again == object && again.toJSON() == #"{"a": [1, 2.5, null], "b": 3.0, "o": {"x": -0.5}, "t": true}"#)
        var seen: [String] = []
        for (key, value) in object { seen.append("\(key) \(value.text)") }
        #expect(seen == ["b 3.0", "a [1, 2.5, null]", "t true", "o {\"x\": -0.5}"])
        #expect(object.count == 4 && object.contains { $0.key == "t" } && !object.isEmpty)
        var rest = object
        #expect(rest.removeValue(forKey: "b")?.number == 3 && rest.removeValue(forKey: "b") == nil && rest.keys == ["a", "t", "o"])
        #expect(throws: KerasConfigError.self) { try JSONObject(parsing: "[1]") }
        #expect((["x": .number(.infinity), "y": .number(.nan)] as JSONObject).toJSON() == #"{"x": Infinity, "y": NaN}"#)
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
