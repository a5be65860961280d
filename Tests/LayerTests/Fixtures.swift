import Foundation
import TensorIO
import Tensors

/// Files of these tests, and the Keras files they share with the tests of TensorIO.
enum Fixture {
    static func path(_ name: String) -> String { folder.appendingPathComponent("LayerTests/Fixtures/\(name)").path }

    static func keras(_ name: String) -> String { folder.appendingPathComponent("TensorIOTests/Fixtures/keras/\(name)").path }

    static func kerasConfig(_ name: String) -> String { folder.appendingPathComponent("KerasConfigTests/Fixtures/\(name)").path }

    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// Input and output of the three-layer decoder, as Keras computed it.
    static func decoder() throws -> (x: Tensor, y: Tensor) {
        (try NPY.read(path: keras("x.npy")), try NPY.read(path: keras("y.npy")))
    }
}
