/// The C templates of this folder as text. The files themselves are the place to read.
public enum Templates {
    /// A file of this folder that code is rendered from or that is copied beside generated code.
    public struct File: Hashable, Sendable {
        /// Its name without folders; no two files have the same.
        public let name: String
        /// The folder it lies in, from the package's.
        public let folder: String
        /// Not read before the text is asked for.
        let bytes: @Sendable () -> [UInt8]

        init(_ name: String, in folder: String, bytes: @escaping @Sendable () -> [UInt8]) {
            self.name = name
            self.folder = folder
            self.bytes = bytes
        }

        /// Whether code is rendered from it; the others are headers, copied as they are.
        public var isTemplate: Bool { name.hasSuffix(".mustache") }

        public static func == (a: File, b: File) -> Bool { a.name == b.name }

        public func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }

    /// The whole text of a file, byte for byte.
    public static func text(_ file: File) -> String {
        String(decoding: file.bytes(), as: UTF8.self)
    }
}

extension Templates.File {
    private static let filterLanesFolder = "Templates/families/FilterLanes"
    private static let minimalFilteringFolder = "Templates/families/MinimalFiltering"
    private static let batchRowsFolder = "Templates/families/BatchRows"
    private static let shared = "Templates/shared"
    private static let standalone = "Templates/standalone"

    /// Kernels of the family filter lanes.
    public static let filterLanes = Self("filter_lanes.c.mustache", in: filterLanesFolder) { PackageResources.filter_lanes_c_mustache }
    /// Kernels of the family minimal filtering.
    public static let minimalFiltering = Self("minimal_filtering.c.mustache", in: minimalFilteringFolder) { PackageResources.minimal_filtering_c_mustache }
    /// Kernels of the family batch rows.
    public static let batchRows = Self("batch_rows.c.mustache", in: batchRowsFolder) { PackageResources.batch_rows_c_mustache }
    /// The table of a plugin's kernels.
    public static let plugin = Self("plugin.c.mustache", in: shared) { PackageResources.plugin_c_mustache }
    /// Vectors and the functions of activations.
    public static let vectors = Self("voxelsmith_vectors.h", in: shared) { PackageResources.voxelsmith_vectors_h }
    /// Planes that become voxels and back.
    public static let layout = Self("voxelsmith_layout.h", in: shared) { PackageResources.voxelsmith_layout_h }
    /// The contract between a plugin and its loader.
    public static let kernelABI = Self("voxelsmith_kernel_abi.h", in: "Sources/CKernelABI/include") { PackageResources.voxelsmith_kernel_abi_h }

    /// The header of layers in plain C.
    public static let standaloneHeader = Self("standalone_layers.h.mustache", in: standalone) { PackageResources.standalone_layers_h_mustache }
    /// The functions of layers in plain C.
    public static let standaloneFunctions = Self("standalone_layers.c.mustache", in: standalone) { PackageResources.standalone_layers_c_mustache }
    /// The program that checks layers in plain C.
    public static let standaloneCheck = Self("standalone_check.c.mustache", in: standalone) { PackageResources.standalone_check_c_mustache }
    /// What builds layers in plain C, for make.
    public static let standaloneMakefile = Self("standalone_makefile.mustache", in: standalone) { PackageResources.standalone_makefile_mustache }
    /// What builds layers in plain C, for CMake.
    public static let standaloneCMake = Self("standalone_cmake.txt.mustache", in: standalone) { PackageResources.standalone_cmake_txt_mustache }
    /// Activations in double precision, for the program that checks layers in plain C.
    public static let reference = Self("voxelsmith_reference.h", in: standalone) { PackageResources.voxelsmith_reference_h }

    /// The headers that generated C includes.
    public static let headers = [kernelABI, vectors, layout]

    /// Files that are parts of templates, which name them in lines `{{> name}}`.
    public static let parts = partsOfKernels + partsOfStandaloneC

    private static let partsOfStandaloneC = [
        Self("standalone_layer.h.mustache", in: standalone) { PackageResources.standalone_layer_h_mustache },
        Self("standalone_layer.c.mustache", in: standalone) { PackageResources.standalone_layer_c_mustache },
        Self("standalone_check_loops.c.mustache", in: standalone) { PackageResources.standalone_check_loops_c_mustache },
    ]

