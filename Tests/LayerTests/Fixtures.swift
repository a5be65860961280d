import VoxTensorIO
import VoxTensors
import _TestSupport

extension Fixture {
    /// Input and output of the three-layer decoder, as Keras computed it.
    static func decoder() throws -> (x: Tensor, y: Tensor) {
        (try NPY.read(path: keras("x.npy")), try NPY.read(path: keras("y.npy")))
    }
}
