import VoxKernelEmission
import VoxLayerSpec

extension Markup {
    /// As `escaped`, with line breaks escaped too: for a text of a picture, which has one line.
    static func line(_ text: String) -> String { Markup.escaped(VoxLayerSpec.escaped(text)) }
}