    private static let partsOfKernels = [
        Self("kernel_facts.c.mustache", in: shared) { PackageResources.kernel_facts_c_mustache },
        Self("kernel_headers.c.mustache", in: shared) { PackageResources.kernel_headers_c_mustache },
        Self("tensor_extents.c.mustache", in: shared) { PackageResources.tensor_extents_c_mustache },
        Self("matrix_product.c.mustache", in: "Templates/units") { PackageResources.matrix_product_c_mustache },
        Self("lane_channel_rest.c.mustache", in: filterLanesFolder) { PackageResources.lane_channel_rest_c_mustache },
        Self("lane_channels.c.mustache", in: filterLanesFolder) { PackageResources.lane_channels_c_mustache },
        Self("lane_depth_taps.c.mustache", in: filterLanesFolder) { PackageResources.lane_depth_taps_c_mustache },
        Self("lane_listed_rows.c.mustache", in: filterLanesFolder) { PackageResources.lane_listed_rows_c_mustache },
        Self("lane_fetch.c.mustache", in: filterLanesFolder) { PackageResources.lane_fetch_c_mustache },
        Self("lane_input_planes.c.mustache", in: filterLanesFolder) { PackageResources.lane_input_planes_c_mustache },
        Self("lane_item_order.c.mustache", in: filterLanesFolder) { PackageResources.lane_item_order_c_mustache },
        Self("lane_operands.c.mustache", in: filterLanesFolder) { PackageResources.lane_operands_c_mustache },
        Self("lane_output_planes.c.mustache", in: filterLanesFolder) { PackageResources.lane_output_planes_c_mustache },
        Self("lane_pack.c.mustache", in: filterLanesFolder) { PackageResources.lane_pack_c_mustache },
        Self("lane_piece_row.c.mustache", in: filterLanesFolder) { PackageResources.lane_piece_row_c_mustache },
        Self("lane_rows.c.mustache", in: filterLanesFolder) { PackageResources.lane_rows_c_mustache },
        Self("lane_run.c.mustache", in: filterLanesFolder) { PackageResources.lane_run_c_mustache },
        Self("lane_run_chunks.c.mustache", in: filterLanesFolder) { PackageResources.lane_run_chunks_c_mustache },
        Self("lane_run_pieces.c.mustache", in: filterLanesFolder) { PackageResources.lane_run_pieces_c_mustache },
        Self("lane_sizes.c.mustache", in: filterLanesFolder) { PackageResources.lane_sizes_c_mustache },
        Self("lane_tables.c.mustache", in: filterLanesFolder) { PackageResources.lane_tables_c_mustache },
        Self("lane_tap.c.mustache", in: filterLanesFolder) { PackageResources.lane_tap_c_mustache },
        Self("lane_taps.c.mustache", in: filterLanesFolder) { PackageResources.lane_taps_c_mustache },
        Self("lane_tile.c.mustache", in: filterLanesFolder) { PackageResources.lane_tile_c_mustache },
        Self("lane_tile_row.c.mustache", in: filterLanesFolder) { PackageResources.lane_tile_row_c_mustache },
        Self("lane_vectors.c.mustache", in: filterLanesFolder) { PackageResources.lane_vectors_c_mustache },
        Self("lane_weight_order.c.mustache", in: filterLanesFolder) { PackageResources.lane_weight_order_c_mustache },
        Self("rows_pack.c.mustache", in: batchRowsFolder) { PackageResources.rows_pack_c_mustache },
        Self("rows_places.c.mustache", in: batchRowsFolder) { PackageResources.rows_places_c_mustache },
        Self("rows_run.c.mustache", in: batchRowsFolder) { PackageResources.rows_run_c_mustache },
        Self("rows_sizes.c.mustache", in: batchRowsFolder) { PackageResources.rows_sizes_c_mustache },
        Self("rows_tile.c.mustache", in: batchRowsFolder) { PackageResources.rows_tile_c_mustache },
        Self("window_adding.c.mustache", in: minimalFilteringFolder) { PackageResources.window_adding_c_mustache },
        Self("window_axes.c.mustache", in: minimalFilteringFolder) { PackageResources.window_axes_c_mustache },
        Self("window_combination.c.mustache", in: minimalFilteringFolder) { PackageResources.window_combination_c_mustache },
        Self("window_input_planes.c.mustache", in: minimalFilteringFolder) { PackageResources.window_input_planes_c_mustache },
        Self("window_inverse.c.mustache", in: minimalFilteringFolder) { PackageResources.window_inverse_c_mustache },
        Self("window_output_planes.c.mustache", in: minimalFilteringFolder) { PackageResources.window_output_planes_c_mustache },
        Self("window_pack.c.mustache", in: minimalFilteringFolder) { PackageResources.window_pack_c_mustache },
        Self("window_phases.c.mustache", in: minimalFilteringFolder) { PackageResources.window_phases_c_mustache },
        Self("window_products.c.mustache", in: minimalFilteringFolder) { PackageResources.window_products_c_mustache },
        Self("window_run.c.mustache", in: minimalFilteringFolder) { PackageResources.window_run_c_mustache },
        Self("window_sizes.c.mustache", in: minimalFilteringFolder) { PackageResources.window_sizes_c_mustache },
        Self("window_store_edge.c.mustache", in: minimalFilteringFolder) { PackageResources.window_store_edge_c_mustache },
        Self("window_store_whole.c.mustache", in: minimalFilteringFolder) { PackageResources.window_store_whole_c_mustache },
        Self("window_transform.c.mustache", in: minimalFilteringFolder) { PackageResources.window_transform_c_mustache },
        Self("window_types.c.mustache", in: minimalFilteringFolder) { PackageResources.window_types_c_mustache },
    ]

    /// Files that layers in plain C need beside their kernels.
    private static let ofStandaloneC = [
        standaloneHeader, standaloneFunctions, standaloneCheck, standaloneMakefile, standaloneCMake, reference,
    ]

    /// Every file that kernels and plugins are made of.
    public static let ofKernels = [filterLanes, minimalFiltering, batchRows, plugin, vectors, layout, kernelABI] + partsOfKernels

    /// Every file that C and what belongs to it are made of; pages have templates of their own (`inspectionPage`).
    public static let all = ofKernels + ofStandaloneC + partsOfStandaloneC

    /// The file of a name; nil where there is none.
    /// - Parameter name: a name without folders.
    public static func named(_ name: String) -> Self? { all.first { $0.name == name } }
}
