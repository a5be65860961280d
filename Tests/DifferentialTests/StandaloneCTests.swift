import Foundation
import Testing
import VoxForge
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import VoxVerification
import _TestSupport

/// Layers in plain C: no warning under either compiler, nothing needed but a C library, right results.
@Suite(.enabled(if: runnableTargets.contains(Target(.x86_64_v2)), "the golden suite is for x86-64, and this machine's C library is not"))
struct StandaloneCTests {
    private static let noGCC: Comment = "no gcc of version 12 or later on PATH: its spelling of vectors is not tested"

    /// The layers of the golden suite.
    /// - Parameter depth: most planes of an input: the oracle takes long for more.
    private func golden(depth: Int = .max) throws -> [ResolvedLayer] {
        try LayerSet(json: try Fixture.data(Fixture.suite("golden"))).layers.map { layer in
            var shape = try #require(layer.completeInputShape(batch: 1))
            let axis = layer.config.layout == .channelsLast ? 1 : 2
            shape[axis] = min(shape[axis], depth)
            return try #require(try ResolvedLayer(layer.with(inputShape: shape), policy: .fast))
        }
    }

    /// Writes the plain C of layers.
    private func write(_ selection: KernelSelection, _ target: Target, to folder: TemporaryFolder) throws -> [String] {
        let source = try selection.standaloneSource(target: target) { _ in }
        for file in source.files { _ = try folder.write(Array(file.text.utf8), as: file.fileName) }
        return source.files.map(\.fileName).filter { $0.hasSuffix(".c") }
    }

    private func select(_ layers: [ResolvedLayer], _ target: Target) throws -> KernelSelection {
        try KernelSelection(layers, target: target, source: "golden") { _ in }
    }

    private func flags(_ target: Target) -> [String] {
        ["-std=c17", "-O3"] + CompilerFlags.arithmetic + CompilerFlags.machine(target) + CCompiler.warnings
    }

    /// Compiles the files one by one.
    private func compile(_ files: [String], _ compiler: CCompiler, _ target: Target, _ more: [String] = [], in folder: TemporaryFolder) throws {
        for file in files {
            let outcome = try CCompiler.run([compiler.path] + flags(target) + more + ["-c", file], in: folder.path("."))
            #expect(outcome.succeeded && outcome.output.isEmpty, "\(compiler) for \(target.name): \(outcome.output)")
        }
    }

    private func objects(_ files: [String]) -> [String] { files.map { $0.dropLast(2) + ".o" } }

    /// All golden layers at their full size: compiled without a warning for both targets of the suite, linked with libc and nothing else, and
    /// run by the program that comes with them, where this machine can.
    private func compileAndCheck(_ compiler: CCompiler) throws {
        for target in GoldenSuite.targets {
            let folder = try TemporaryFolder()
            let selection = try select(try golden(), target)
            let files = try write(selection, target, to: folder)
            try compile(files, compiler, target, in: folder)
            try checkHeader(compiler, in: folder)
            let link = try CCompiler.run(
                [compiler.path] + objects(files) + ["-nodefaultlibs", "-lc", "-o", "check"], in: folder.path("."))
            #expect(link.succeeded, "\(compiler) for \(target.name) needs more than libc: \(link.output)")
            guard runnableTargets.contains(target) else { continue }
            let check = try CCompiler.run([folder.path("check")])
            let lines = check.output.split(separator: "\n")
            #expect(check.succeeded && lines.count == selection.computed.count, "\(compiler) for \(target.name): \(check.output)")
            #expect(lines.allSatisfy { $0.hasSuffix(": agrees") }, "\(compiler) for \(target.name): \(check.output)")
        }
    }

    /// The header is one for C++ too, as far back as its first version with int64_t. GCC may be without C++; clang is not.
    private func checkHeader(_ compiler: CCompiler, in folder: TemporaryFolder) throws {
        guard try compiler.hasCPlusPlus() else { return }
        let flags = ["-x", "c++", "-std=c++11", "-fsyntax-only"] + CCompiler.warnings
        let outcome = try CCompiler.run([compiler.path] + flags + ["voxelsmith_layers.h"], in: folder.path("."))
        #expect(outcome.succeeded && outcome.output.isEmpty, "\(compiler) takes the header for no C++: \(outcome.output)")
    }

    @Test func goldenLayersCompileAndCheckThemselvesUnderClang() async throws { try compileAndCheck(try await CCompiler.clang()) }

