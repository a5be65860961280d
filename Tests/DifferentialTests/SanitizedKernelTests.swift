import Foundation
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// Generated C, compiled with the address and undefined-behaviour sanitizers into a program of its own that runs every kernel on
/// buffers of exactly the right size. Sanitized code calls out, so it can be no plugin.
///
/// A few kernels by default; VOXELSMITH_SANITIZE sets how many.
@Suite struct SanitizedKernelTests {
    private static let flags = ["-std=c17", "-g", "-O1", "-march=native", "-ffp-contract=fast", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

    /// Numbers of one kernel as the program reads them: counts, then operands and the expected result.
    private func problem(_ schedule: Schedule, batch: Int, _ random: inout SeededRandom) throws -> [UInt8] {
        let spec = schedule.spec
        // Sums of such integers are exact, in rearranged form too.
        let limit = spec.policy == .fast ? 1 : 4
        let input = random.integers(spec.inputShape(batch: batch).reduce(1, *), limit: limit)
        let weights = random.integers(spec.geometry.kernelShape.reduce(1, *), limit: limit)
        let bias = spec.epilogue.hasBias ? random.integers(spec.biasCount, limit: limit) : []
        let isExact = [.linear, .relu].contains(spec.epilogue.activation)
        let sums = try OracleReference().sums(
            spec.with(epilogue: spec.epilogue.withoutActivation), batch: batch, input: input, weights: weights,
            bias: spec.epilogue.hasBias ? bias : nil)
        let expected = spec.epilogue.activation == .relu ? sums.map { max($0, 0) } : sums
        var bytes: [UInt8] = []
        let type = spec.elements.storage
        for count in [batch, input.count, weights.count, bias.count, expected.count, isExact ? 1 : 0, type.byteCount] {
            withUnsafeBytes(of: Int64(count)) { bytes += $0 }
        }
        let numbers = input + weights + bias + expected
        switch type {
        case .float32: numbers.map { Float($0) }.withUnsafeBytes { bytes += $0 }
        case .float64: numbers.withUnsafeBytes { bytes += $0 }
        case .float16, .bfloat16: Issue.record("\(spec.key): the program reads float32 and float64")
        }
        return bytes
    }

    private func run(_ program: String, _ arguments: [String], in folder: String) throws -> (succeeded: Bool, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus == 0 && process.terminationReason == .exit, String(decoding: output, as: UTF8.self))
    }

