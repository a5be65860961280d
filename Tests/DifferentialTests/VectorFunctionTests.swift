import Foundation
import Testing
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxTensors
import _TestSupport

/// The functions of `voxelsmith_vectors.h` against libm in double, on every instruction set of this machine.
@Suite struct VectorFunctionTests {
    private struct Function {
        let name: String
        /// Largest error in units of the last place, as the header states it.
        let ulps: Double
        let domain: ClosedRange<Double>
        let exact: @Sendable (Double) -> Double
    }

    private static let functions = [
        Function(name: "exp", ulps: 2, domain: -.infinity ... .infinity) { exp($0) },
        Function(name: "expm1", ulps: 3, domain: -.infinity ... .infinity) { expm1($0) },
        Function(name: "log1p", ulps: 2, domain: 0...0x1p126) { log1p($0) },
        Function(name: "tanh", ulps: 4, domain: -.infinity ... .infinity) { tanh($0) },
        Function(name: "erf", ulps: 3, domain: -.infinity ... .infinity) { erf($0) },
        Function(name: "sigmoid", ulps: 4, domain: -.infinity ... .infinity) { $0 < 0 ? exp($0) / (1 + exp($0)) : 1 / (1 + exp(-$0)) },
    ]

    @Test func statedBoundsHold() async throws {
        let compiler = try await Compiler.find()
        let folder = try TemporaryFolder()
        for header in PluginSource.headers { _ = try folder.write(Array(header.text.utf8), as: header.fileName) }
        let inputs = Self.inputs
        #expect(inputs.count % 16 == 0)

        for target in runnableTargets {
            var code = "#define VS_REAL_BYTES 4\n#define VS_LANES \(target.lanes(.float32))\n#include \"voxelsmith_vectors.h\"\n"
            for function in Self.functions {
                code += """
                    void test_\(function.name)(const float *x, float *y, long n) {
                        for (long i = 0; i < n; i += VS_LANES) vs_store(y + i, vs_\(function.name)(vs_load(x + i)));
                    }

                    """
            }
            let source = try folder.write(Array(code.utf8), as: "\(target.name).c")
            let library = folder.path("\(target.name).so")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: compiler.path)
            process.arguments = [
                "-O3", "-ffp-contract=fast", "-fno-math-errno", "-march=\(target.name)", "-mprefer-vector-width=\(target.vectorBytes * 8)", "-shared",
                "-fPIC", "-nostdlib", "-ffreestanding", "-fuse-ld=lld", "-Wall", "-Wextra", "-Werror", source, "-o", library,
            ]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            let handle = try #require(dlopen(library, RTLD_NOW))
            defer { dlclose(handle) }

            for function in Self.functions {
                let symbol = try #require(dlsym(handle, "test_" + function.name))
                let call = unsafeBitCast(
                    symbol, to: (@convention(c) (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void).self)
                var outputs = Array(repeating: Float(0), count: inputs.count)
                call(inputs, &outputs, inputs.count)
                var worst = (error: 0.0, x: Float(0))
                var tested = 0
                for (x, y) in zip(inputs, outputs) {
                    if x.isNaN {
                        #expect(y.isNaN, "\(function.name) loses NaN")
                        continue
                    }
                    guard function.domain.contains(Double(x)) else { continue }
                    tested += 1
                    let exact = function.exact(Double(x))
                    let rounded = Float(exact)
                    if !rounded.isFinite {
                        #expect(y == rounded || y == Float.greatestFiniteMagnitude, "\(function.name)(\(x)) = \(y)")
                        continue
                    }
                    // Results below the normal numbers may lose precision, but no more than that.
                    let ulp = abs(exact) < 0x1p-126 ? 0x1p-126 : Double(Float(abs(exact)).ulp)
                    let difference = abs(Double(y) - exact) / ulp
                    let error = difference.isNaN ? .infinity : difference  // else a later argument would hide it
                    if error > worst.error { worst = (error, x) }
                }
                print("vs_\(function.name) on \(target.name): \(tested) arguments, worst \(worst.error) ulp at \(worst.x), stated \(function.ulps)")
                #expect(tested > 100_000)
                #expect(worst.error <= function.ulps, "\(function.name) at \(worst.x) on \(target.name)")
            }
        }
    }

    /// Special values, a dense grid where the functions bend, and random bit patterns of every exponent.
    private static var inputs: [Float] {
        var values: [Float] = [
            0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1, -1,
        ]
        for step in 0..<400_000 { values.append(Float(step) * 0x1p-11 - 98) }
        for step in 0..<100_000 { values.append(Float(step) * 0x1p-15 - 1.5) }
        var random = SeededRandom(seed: 5)
        for _ in 0..<600_000 { values.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))) }
        while values.count % 16 != 0 { values.append(0) }
        return values
    }
}
