import Testing

/// The guide "From Keras to Voxelsmith": its Swift is what `Tests/LayerTests/GuideTests.swift` compiles and runs.
@Suite struct GuidePageTests {
    private let page = "Sources/Voxelsmith/Voxelsmith.docc/FromKeras.md"
    private let source = "Tests/LayerTests/GuideTests.swift"

    /// The lines between two marks, each time they occur.
    private func pieces(_ lines: [String], from first: String, to last: String) -> [[String]] {
        var pieces: [[String]] = []
        var piece: [String]?
        for line in lines {
            let trimmed = String(line.drop { $0 == " " })
            if trimmed == first {
                piece = []
            } else if trimmed == last, let finished = piece {
                pieces.append(finished)
                piece = nil
            } else {
                piece?.append(line)
            }
        }
        return pieces
    }

    private func unindented(_ lines: [String]) -> [String] {
        let indent = lines.filter { !$0.isEmpty }.map { line in line.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { String($0.dropFirst(indent)) }
    }

    @Test func everyListingIsCompiledAndRun() throws {
        let listings = pieces(try PackageFiles.lines(page), from: "```swift", to: "```")
        let compiled = pieces(try PackageFiles.lines(source), from: "// listing", to: "// end").map(unindented)
        #expect(listings.count >= 10)
        for listing in listings { #expect(compiled.contains(listing), "\(listing.first ?? "") ... of the guide is not in \(source)") }
        for listing in compiled { #expect(listings.contains(listing), "\(listing.first ?? "") ... is not in the guide") }
        // Side by side: Python before each Swift, but for what Keras has no word for.
        let python = pieces(try PackageFiles.lines(page), from: "```python", to: "```")
        #expect(python.count == listings.count - 1)
    }

    @Test func everyModuleHasALandingPage() throws {
        for module in [
            "LayerSpec", "KerasConfig", "Tensors", "Kernels", "PluginLoading", "Interpreter", "KernelRuntime", "KerasObjects", "Voxelsmith", "TensorIO",
            "VoxelsmithModelIO", "Scheduling", "KernelEmission", "KernelBuild", "Verification", "Tuning", "Forge",
        ] {
            let lines = try PackageFiles.lines("Sources/\(module)/\(module).docc/\(module).md")
            #expect(lines.first == "# ``\(ModuleName.name(ofRoom: module))``" && lines.count > 4, "\(module)")
        }
        let landing = try PackageFiles.text("Sources/Voxelsmith/Voxelsmith.docc/Voxelsmith.md")
        for word in ["### Shapes", "### Errors", "keras/src/layers", "<doc:FromKeras>"] { #expect(landing.contains(word), "\(word)") }
    }
}