    /// Every target this machine runs, families of both convolutions, random parameters: no read or write outside a buffer, no undefined behaviour,
    /// and the answers of the oracle.
    @Test func generatedKernelsAreCleanUnderSanitizers() async throws {
        let clang = try await Compiler.find().path
        let count = ProcessInfo.processInfo.environment["VOXELSMITH_SANITIZE"].flatMap { Int($0) } ?? 6
        let program = try TemporaryFolder()
        _ = try program.write(Array("int main(void) { return 0; }\n".utf8), as: "empty.c")
        let probe = try run(clang, Self.flags + ["empty.c", "-o", "empty"], in: program.path("."))
        guard probe.succeeded, try run(program.path("empty"), [], in: program.path(".")).succeeded else {
            try Test.cancel("\(clang) has no sanitizers here: \(probe.output)")
        }
        var (kernels, wide) = (0, 0)
        for target in runnableTargets {
            var specs = RandomSpecs(seed: 4242)
            var random = SeededRandom(seed: 17)
            var schedules: [Schedule] = []
            while schedules.count < count {
                let schedule: Schedule?
                let op = schedules.count % 6 < 3 ? KernelOp.transposedConvolution : .convolution
                if schedules.count % 3 == 2 {
                    let (spec, decision) = specs.nextFast(target, op)
                    schedule = try? plan(spec, target: target, decision: decision)
                } else {
                    let spec = specs.next(op)
                    schedule = try? plan(spec, target: target, decision: specs.decision(spec, target))
                }
                if let schedule, !schedules.contains(where: { $0.spec.key == schedule.spec.key }) { schedules.append(schedule) }
            }
            // Programs of a few kernels each: one that fails names few suspects.
            for start in stride(from: 0, to: schedules.count, by: 10) {
                let part = Array(schedules[start..<min(start + 10, schedules.count)])
                let folder = try TemporaryFolder()
                let source = try PluginSource(part.map { try KernelUnit($0) }) { _ in "" }
                for file in source.kernels + [source.table] + source.headers { _ = try folder.write(Array(file.text.utf8), as: file.fileName) }
                _ = try folder.write(Array(Self.harness.utf8), as: "harness.c")
                var problems: [UInt8] = []
                for schedule in part { problems += try problem(schedule, batch: specs.batch(), &random) }
                _ = try folder.write(problems, as: "problems")
                let files = (source.kernels + [source.table]).map(\.fileName) + ["harness.c"]
                let compiled = try run(clang, Self.flags + files + ["-o", "check"], in: folder.path("."))
                #expect(compiled.succeeded, "\(target.name): \(compiled.output)")
                let checked = try run(folder.path("check"), ["problems"], in: folder.path("."))
                #expect(
                    checked.succeeded && checked.output == "\(part.count) kernels\n",
                    "\(target.name), \(part.map { "\($0.spec.key) \($0.text)" }): \(checked.output)")
                kernels += part.count
                wide += part.count { $0.spec.elements == .float64 }
            }
        }
        print("under address and undefined-behaviour sanitizers: \(kernels) kernels, \(wide) of them in float64, for \(runnableTargets.map(\.name))")
        #expect(kernels == count * runnableTargets.count)
    }

    /// The instrument works: a kernel that reads one element too far is found.
    @Test func aReadBeyondIsFound() async throws {
        let clang = try await Compiler.find().path
        let folder = try TemporaryFolder()
        _ = try folder.write(Array("#include <stdlib.h>\nint main(void) { float *x = malloc(12); x[2] = 0; volatile int i = 3; return x[i] != x[2]; }\n".utf8), as: "beyond.c")
        guard try run(clang, Self.flags + ["beyond.c", "-o", "beyond"], in: folder.path(".")).succeeded else {
            try Test.cancel("\(clang) has no sanitizers here")
        }
        let checked = try run(folder.path("beyond"), [], in: folder.path("."))
        #expect(!checked.succeeded && checked.output.contains("heap-buffer-overflow"), "\(checked)")
    }

    private static let harness = """
        #define _POSIX_C_SOURCE 200809L
        #include "voxelsmith_kernel_abi.h"
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        extern const vs_plugin voxelsmith_plugin;

        static void *numbers(FILE *file, int64_t count, int64_t size) {
            void *x = malloc((size_t)(count * size)); /* exact: the next byte is poisoned */
            if (count > 0 && fread(x, (size_t)size, (size_t)count, file) != (size_t)count) exit(2);
            return x;
        }

        static double number(const void *x, int64_t i, int64_t size) { return size == 4 ? (double)((const float *)x)[i] : ((const double *)x)[i]; }

        static void *aligned(uint64_t count) {
            void *block = NULL;
            if (posix_memalign(&block, 64, count) != 0) exit(2);
            memset(block, 0xff, count);
            return block;
        }

        int main(int count, char **arguments) {
            FILE *file = fopen(arguments[count - 1], "rb");
            const char *start = (const char *)&voxelsmith_plugin;
            for (uint32_t k = 0; k < voxelsmith_plugin.count; k++) {
                const vs_kernel_descriptor *kernel =
                    (const vs_kernel_descriptor *)(start + sizeof(vs_plugin) + k * voxelsmith_plugin.descriptor_size);
                int64_t n[7]; /* batch, inputs, weights, biases, results, whether these must be equal, bytes of a number */
                if (fread(n, sizeof n, 1, file) != 1) return 2;
                int64_t size = n[6];
                void *input = numbers(file, n[1], size), *weights = numbers(file, n[2], size), *bias = numbers(file, n[3], size);
                void *expected = numbers(file, n[4], size), *output = malloc((size_t)(n[4] * size));
                memset(output, 0xff, (size_t)(n[4] * size));
                void *packed = aligned(kernel->packed_bytes);
                vs_pack_args packing = {sizeof packing, weights, packed};
                if (kernel->pack(&packing) != VS_OK) { printf("kernel %u refused to pack\\n", k); return 1; }
                void *shared = aligned(kernel->shared_bytes + (uint64_t)n[0] * kernel->shared_bytes_per_sample);
                for (uint32_t s = 0; s < kernel->stage_count; s++) {
                    vs_stage stage = {kernel->items, kernel->item_rule, 0};
                    if (s > 0) stage = kernel->later_stages[s - 1];
                    int64_t items = (int64_t)stage.items * (stage.item_rule == VS_ITEMS_PER_CALL ? 1 : n[0]);
                    for (int64_t begin = 0, step = 1; begin < items; begin += step, step = step % 5 + 1) {
                        int64_t end = begin + step < items ? begin + step : items;
                        void *workspace = aligned(kernel->workspace_bytes);
                        vs_run_args call = {.size = sizeof call, .batch = n[0], .input = input, .packed = packed, .bias = n[3] > 0 ? bias : NULL,
                                            .output = output, .workspace = workspace, .shared = shared, .stage = s};
                        if (kernel->run(&call, begin, end) != VS_OK) { printf("kernel %u refused to run\\n", k); return 1; }
                        free(workspace);
                    }
                }
                free(shared);
                for (int64_t i = 0; i < n[4]; i++) {
                    double received = number(output, i, size), wanted = number(expected, i, size);
                    if (n[5] ? received != wanted : received != received) {
                        printf("kernel %u: element %ld is %g, expected %g\\n", k, (long)i, received, wanted);
                        return 1;
                    }
                }
                free(input), free(weights), free(bias), free(expected), free(output), free(packed);
            }
            fclose(file);
            printf("%u kernels\\n", voxelsmith_plugin.count);
            return 0;
        }

        """
}
