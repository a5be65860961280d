import Foundation
import Testing

/// The initializers of the convolution layers are written out four times: Swift has no way to take a list of arguments over from another
/// declaration, and Keras's arguments are taken by name. Here they are held together.
@Suite struct LayerArgumentTests {
    private static let folder = "Sources/Voxelsmith"

    /// The parameters of each initializer of a file that begins with `filters`, in the order in which they stand.
    private func lists(_ file: String) throws -> [[String]] {
        let text = try PackageFiles.text("\(Self.folder)/\(file)")
        return text.components(separatedBy: "init(\n        filters:").dropFirst().map { rest in
            Self.parameters("filters:" + (rest.components(separatedBy: "\n    )").first ?? ""))
        }
    }

    /// The parts between the commas that stand in no parentheses, with single blanks.
    private static func parameters(_ list: String) -> [String] {
        var parts = [""]
        var depth = 0
        for character in list.replacing("->", with: "to") {
            if "([<".contains(character) { depth += 1 }
            if ")]>".contains(character) { depth -= 1 }
            if character == "," && depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    }

    private func name(_ parameter: String) -> String { String(parameter.prefix { $0 != ":" }) }

    @Test func theFourInitializersTakeTheSame() throws {
        let own: Set<String> = ["groups", "outputPadding"]
        let ordinary = try lists("Layers/Conv3D.swift")
        let transposed = try lists("Layers/Conv3DTranspose.swift")
        let closures = try lists("Arguments/ClosureActivation.swift")
        #expect(ordinary.count == 1 && transposed.count == 1 && closures.count == 2)
        let all = ordinary + transposed + closures
        for list in all { #expect(list.count > 20, "\(list)") }

        // A pair has the one of its own in the same place.
        let names: [[String]] = all.map { list in list.map(name) }
        let ofOwn: [[String]] = names.map { list in list.filter { own.contains($0) } }
        #expect(ofOwn == [["groups"], ["outputPadding"], ["groups"], ["outputPadding"]])
        #expect(names[0] == names[2])
        #expect(names[1] == names[3])

        // The others are in the same order, with the same types and defaults; a closure stands in the place of an object.
        let common: [[String]] = names.map { list in list.filter { !own.contains($0) } }
        let plain: [[String]] = all.map { list in list.filter { !own.contains(name($0)) && name($0) != "tensorActivation" } }
        for number in all.indices {
            #expect(common[number] == common[0])
            #expect(plain[number] == plain[0])
        }
    }

    /// Whatever they take has its line in the documentation, and its place in the value that is made of it.
    @Test func everyArgumentIsDescribedAndKept() throws {
        var taken: Set<String> = []
        for file in ["Layers/Conv3D.swift", "Layers/Conv3DTranspose.swift"] {
            let lists = try lists(file)
            let lines = try PackageFiles.lines("\(Self.folder)/\(file)")
            let end = try #require(lines.firstIndex { $0.contains("filters: Int, kernelSize:") })
            let described = lines[..<end].compactMap { $0.firstMatch(of: /^ {4}\/\/\/   - (\w+):/).map { String($0.1) } }
            #expect(described == lists[0].map(name), "\(file)")
            taken.formUnion(lists.flatMap { $0.map(name) })
        }
        let kept = try PackageFiles.lines("\(Self.folder)/Arguments/WrittenArguments.swift").compactMap { line in
            line.firstMatch(of: /^ {4}let (\w+):/).map { String($0.1) }
        }
        let outside: Set = ["policy", "kernels", "kernelMode"]
        #expect(Set(kept) == taken.subtracting(outside))
        #expect(kept.count == Set(kept).count)
    }
}
