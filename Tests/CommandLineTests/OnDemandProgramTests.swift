import Foundation
import Glibc
import Testing
import VoxHashing
import VoxTensors
import _TestSupport

/// The application in `Examples/on-demand`, whose kernels are made while it runs.
@Suite(.serialized) struct OnDemandProgramTests {
    private static let program = Voxelsmith.program.deletingLastPathComponent().appendingPathComponent("on-demand")

    private let folder: TemporaryFolder
    private let environment: [String: String]

    init() throws {
        folder = try TemporaryFolder()
        environment = ["XDG_CACHE_HOME": folder.path("cache"), "TMPDIR": try folder.makeFolder("tmp"), "SWIFT_BACKTRACE": "enable=no"]
    }

    private func run(
        _ arguments: [String] = [], _ others: [String: String] = [:], wrapper: [String] = []
    ) async throws -> Child.Outcome {
        try await Child.run(arguments, wrapper: wrapper, environment: environment.merging(others) { $1 }, program: Self.program)
    }

    /// Whether a run came to its end with its own kernel, and said nothing else.
    private static func isSwapped(_ outcome: Child.Outcome) -> Bool {
        outcome.status == 0 && outcome.errors.isEmpty && outcome.output.contains(" is the first with the kernel\n")
            && outcome.output.contains(/\d+ ms: vs_tconv_[^\n]*\n/)
    }

    /// The first numbers, as the program prints them.
    private static func results(_ outcome: Child.Outcome) -> Substring? { outcome.output.firstMatch(of: /\[1, 16, 16, 16, \d+\]: [^\n]*/)?.0 }

