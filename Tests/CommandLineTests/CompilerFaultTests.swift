import Foundation
import Testing
import _TestSupport

/// `build` with compilers that are missing, fail, hang, or talk without end.
@Suite(.serialized) struct CompilerFaultTests {
    /// Every fault is one sentence within its time, the file at the output's path stays, and nothing else is left.
    @Test func everyFaultOfTheCompilerIsASentence() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let temporary = try folder.makeFolder("tmp")
        let mark = Int.random(in: 100_000_000...999_999_999)
        let answers = "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }"
        let flood = "head -c 100000000 /dev/zero | tr '\\0' x"
        let faults: [(name: String, clang: String, words: String)] = [
            ("missing", "/nowhere/clang", "Found no clang at /nowhere/clang"),
            ("failing at once", "false", "which ended with exit status 1; expected a clang that answers --version"),
            ("failing", try folder.script("failing", "\(answers)\necho no room for names >&2; exit 3"), "ended with exit status 3"),
            ("killed", try folder.script("killed", "\(answers)\nkill -9 $$"), "ended with signal 9"),
            ("making nothing", try folder.script("idle", "\(answers)\nexit 0"), "ended with status 0 but no file"),
            ("making no object", try folder.script("wrong", "\(answers)\nwhile [ \"$1\" != -o ]; do shift; done; echo x > $2"), "The plugin"),
            ("silent for ever", try folder.script("silent", "sleep \(mark)"), "which gave no answer in 2.0 seconds"),
            ("hanging", try folder.script("hanging", "\(answers)\nsleep \(mark)"), "took longer than the limit of 2.0 seconds"),
            ("deaf to signals", try folder.script("deaf", "\(answers)\ntrap '' TERM INT HUP\nsleep \(mark)"), "took longer than the limit of 2.0 seconds"),
            ("flooding its answer", try folder.script("flood0", flood), "exceeded the limit of 4194304 bytes"),
            ("flooding", try folder.script("flood1", "\(answers)\n\(flood)"), "exceeded the limit of 4194304 bytes"),
            ("flooding with errors", try folder.script("flood2", "\(answers)\n(\(flood)) >&2; exit 1"), "exceeded the limit of 4194304 bytes"),
        ]
        let before = try folder.names()
        for (name, clang, words) in faults where name != "making no object" {
            for plugin in ["p.so", "old.so"] {
                if plugin == "old.so" { _ = try folder.write("old.so", "what stood here") }
                let outcome = try await Child.run(
                    ["build", layer, "-o", folder.path(plugin), "--clang", clang, "--no-cache", "--compiler-time-limit", "2"],
                    environment: ["TMPDIR": temporary])
                #expect(outcome.isFailure(words), "\(name): \(outcome)")
                #expect(outcome.seconds < 30, "\(name): \(outcome.seconds) s")
                #expect(outcome.peakBytes < 128 << 20, "\(name): \(outcome.peakBytes) bytes")
                #expect(try folder.names() == (before + (plugin == "old.so" ? ["old.so"] : [])).sorted(), "\(name)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [], "\(name)")
            }
            #expect(try String(contentsOfFile: folder.path("old.so"), encoding: .utf8) == "what stood here", "\(name)")
            try FileManager.default.removeItem(atPath: folder.path("old.so"))
        }
        #expect(await !isRunning("sleep \(mark)"))

        // A text where an object should be: refused by whoever looks first, the inspection or the reader of plugins.
        let wrong = try await Child.run(["build", layer, "-o", folder.path("p.so"), "--clang", folder.path("wrong"), "--no-cache"])
        #expect(wrong.isFailure(), "\(wrong)")
        #expect(try folder.names() == before)
    }

    /// Empty files where the dynamic linker looks first.
    private func hiding(_ names: [String], in folder: TemporaryFolder) throws -> [String: String] {
        let hidden = try folder.makeFolder("hidden")
        for name in names { try Data().write(to: URL(fileURLWithPath: hidden + "/" + name)) }
        return ["LD_LIBRARY_PATH": hidden]
    }

    @Test func withoutLLVMPluginsAreNotInspected() async throws {
        let folder = try TemporaryFolder()
        let layer = try folder.write("layer.json", TinyLayer.json())
        let names = ["libLLVM.so"] + (13...18).map { "libLLVM-\($0).so.1" } + (18...22).map { "libLLVM.so.\($0).1" }
        let environment = try hiding(names, in: folder)
        let built = try await Child.run(["build", layer, "-o", folder.path("p.so"), "--no-cache"], environment: environment)
        #expect(built.status == 0 && built.errors.isEmpty, "\(built)")
        let described = try await Child.run(["describe", folder.path("p.so"), "--json"], environment: environment)
        #expect(described.status == 0 && described.output.contains("\"status\" : \"not inspected\""), "\(described)")
    }

    @Test func missingLibrariesAreNamedWithTheirPackages() async throws {
        let folder = try TemporaryFolder()
        let run = try folder.tinyRun()
        let fixtures = Voxelsmith.package.appendingPathComponent("Tests/TensorIOTests/Fixtures").path
        let environment = try hiding(
            ["103", "200", "310"].flatMap { ["libhdf5_serial.so.\($0)", "libhdf5.so.\($0)"] }
                + ["libhdf5.so", "libhdf5_serial.so", "libzip.so.5", "libzip.so.4", "libpng16.so.16"], in: folder)
        let archive = try await Child.run(run + [folder.path("y.npy")], environment: environment)
        #expect(archive.isFailure("libzip"), "\(archive)")
        let model = try await Child.run(["emit", fixtures + "/keras/model.h5"], environment: environment)
        #expect(model.isFailure("libhdf5"), "\(model)")
        #expect(try !folder.names().contains("y.npy"))
    }

    @Test func aTotalTimeLimitEndsAVerification() async throws {
        let folder = try TemporaryFolder()
        let plugin = try HandWrittenPlugin(
            spec: HandWrittenPlugin.pointwise(), name: "hanging", atRun: "for (;;) __asm__ volatile(\"\");"
        ).build(in: folder, as: "hanging.so")
        let outcome = try await Child.run(["verify", plugin, "--total-time-limit", "2"])
        #expect(outcome.isFailure("Verification failed for 1 of the kernels"), "\(outcome)")
        #expect(outcome.output.contains("the 2.0 seconds for all kernels were over before it was done"), "\(outcome)")
        #expect(outcome.seconds < 60)
        #expect(await !isRunning(plugin))
        for limit in ["--time-limit", "--total-time-limit"] {
            for value in ["0", "-1", "nan", "1e30"] {
                #expect(try await Child.run(["verify", plugin, "\(limit)=\(value)"]).status == 64, "\(limit) \(value)")
            }
        }
    }
}
