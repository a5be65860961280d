import Foundation
import Testing
import VoxKerasConfig
import VoxTensors
import _TestSupport

/// What Keras 3.15 and tf-keras 2.21 computed on a grid of arguments and on a seeded kernel.
struct ReferenceValues {
    let generation: KerasGeneration
    private let document: JSONObject

    static func both() throws -> [ReferenceValues] {
        try [
            ReferenceValues("reference_values_keras3.json", .keras3), ReferenceValues("reference_values_tfkeras2.json", .keras2),
        ]
    }

    private init(_ file: String, _ generation: KerasGeneration) throws {
        // Python writes infinities as a bare word.
        let text = try String(contentsOfFile: Fixture.layer(file), encoding: .utf8).replacingOccurrences(of: "Infinity", with: "1e300")
        document = try #require(try JSONValue(parsing: Array(text.utf8)).object)
        self.generation = generation
    }

    /// Names and results of a section.
    func entries(_ section: String) throws -> [(name: String, value: JSONValue)] {
        let object = try #require(document[section]?.object)
        return object.keys.map { ($0, object[$0] ?? .null) }
    }

    func tensor(_ key: String) throws -> Tensor { try Self.tensor(try #require(document[key])) }

    /// Nested lists as a float32 tensor.
    static func tensor(_ json: JSONValue) throws -> Tensor {
        var shape: [Int] = []
        var level = json
        while let list = level.array {
            shape.append(list.count)
            level = try #require(list.first)
        }
        return try Tensor(shape: shape, numbers(json).map { Float($0) })
    }

    static func numbers(_ json: JSONValue) -> [Double] {
        switch json {
        case .array(let list): list.flatMap(numbers)
        case .integer(let value): [Double(value)]
        case .number(let value): [value]
        default: []
        }
    }
}
