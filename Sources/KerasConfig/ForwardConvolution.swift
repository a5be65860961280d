import VoxLayerSpec

/// The mistake of tf.keras up to TensorFlow 1.5: its Conv3DTranspose inherited an ordinary convolution, and computed one.
package enum ForwardConvolution {
    /// Whether models of a `keras_version` mean `Conv3D` where they say Conv3DTranspose. The last such version is 2.1.2-tf.
    package static func isMeant(inVersion version: String?) -> Bool {
        guard let version, version.hasSuffix("-tf") else { return false }
        let numbers = version.dropLast(3).split(separator: ".").map { Int($0) ?? 0 }
        return numbers.lexicographicallyPrecedes([2, 1, 3])
    }

    /// What a user should know who loads such a model.
    package static func warning(version: String) -> Sentence {
        """
        The model was written by Keras \(version), whose Conv3DTranspose computed an ordinary convolution; \
        its layers are loaded as Conv3D, which gives the same results.
        """
    }
}
