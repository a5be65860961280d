import VoxLayerSpec

/// What the families that sum over voxels share: what it costs to convert planes into voxels and back, whether results are stored past the
/// caches, and how far voxels stand apart in a workspace.
enum PlaneConversion {
    /// Expected cycles of the conversion, about 0.4 an element; 0 for channels_last.
    /// - Parameter inputPasses: how often inputs are converted.
    static func cycles(_ spec: KernelSpec, inputPasses: Int) -> Double {
        guard spec.layout == .channelsFirst else { return 0 }
        let gather = spec.gather
        return 0.4 * Double(inputPasses * gather.sourceVolume * gather.channels + gather.resultVolume * gather.filters)
    }

    /// Whether results are stored past the caches. This pays where a sample's output is too large for any cache, since a plain store would read
    /// each line from memory only to overwrite it. (Kernel 2, stride 2, 64 channels, 32 filters on 64^3: 179 instead of 131 GFLOP/s on one
    /// core.) It needs stores of whole lines: the filters of a voxel fill whole lines, or features come first and planes are written in lines.
    /// - Parameter share: the part of the last-level cache beyond which an output counts as too large.
    static func streams(_ spec: KernelSpec, _ target: Target, share: Double = 1) -> Bool {
        let (gather, bytes) = (spec.gather, spec.elements.storage.byteCount)
        return Double(gather.resultVolume * gather.filters * bytes) > share * Double(target.lastLevelBytes)
            && (spec.layout == .channelsFirst || gather.filters * bytes % 64 == 0)
    }

    /// Floats from voxel to voxel for a number of features: room for the whole vectors that are moved. With a multiple of four vectors of
    /// features there is one vector more, as voxels at such distances would share cache sets.
    static func voxel(features: Int, lanes: Int) -> Int {
        if 2 * features <= lanes { return features }
        if features < lanes { return lanes }
        return features % (4 * lanes) == 0 ? features + lanes : features
    }
}
