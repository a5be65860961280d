import LayerSpec

/// What all families that sum over voxels know of planes becoming voxels and back, and of where results go.
enum PlaneConversion {
    /// Cycles of the conversion where features come first: about 0.4 an element.
    /// - Parameter inputPasses: how often inputs are converted.
    static func cycles(_ spec: KernelSpec, inputPasses: Int) -> Double {
        guard spec.layout == .channelsFirst else { return 0 }
        let gather = spec.gather
        return 0.4 * Double(inputPasses * gather.sourceVolume * gather.channels + gather.resultVolume * gather.filters)
    }

    /// Whether a sample's output is too large for any cache: lines of it would be read only to be overwritten. (Kernel 2, stride 2,
    /// 64 channels, 32 filters on 64^3: 179 instead of 131 GFLOP/s on one core.)
    /// Lines must be written whole: lines of filters are where they fill some, and planes are converted in whole lines.
    /// - Parameter share: part of the last-level cache that counts as any.
    static func streams(_ spec: KernelSpec, _ target: Target, share: Double = 1) -> Bool {
        let (gather, bytes) = (spec.gather, spec.elements.storage.byteCount)
        return Double(gather.resultVolume * gather.filters * bytes) > share * Double(target.lastLevelBytes)
            && (spec.layout == .channelsFirst || gather.filters * bytes % 64 == 0)
    }

    /// Floats from voxel to voxel for a number of features: room for the whole vectors that are moved, and no power of two, as
    /// such voxels would share cache sets.
    static func voxel(features: Int, lanes: Int) -> Int {
        if 2 * features <= lanes { return features }
        if features < lanes { return lanes }
        return features % (4 * lanes) == 0 ? features + lanes : features
    }
}
