import Testing
import VoxLayerSpec

struct StagingNameTests {
    @Test func namesAreTheirOwn() {
        for (path, start) in [("/a/b.so", "/a/.b.so."), ("b.so", ".b.so."), ("/b", "/.b."), ("a/b/c", "a/b/.c."), ("", ".."), ("a/\u{301}b", "a/.\u{301}b.")] {
            let names = Set((0..<2000).map { _ in StagingName.beside(path) })
            #expect(names.count == 2000 && names.allSatisfy { $0.utf8.starts(with: start.utf8) && $0.utf8.count <= start.utf8.count + 13 }, "\(path)")
        }
        // Room for a word after the longest names there are.
        for long in [String(repeating: "n", count: 255), String(repeating: "ü", count: 127), String(repeating: "👨‍👩‍👧‍👦", count: 10)] {
            let name = StagingName.beside("/a/" + long)
            #expect(name.hasPrefix("/a/.") && name.dropFirst(3).utf8.count <= 255)
        }
    }
}
