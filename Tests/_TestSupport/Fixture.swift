import Foundation

/// Files of the checkout that tests read, where they lie: test targets share them, and none is copied by the build.
package enum Fixture {
    /// The folder of `Package.swift`, where tests are run.
    package static let root = FileManager.default.currentDirectoryPath

    /// Arrays, weights and models written by NumPy, h5py and others.
    package static func file(_ name: String) -> String { "\(root)/Tests/TensorIOTests/Fixtures/\(name)" }

    /// What Keras wrote: models, weights, inputs and outputs.
    package static func keras(_ name: String) -> String { file("keras/\(name)") }

    /// Configs as each generation of Keras writes them.
    package static func config(_ name: String) -> String { "\(root)/Tests/KerasConfigTests/Fixtures/\(name)" }

    /// Layers, graphs and what Keras computed with them.
    package static func layer(_ name: String) -> String { "\(root)/Tests/LayerTests/Fixtures/\(name)" }

    /// A list of layers in `Tools/suites`, named without its ending.
    package static func suite(_ name: String) -> String { "\(root)/Tools/suites/\(name).json" }

    package static func data(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }
}
