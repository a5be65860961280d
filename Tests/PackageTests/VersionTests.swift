import Foundation
import Testing

/// The version number is in one place, and the changelog knows it.
@Suite struct VersionTests {
    private static let source = "Sources/VoxelsmithCLI/Version.swift"

    private func number() throws -> Substring {
        let text = try PackageFiles.text(Self.source)
        return try #require(text.firstMatch(of: /static let number = "([^"]+)"/)?.1)
    }

    /// What users copy into their Package.swift.
    private static var stanza: Regex<(Substring, Substring)> { /\.package\(url: "[^"]+", from: "([^"]+)"\)/ }

    /// The headings of the changelog's versions, the newest first.
    private func headings() throws -> [(name: String, date: Substring?)] {
        try PackageFiles.lines("CHANGELOG.md").compactMap { line in
            line.wholeMatch(of: /## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?/).map { (String($0.1), $0.2) }
        }
    }

    @Test func changelogAgreesWithTheVersion() throws {
        let (number, headings) = (try number(), try headings())
        let parts = try #require(number.wholeMatch(of: /(\d+)\.(\d+)\.(\d+)(-dev)?/), "\(number)")
        let count = try PackageFiles.lines("CHANGELOG.md").count { $0.hasPrefix("## ") }
        #expect(headings.count == count && count >= 2, "a heading has another form")
        #expect(headings.first?.name == "Unreleased")
        let released = headings.dropFirst()
        #expect(released.allSatisfy { $0.date != nil })
        let newest = try #require(released.first?.name)
        if parts.4 == nil {
            #expect(newest == number)
        } else {
            // What comes next is newer than what was released last.
            func values(_ text: some StringProtocol) -> [Int] { text.split(separator: "-")[0].split(separator: ".").compactMap { Int($0) } }
            #expect(values(newest).lexicographicallyPrecedes(values(number)), "\(number) after \(newest)")
        }
    }

    @Test func numberIsInOnePlace() throws {
        let number = try number()
        for path in try PackageFiles.texts() where path != Self.source && !path.contains("/results/") && !path.hasSuffix(".json") {
            let text = try PackageFiles.text(path).replacing(Self.stanza, with: "")
            #expect(!text.contains("\"\(number)\"") && !text.contains("voxelsmith \(number)"), "\(path) repeats the version")
        }
    }

    /// Users ask for the version in use, or for the one that is being made.
    @Test func theReadmeAsksForTheVersion() throws {
        let number = try number()
        let release = number.hasSuffix("-dev") ? number.dropLast(4) : number
        for page in ["README.md", "Documentation/build-step.md", "Documentation/install.md"] {
            let asked = try PackageFiles.text(page).matches(of: Self.stanza).map(\.1)
            #expect(asked == (page == "README.md" ? [release] : []), "\(page)")
        }
    }

    /// The versions that releases are made of are ones that the manifest takes.
    @Test func releasesHaveTheLibrariesOfTheManifest() throws {
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { let version: String }
                let location: String
                let state: State
            }
            let pins: [Pin]
        }
        let resolved = try JSONDecoder().decode(Resolved.self, from: Data(PackageFiles.text("Tools/packaging/libraries.json").utf8))
        let versions = Dictionary(uniqueKeysWithValues: resolved.pins.map { ($0.location, $0.state.version) })
        func numbers(_ version: some StringProtocol) -> [Int] { version.split(separator: ".").compactMap { Int($0) } }
        let wanted = try PackageFiles.text("Package.swift").matches(of: /\.package\(url: "([^"]+)", from: "([^"]+)"\)/)
        #expect(wanted.count == 3)
        for dependency in wanted {
            let pinned = numbers(try #require(versions[String(dependency.1)], "\(dependency.1)"))
            let least = numbers(dependency.2)
            #expect(pinned.first == least.first && !pinned.lexicographicallyPrecedes(least), "\(dependency.1)")
        }
    }
}
