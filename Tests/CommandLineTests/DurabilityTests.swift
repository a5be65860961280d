import Foundation
import Testing
import _TestSupport

/// The order in which files reach the disk, as a library in between sees it.
@Suite struct DurabilityTests {
    /// Writes a line for each flush and each renaming of a process.
    private static let spy = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        #include <fcntl.h>
        static void note(const char *what, const char *a, const char *b) {
            const char *path = getenv("SPY_LOG");
            char line[8500];
            int count = snprintf(line, sizeof line, "%s\\t%s\\t%s\\n", what, a, b);
            int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
            if (file >= 0 && write(file, line, count) == count) close(file);
        }
        int fsync(int file) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t count = readlink(link, path, sizeof path - 1);
            path[count > 0 ? count : 0] = 0;
            int status = ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
            if (status == 0) note("flush", path, "");
            return status;
        }
        int rename(const char *from, const char *to) {
            int status = ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
            if (status == 0) note("rename", from, to);
            return status;
        }
        """

    /// Each file's bytes are flushed before it gets its name, and the folder is flushed after that.
    @Test func bytesThenNameThenFolder() async throws {
        let folder = try TemporaryFolder()
        let source = try folder.write("spy.c", Self.spy)
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", source, "-o", folder.path("spy.so"), "-ldl"]
        compiler.standardError = FileHandle.nullDevice
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else {
            try Test.cancel("the C library has no headers here")
        }
        let run = try folder.tinyRun()
        let out = try folder.makeFolder("out")
        let environment = ["LD_PRELOAD": folder.path("spy.so"), "SPY_LOG": folder.path("log"), "XDG_CACHE_HOME": folder.path("cache")]
        let commands = [
            ["build", folder.path("layer.json"), "-o", out + "/p.so"], run + [out + "/y.npy"],
            ["tune", folder.path("layer.json"), "--tunings", out + "/t.json", "--threads", "1", "--time-limit", "10"],
        ]
        for command in commands {
            let outcome = try await Child.run(command, environment: environment)
            #expect(outcome.status == 0, "\(outcome)")
        }
        let lines = try String(contentsOfFile: folder.path("log"), encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        var renamed: [String] = []
        // Not the temporary files of the compiler, which are called by their names alone.
        for (index, line) in lines.enumerated() where line[0] == "rename" && line[2].hasPrefix(folder.path("")) {
            renamed.append(line[2])
            let parent = String(line[2][..<(line[2].lastIndex(of: "/") ?? line[2].startIndex)])
            let (before, after) = (lines[..<index].contains(["flush", line[1], ""]), lines[(index + 1)...].contains(["flush", parent, ""]))
            #expect(before, "\(line[2]) was named before its bytes were flushed")
            #expect(after, "the folder of \(line[2]) was not flushed")
        }
        for name in ["p.so", "p.so.verification.json", "y.npy", "t.json"] { #expect(renamed.contains("\(out)/\(name)"), "\(name): \(renamed)") }
        for kind in ["objects", "plugins"] { #expect(renamed.contains { $0.contains("/cache/voxelsmith/\(kind)/") }, "\(kind): \(renamed)") }
    }
}