    @Test(.enabled(if: CCompiler.gcc != nil, noGCC)) func goldenLayersCompileAndCheckThemselvesUnderGCC() throws {
        try compileAndCheck(try #require(CCompiler.gcc))
    }

    /// A compiler that the kernels are not for is told, before it meets what it does not know. Here one that says it is another.
    @Test func otherCompilersAreTold() async throws {
        let compiler = try await CCompiler.clang()
        let folder = try TemporaryFolder()
        let target = Target(.x86_64_v3)
        _ = try write(try select(try golden().filter { $0.name == "uneven" }, target), target, to: folder)
        let nobody = ["-Wno-builtin-macro-redefined", "-U__clang__", "-U__GNUC__"]
        for (version, isTold) in [("11", true), (nil, true), ("12", false)] {
            let claims = nobody + (version.map { ["-D__GNUC__=" + $0] } ?? []) + ["-fsyntax-only", "voxelsmith_layers.c"]
            let outcome = try CCompiler.run([compiler.path] + flags(target) + claims, in: folder.path("."))
            #expect(outcome.succeeded != isTold && outcome.output.contains("for GCC from version 12 on") == isTold, "\(version ?? "none"): \(outcome)")
        }
    }

    /// The program finds what is wrong: faults are put into the functions of one layer, and each has its words.
    @Test func theCheckFindsFaults() async throws {
        guard let target = runnableTargets.first(where: { GoldenSuite.targets.contains($0) }) else { try Test.cancel("no golden target runs here") }
        let folder = try TemporaryFolder()
        let files = try write(try select(try golden().filter { $0.name == "uneven" }, target), target, to: folder)
        let compiler = try await CCompiler.clang()
        try compile(files, compiler, target, in: folder)
        let right = try String(contentsOfFile: folder.path("voxelsmith_layers.c"), encoding: .utf8)
        for (part, fault, words) in [
            (".bias = bias", ".bias = input", "DIFFERS"), (".weights = weights", ".weights = weights + 1", "DIFFERS"),
            ("_run(&args, begin, end)", "_run(&args, begin, end - 1)", "not written"), (".batch = batch", ".batch = batch - 1", "call is REFUSED"),
            ("    const vs_run_args a", "    output[batch * uneven_OUTPUT_ELEMENTS] = 0;\n    const vs_run_args a", "BEHIND"),
            ("lies_at(weights, sizeof *weights) || !lies_at(packed, 64)", "lies_at(weights, sizeof *weights) || !packed", "unaligned memory is TAKEN"),
        ] {
            #expect(right.ranges(of: part).count == 1, "\(part)")
            _ = try folder.write(Array(right.replacing(part, with: fault).utf8), as: "voxelsmith_layers.c")
            try compile(["voxelsmith_layers.c"], compiler, target, in: folder)
            let link = try CCompiler.run([compiler.path] + objects(files) + ["-o", "check"], in: folder.path("."))
            try #require(link.succeeded, "\(link.output)")
            let check = try CCompiler.run([folder.path("check")])
            #expect(!check.succeeded && check.output.contains(words), "\(fault): \(check.output)")
        }
    }

    /// Opens the golden layers, with few planes, as a shared library that needs libc and nothing else.
    private func kernels(_ compiler: CCompiler, _ target: Target) throws -> (kernels: [StandaloneKernel], folder: TemporaryFolder) {
        let folder = try TemporaryFolder()
        let selection = try select(try golden(depth: 6), target)
        let files = try write(selection, target, to: folder).filter { $0 != "main.c" }
        try compile(files, compiler, target, ["-fPIC"], in: folder)
        let link = try CCompiler.run(
            [compiler.path, "-shared", "-nostdlib", "-Wl,-z,defs"] + objects(files) + ["-lc", "-o", "layers.so"], in: folder.path("."))
        try #require(link.succeeded, "\(compiler) for \(target.name): \(link.output)")
        let library = try StandaloneLibrary(path: folder.path("layers.so"))
        let stems = LayerIdentifiers.list(selection.computed.map(\.layer.name))
        let kernels = try zip(selection.computed, stems).map { try StandaloneKernel(selection.units[$0.unit], stem: $1, in: library) }
        return (kernels, folder)
    }

    /// Every check of the verifier on the public functions: the scatter oracle under guard pages, ranges of work items, threads, NaN.
    private func verify(_ compiler: CCompiler) throws {
        for target in runnableTargets.filter({ GoldenSuite.targets.contains($0) }) {
            let (kernels, folder) = try kernels(compiler, target)
            defer { withExtendedLifetime(folder) {} }
            #expect(kernels.count >= 23)
            for kernel in kernels {
                let report = try KernelVerifier(kernel, reference: OracleReference(), batch: 2).verify()
                for failure in report.failures {
                    Issue.record("\(compiler) for \(target.name): \(kernel.spec.key): \(failure.name): \(failure.failure ?? "")")
                }
            }
        }
    }

    @Test func goldenLayersAgreeWithTheOracleUnderClang() async throws { try verify(try await CCompiler.clang()) }

    @Test(.enabled(if: CCompiler.gcc != nil, noGCC)) func goldenLayersAgreeWithTheOracleUnderGCC() throws { try verify(try #require(CCompiler.gcc)) }

    /// Wrong arguments are refused, and nothing is written.
    @Test func wrongArgumentsAreRefused() async throws {
        guard let target = runnableTargets.first(where: { GoldenSuite.targets.contains($0) }) else { try Test.cancel("no golden target runs here") }
        let (kernels, folder) = try kernels(try await CCompiler.clang(), target)
        defer { withExtendedLifetime(folder) {} }
        for kernel in kernels {
            let bytes = kernel.spec.elements.storage.byteCount
            func guarded(_ byteCount: Int) -> GuardedBuffer { GuardedBuffer(byteCount: byteCount, placement: .atStart) }
            let shapes = [kernel.spec.inputShape(batch: 1), [kernel.spec.biasCount], kernel.spec.outputShape(batch: 1)]
            let tensors = shapes.map { guarded($0.reduce(bytes, *)) }
            let own = [kernel.packedByteCount, kernel.workspaceByteCount].map(guarded)
            defer { withExtendedLifetime((tensors, own)) {} }
            let right = StandaloneKernel.Call(
                input: tensors[0].address, packed: own[0].address, bias: tensors[1].address, output: tensors[2].address, workspace: own[1].address)
            #expect(kernel.status(right) == 0, "\(kernel.name)")
            let items = Int64(kernel.workItemCount(batch: 1))
            let usesBias = kernel.spec.epilogue.hasBias
            let changes: [(what: String, isWrong: Bool, change: (inout StandaloneKernel.Call) -> Void)] = [
                ("no input", true, { $0.input = nil }), ("no packed weights", true, { $0.packed = nil }), ("no output", true, { $0.output = nil }),
                ("no bias", usesBias, { $0.bias = nil }), ("no workspace", kernel.workspaceByteCount > 0, { $0.workspace = nil }),
                ("unaligned input", true, { $0.input? += 1 }), ("unaligned output", true, { $0.output? += 2 }),
                ("unaligned packed weights", true, { $0.packed? += 32 }), ("unaligned bias", usesBias, { $0.bias? += 1 }),
                ("unaligned workspace", kernel.workspaceByteCount > 0, { $0.workspace? += 32 }),
                ("a batch below 0", true, { $0.batch = -1 }), ("too large a batch", true, { $0.batch = .max }),
                ("items before the first", true, { $0.items = (-1, 0) }), ("items behind the last", true, { $0.items = (0, items + 1) }),
                ("a range that ends before it begins", true, { $0.items = (1, 0) }), ("a batch of none", false, { $0.batch = 0 }),
            ]
            for (what, isWrong, change) in changes {
                var call = right
                change(&call)
                #expect(kernel.status(call) == (isWrong ? 1 : 0), "\(kernel.name): \(what)")
            }
            let isUntouched = tensors[2].numbers(of: kernel.spec.elements.storage).allSatisfy(\.isNaN)
            #expect(isUntouched, "\(kernel.name) wrote a result")
        }
    }

    /// The speed of both compilers' machine code, for people to read.
    @Test(.enabled(if: CCompiler.gcc != nil, noGCC)) func speedsOfBothCompilersArePrinted() async throws {
        guard let target = runnableTargets.first(where: { GoldenSuite.targets.contains($0) }) else { try Test.cancel("no golden target runs here") }
        let compilers = [try await CCompiler.clang(), try #require(CCompiler.gcc)]
        let both = try compilers.map { try kernels($0, target) }
        defer { withExtendedLifetime(both) {} }
        for (first, second) in zip(both[0].kernels, both[1].kernels) {
            let times = try [first, second].map(microseconds)
            #expect(times.allSatisfy { $0 > 0 })
            print("\(first.name): \(compilers[0]) \(times[0]) us, \(compilers[1]) \(times[1]) us")
        }
    }

    /// The shortest of some calls of one sample.
    private func microseconds(_ kernel: StandaloneKernel) throws -> Double {
        let type = kernel.spec.elements.storage
        func guarded(_ shape: [Int]) -> GuardedBuffer { GuardedBuffer(byteCount: shape.reduce(type.byteCount, *), placement: .atStart) }
        let buffers = [kernel.spec.inputShape(batch: 1), kernel.spec.geometry.kernelShape, [kernel.spec.biasCount], kernel.spec.outputShape(batch: 1)]
            .map(guarded)
        let (packed, workspace) = (
            GuardedBuffer(byteCount: kernel.packedByteCount, placement: .atStart, alignment: 64),
            GuardedBuffer(byteCount: kernel.workspaceByteCount, placement: .atStart, alignment: 64)
        )
        defer { withExtendedLifetime((buffers, packed, workspace)) {} }
        for buffer in buffers { buffer.fill(0) }
        try kernel.pack(weights: buffers[1].address, into: packed.address)
        let arguments = KernelArguments(
            batch: 1, input: buffers[0].address, operand: packed.address, bias: buffers[2].address, output: buffers[3].address,
            workspace: workspace.address)
        var best = Duration.seconds(1000)
        for _ in 0..<20 {
            let start = ContinuousClock.now
            try kernel.run(arguments, items: 0..<kernel.workItemCount(batch: 1))
            best = min(best, ContinuousClock.now - start)
        }
        return best / .microseconds(1)
    }
}