    /// The kernels in the cache.
    private func entries() -> [String] {
        let place = folder.path("cache/voxelsmith/verified")
        return (FileManager.default.subpaths(atPath: place) ?? []).map { place + "/" + $0 }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    @Test func theKernelTakesOverAndStays() async throws {
        let first = try await run()
        #expect(Self.isSwapped(first) && first.output.contains("interpreter: the kernel is being made") && first.output.contains(" ms: compiling\n"), "\(first)")
        let second = try await run()
        #expect(Self.isSwapped(second) && !second.output.contains("compiling"), "\(second)")
        #expect(Self.results(first) != nil && Self.results(first) == Self.results(second))
        let other = try await run(["12"])
        #expect(Self.isSwapped(other) && other.output.contains(" ms: compiling\n") && entries().count == 2, "\(other)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")) == [])
    }

    /// Without a compiler, with one that fails, without a verifier beside the program: one sentence, and the interpreter's results.
    @Test func whatIsMissingIsSaidOnce() async throws {
        let expected = try #require(Self.results(try await run()))
        let failing = try folder.script("clang", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\nexit 1")
        let path = URL(fileURLWithPath: failing).deletingLastPathComponent().path
        let alone = try folder.makeFolder("alone") + "/on-demand"
        // Not by this process: while it has the program open for writing, nobody could execute it.
        #expect(try Voxelsmith.run([Self.program.path, alone], program: URL(fileURLWithPath: "/bin/cp")).status == 0)
        for (name, outcome, words) in [
            ("no compiler", try await run([], ["PATH": folder.path("nothing")]), "Found no clang"),
            ("failing compiler", try await run([], ["PATH": path]), "exit status 1"),
            ("no verifier", try await Child.run([], environment: environment, program: URL(fileURLWithPath: alone)), "There is no program"),
        ] {
            #expect(outcome.status == 0 && Self.results(outcome) == expected, "\(name): \(outcome)")
            #expect(outcome.output.contains(", like all others, is by the interpreter\n"), "\(name): \(outcome)")
            #expect(outcome.output.contains(words) && outcome.errors.contains(words), "\(name): \(outcome)")
            #expect(outcome.errors.split(separator: "\n").filter { $0.contains(" warning ") }.count == 1, "\(name): \(outcome)")
        }
    }

    /// A disk without room for temporary files costs the kernel, one without room for the cache nothing.
    @Test func aFullDiskIsSaidOnce() async throws {
        let expected = try #require(Self.results(try await run()))
        for (place, isSwapped) in [("tmp", false), ("cache", true)] {
            _ = try folder.makeFolder(place)
            let script = "mount -t tmpfs -o size=4k,mode=700 none '\(folder.path(place))'; \"$@\"; status=$?; echo LEFT; ls -A '\(folder.path(place))'; exit $status"
            guard let wrapper = Child.mounting(script) else { try Test.cancel("this machine does not let tests mount a file system") }
            let outcome = try await run(["9"], wrapper: wrapper)
            #expect(outcome.status == 0 && outcome.errors.contains("No space left on device"), "\(place): \(outcome)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(place): \(outcome)")
            #expect(outcome.output.contains(isSwapped ? " is the first with the kernel\n" : "is by the interpreter\n"), "\(place): \(outcome)")
            if !isSwapped { #expect(outcome.output.hasSuffix("LEFT\n"), "\(place): \(outcome)") }
        }
        let after = try await run()
        #expect(Self.isSwapped(after) && Self.results(after) == expected, "\(after)")
    }

    /// At any moment of the work, with a cache and without: the next process works, every kernel it finds is whole, and it is told of nothing
    /// that is not.
    @Test func killedProcessesLeaveNothingHalfMade() async throws {
        func forget() { try? FileManager.default.removeItem(atPath: folder.path("cache")) }
        // Compilers of the priority that all else here has: in the background, beside other tests, each round would take minutes.
        _ = try folder.script("nice", "shift 2\nexec \"$@\"")
        let path = ["PATH": folder.path("") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")]
        let (cold, warm) = (try await run(["2"], path), try await run(["2"], path))
        let expected = try #require(Self.results(cold))
        #expect(Self.isSwapped(cold) && Self.isSwapped(warm), "\(cold) \(warm)")
        var random = SeededRandom(seed: 51)
        var (killed, round) = (0, 0)
        var limits = [cold.seconds * 0.95, warm.seconds * 0.95]
        let wanted = TestLength.scaled(50)
        // Those that were done before the signal came do not count.
        while killed < wanted, round < 4 * wanted {
            let isCold = round % 4 != 3
            if isCold { forget() }
            let child = try Child(["2"], environment: environment.merging(path) { $1 }, program: Self.program)
            try await Task.sleep(for: .microseconds(random.integer(0...Int(limits[isCold ? 0 : 1] * 1e6))))
            child.send(SIGKILL)
            // Other tests that ran beside the first two may have ended, and all goes quicker now.
            if await child.wait().signal == SIGKILL { killed += 1 } else { limits[isCold ? 0 : 1] *= 0.9 }
            for entry in entries() where !(entry.split(separator: "/").last ?? "").hasPrefix(".") {
                let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: entry)))
                #expect(bytes.count > 32 && SHA256.digest(of: bytes.dropLast(32)).elementsEqual(bytes.suffix(32)), "round \(round): \(entry)")
            }
            let next = try await run(["2"], path)
            #expect(Self.isSwapped(next) && Self.results(next) == expected, "round \(round): \(next)")
            round += 1
        }
        #expect(killed == wanted, "\(killed) of \(round) processes were killed before their end")
    }

    /// The compiler is the first process that the program starts. It has a low priority, and not the lowest, which gets next to nothing.
    @Test func compilersOfAProgramGetProcessorTime() async throws {
        let (programs, notes) = (try folder.makeFolder("programs"), folder.path("notes"))
        let nice = try #require(["/usr/bin/nice", "/bin/nice"].first { FileManager.default.isExecutableFile(atPath: $0) })
        try FileManager.default.createSymbolicLink(atPath: programs + "/nice", withDestinationPath: nice)
        _ = try folder.script("programs/clang", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\nnice >> '\(notes)'\nexit 1")
        let outcome = try await run([], ["PATH": programs])
        let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
        let lines = try String(contentsOfFile: notes, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 1 && lines.allSatisfy { (min(19, own + 10)...min(19, own + 12)).contains(Int32($0) ?? -1) }, "\(lines) \(outcome)")
    }

    /// A program that ends while its kernel is compiled ends at once, and leaves nothing that the next one would read.
    @Test func aProgramEndsInTheMiddle() async throws {
        let mark = 8  // seconds
        let slow = try folder.script("clang", "[ \"$1\" = --version ] && { echo clang version 1; exit 0; }\n: > '\(folder.path("begun"))'\nexec /bin/sleep \(mark)")
        let path = URL(fileURLWithPath: slow).deletingLastPathComponent().path
        let outcome = try await run(["8", "100"], ["PATH": path])
        #expect(FileManager.default.fileExists(atPath: folder.path("begun")))
        #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.hasSuffix(" ms: no more calls\n"), "\(outcome)")
        #expect(outcome.seconds < Double(mark) && entries() == [], "\(outcome)")
        let next = try await run()
        #expect(Self.isSwapped(next) && Self.results(next) == Self.results(outcome), "\(next)")
    }

    @Test func wrongUsageIsOneSentence() async throws {
        for arguments in [["0"], ["x"], ["1", "2", "3"], ["1", "0"]] {
            let outcome = try await run(arguments)
            #expect(outcome.status == 64 && outcome.errors.hasPrefix("on-demand: ") && outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        }
    }
}
