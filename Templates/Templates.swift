/// The C templates of this folder as text. The files themselves are the place to read.
public enum Templates {
    /// A file of this folder that code is rendered from or that is copied beside generated code.
    public enum File: String, CaseIterable, Sendable {
        case filterLanes = "filter_lanes.c.mustache"
        case minimalFiltering = "minimal_filtering.c.mustache"
        case batchRows = "batch_rows.c.mustache"
        case matrixProduct = "matrix_product.c.mustache"
        case plugin = "plugin.c.mustache"
        case vectors = "voxelsmith_vectors.h"
        case layout = "voxelsmith_layout.h"
        case kernelABI = "voxelsmith_kernel_abi.h"

        /// Whether code is rendered from it; the others are headers, copied as they are.
        public var isTemplate: Bool { rawValue.hasSuffix(".mustache") }

        /// Whether it is part of other templates, which name it: code that is written against a multiply unit.
        public var isPart: Bool { self == .matrixProduct }

        /// The folder it lies in, from the package's.
        public var folder: String {
            switch self {
            case .filterLanes, .minimalFiltering, .batchRows: "Templates/families"
            case .matrixProduct: "Templates/units"
            case .plugin, .vectors, .layout: "Templates/shared"
            case .kernelABI: "Sources/CKernelABI/include"
            }
        }
    }

    /// The whole text of a file, byte for byte.
    public static func text(_ file: File) -> String {
        let bytes =
            switch file {
            case .filterLanes: PackageResources.filter_lanes_c_mustache
            case .minimalFiltering: PackageResources.minimal_filtering_c_mustache
            case .batchRows: PackageResources.batch_rows_c_mustache
            case .matrixProduct: PackageResources.matrix_product_c_mustache
            case .plugin: PackageResources.plugin_c_mustache
            case .vectors: PackageResources.voxelsmith_vectors_h
            case .layout: PackageResources.voxelsmith_layout_h
            case .kernelABI: PackageResources.voxelsmith_kernel_abi_h
            }
        return String(decoding: bytes, as: UTF8.self)
    }
}
