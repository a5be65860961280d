import Foundation
import VoxHashing
import VoxKernelRuntime
import VoxLayerSpec

/// Plugins written by hand after the ABI header, so that the loader is tested without the generator: pointwise layers
/// (kernel size 1) that multiply their result by a factor, which tells one plugin's code from another's.
package struct HandWrittenPlugin {
    var spec: KernelSpec
    var name = "hand_written"
    var factor = 1
    /// C expression of the features it needs.
    var features = "0"
    var abiMajor = "VS_ABI_MAJOR"
    var magic = "VS_PLUGIN_MAGIC"
    /// Replaces the number of kernels.
    var count: String?
    /// Replaces the packing key.
    var packing: String?
    /// Replaces the text of the key.
    var key: String?
    var op = "VS_OP_TRANSPOSED_CONVOLUTION"
    var symbol = "voxelsmith_plugin"
    /// C at the start of `run`; `y` is the output.
    var atRun = ""
    /// C after the plugin's own.
    var extra = ""
    var linkerFlags: [String] = []
    /// Replaces the offset of the key's text.
    var keyOffset = "OFFSET(key)"
    /// C expressions of the fields of the same name.
    package var items = "SLICES", itemRule = "VS_ITEMS_PER_SAMPLE", operands = "0", stageCount = "1", sharedBytes = "0",
        sharedBytesPerSample = "0", laterStages = "{0}"
    /// Further kernels with the same code, each with the C expression of the features it needs.
    package var others: [(name: String, features: String)] = []
    /// Replaces the text of their key, which is that of the first kernel.
    package var othersKey: String?

    package init(
        spec: KernelSpec, name: String = "hand_written", factor: Int = 1, features: String = "0", abiMajor: String = "VS_ABI_MAJOR",
        magic: String = "VS_PLUGIN_MAGIC", count: String? = nil, packing: String? = nil, key: String? = nil,
        op: String = "VS_OP_TRANSPOSED_CONVOLUTION", symbol: String = "voxelsmith_plugin", atRun: String = "", extra: String = "", linkerFlags: [String] = [],
        keyOffset: String = "OFFSET(key)"
    ) {
        (self.spec, self.name, self.factor, self.features, self.abiMajor) = (spec, name, factor, features, abiMajor)
        (self.magic, self.count, self.packing, self.key, self.op) = (magic, count, packing, key, op)
        (self.symbol, self.atRun, self.extra, self.linkerFlags, self.keyOffset) = (symbol, atRun, extra, linkerFlags, keyOffset)
    }

    /// A pointwise layer whose axes, channels and filters all differ.
    package static func pointwise(
        input: [Int] = [2, 3, 4], channels: Int = 3, filters: Int = 2, epilogue: Epilogue = Epilogue(hasBias: true, activation: .linear),
        policy: Policy = .direct
    ) throws -> KernelSpec {
        let axes = try input.map { try AxisGeometry(input: $0, output: $0, kernel: 1, stride: 1, dilation: 1, crop: 0) }
        return KernelSpec(geometry: try Geometry(axes: axes, channels: channels, filters: filters), epilogue: epilogue, policy: policy)
    }

    /// One work item is one depth slice.
    var source: String {
        """
        #include "voxelsmith_kernel_abi.h"
        #include <stddef.h>
        enum { C = \(spec.geometry.channels), F = \(spec.geometry.filters), SLICES = \(spec.geometry.axes[0].input),
               VOXELS = \(spec.geometry.axes[1].input * spec.geometry.axes[2].input), PACKED = (C * F * 4 + 63) / 64 * 64 };
        static int32_t pack(const vs_pack_args *a) {
            if (a->size < sizeof *a) return VS_BAD_ARGUMENTS;
            const float *w = a->weights;
            float *p = a->packed;
            for (int i = 0; i < PACKED / 4; ++i) p[i] = i < C * F ? w[i] * (\(factor)) : 0;
            return VS_OK;
        }
        static int32_t run(const vs_run_args *a, int64_t begin, int64_t end) {
            if (a->size < sizeof *a || begin < 0 || end > a->batch * SLICES) return VS_BAD_ARGUMENTS;
            const float *x = a->input, *p = a->packed, *bias = a->bias;
            float *y = a->output, *work = a->workspace;
            \(atRun)
            for (int64_t v = begin * VOXELS; v < end * VOXELS; ++v) {
                for (int f = 0; f < F; ++f) {
                    work[f] = \(spec.epilogue.hasBias ? "bias[f]" : "0");
                    for (int c = 0; c < C; ++c) work[f] += p[f * C + c] * x[v * C + c];
                }
                for (int f = 0; f < F; ++f) y[v * F + f] = work[f]\(spec.epilogue.activation == .relu ? " > 0 ? work[f] : 0" : "");
            }
            return VS_OK;
        }
        #define KEY "\(key ?? spec.key.text)"
        #define OTHERS_KEY "\(othersKey ?? key ?? spec.key.text)"
        #define NAME "\(name)"
        #define SCHEDULE "none"
        #define LOOPS "slices, voxels, filters, channels"
        #define PACKING "\(packing ?? "pointwise*\(factor)")"
        #define TARGET "by hand"
        #define DIGEST "0"
        typedef struct {
            vs_plugin plugin;
            vs_kernel_descriptor kernels[\(1 + others.count)];
            char key[sizeof KEY - 1], name[sizeof NAME - 1], schedule[sizeof SCHEDULE - 1], loops[sizeof LOOPS - 1],
                packing[sizeof PACKING - 1], target[sizeof TARGET - 1], digest[sizeof DIGEST - 1];
            char others_key[sizeof OTHERS_KEY - 1];
            \(others.enumerated().map { "char name\($0)[sizeof \"\($1.name)\" - 1];" }.joined(separator: " "))
        } object;
        #define OFFSET(field) offsetof(object, field)
        #define TEXT(field, text) {OFFSET(field), sizeof text - 1}
        extern const object \(symbol);
        __attribute__((visibility("default"), section(VS_PLUGIN_SECTION), used)) const object \(symbol) = {
            {\(magic), \(abiMajor), sizeof(vs_kernel_descriptor), \(count ?? "\(1 + others.count)"), sizeof(object)},
            {\(descriptors)},
            KEY, NAME, SCHEDULE, LOOPS, PACKING, TARGET, DIGEST, OTHERS_KEY\(others.map { ", \"\($0.name)\"" }.joined())};
        \(extra)
        """
    }

    /// The initializers of all descriptors.
    private var descriptors: String {
        func descriptor(_ keyText: String, _ nameText: String, _ features: String) -> String {
            """
            {sizeof(vs_kernel_descriptor), \(keyText), \(nameText), TEXT(schedule, SCHEDULE), TEXT(loops, LOOPS),
              TEXT(packing, PACKING), TEXT(target, TARGET), TEXT(digest, DIGEST), \(op), \(itemRule), \(features), PACKED, F * 4,
              \(items), \(spec.geometry.flopCount), pack, run, \(operands), \(stageCount), \(sharedBytes), \(sharedBytesPerSample), \(laterStages)}
            """
        }
        let first = descriptor("{\(keyOffset), sizeof KEY - 1}", "TEXT(name, NAME)", features)
        let more = others.enumerated().map { descriptor("TEXT(others_key, OTHERS_KEY)", "TEXT(name\($0), \"\($1.name)\")", $1.features) }
        return ([first] + more).joined(separator: ",\n")
    }

    struct CompilerFailed: Error { let message: String }

    /// Compiles the plugin.
    /// - Returns: the shared object without a digest.
    package func compile(in folder: TemporaryFolder) throws -> [UInt8] {
        let include = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/CKernelABI/include").path
        let sourcePath = folder.path("plugin.c")
        let objectPath = folder.path("plugin.o")
        try source.write(toFile: sourcePath, atomically: true, encoding: .utf8)
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "clang", "-std=c17", "-O2", "-ffreestanding", "-nostdlib", "-fPIC", "-fvisibility=hidden", "-shared", "-fuse-ld=lld",
            "-Wl,-z,defs", "-Wl,--build-id=none", "-I", include, sourcePath, "-o", objectPath,
        ] + linkerFlags
        process.standardError = errors
        try process.run()
        let message = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CompilerFailed(message: String(decoding: message, as: UTF8.self))
        }
        return try [UInt8](Data(contentsOf: URL(fileURLWithPath: objectPath)))
    }

    /// Compiles the plugin, appends the digest and writes the file.
    /// - Returns: its path.
    package func build(in folder: TemporaryFolder, as file: String = "plugin.so") throws -> String {
        try folder.write(Self.sealed(compile(in: folder)), as: file)
    }

    /// The bytes followed by their SHA-256.
    package static func sealed(_ bytes: [UInt8]) -> [UInt8] { bytes + SHA256.digest(of: bytes) }
}
