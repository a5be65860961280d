import Foundation
import Testing

/// The README's numbers against other libraries come from the committed results of `Tools/compare`.
@Suite struct ComparisonResultsTests {
    private static let folder = "Documentation/results"

    @Test func readmeSaysWhatTheResultsSay() throws {
        let block = try ComparisonBlock(readme: PackageFiles.text("README.md"))
        #expect(!block.isEmpty)
        let names = try PackageFiles.files(under: Self.folder).filter { $0.hasSuffix(".json") }
        let main = try #require(names.first { $0.hasSuffix("/comparison.json") })
        let others = names.filter { $0 != main }
        #expect(try block.differences(main: Self.read(main), others: others.map(Self.read)) == [])
        for name in names {
            let results = try Self.read(name)
            #expect(results.cells.allSatisfy { $0.agrees ?? true }, "\(name) holds answers that differ")
            #expect(!results.versions.isEmpty && !results.commands.isEmpty && !results.machine.cpu.isEmpty, "\(name) does not say where it is from")
        }
    }

    /// The comparison finds what it is for.
    @Test func wrongNumbersAreFound() throws {
        let results = try JSONDecoder().decode(ComparisonResults.self, from: Data(Self.sample.utf8))
        func differences(_ text: String) throws -> [String] {
            try ComparisonBlock(readme: "x\n<!-- Tools/compare --render: begin -->\n\(text)\n<!-- end -->\ny").differences(main: results, others: [])
        }
        let row = "| a | 2.000 | 200 | 80 % | torch | 100 | 2.00 | 4.00 |"
        let other = "| b | 1.000 | 125 | 50 % | jax (once) | 15 | 8.00 | - |"
        let sentence = "Suite models (here): Ratios over 2 layers: geometric mean 4.00, minimum 2.00. Ratios into resident memory over 1 layers: geometric mean 4.00, minimum 4.00."
        #expect(try differences("\(row)\n\(other)\n\n\(sentence)") == ["b: its GFLOP/s 15 instead of 15.625"])
        let good = other.replacing("| 15 |", with: "| 16 |")
        #expect(try differences("\(row)\n\(good)\n\n\(sentence)") == [])
        for (right, wrong) in [
            ("2.000", "2.010"), ("| 200", "| 201"), ("80 %", "82 %"), ("torch", "jax"), ("2.00 |", "2.02 |"), ("4.00 |", "- |"), ("| a", "| c"),
            ("mean 4.00, minimum 2.00", "mean 4.00, minimum 2.10"), ("over 2 layers", "over 3 layers"),
        ] {
            let text = "\(row)\n\(good)\n\n\(sentence)".replacing(right, with: wrong)
            #expect(try !differences(text).isEmpty, "\(right) as \(wrong)")
        }
        #expect(try !differences("\(row)\n\n\(sentence)").isEmpty, "a row less")
        #expect(try !differences("\(row)\n\(good)").isEmpty, "no sentence")
        let networks = try JSONDecoder().decode(ComparisonResults.self, from: Data(Self.networks.utf8))
        func networkDifferences(_ words: String) throws -> [String] {
            let text = "x\n<!-- Tools/compare --render: begin -->\n\(row)\n\(good)\n\n\(sentence)\n\n\(words)\n<!-- end -->\ny"
            return try ComparisonBlock(readme: text).differences(main: results, others: [networks])
        }
        let claim = "Networks ([all numbers](n.md)): Ratios over 2 networks: geometric mean 2.00, minimum 1.00."
        #expect(try networkDifferences(claim) == [])
        for (right, wrong) in [("mean 2.00", "mean 2.10"), ("minimum 1.00", "minimum 1.10"), ("over 2", "over 3"), ("Networks", "Nets")] {
            #expect(try !networkDifferences(claim.replacing(right, with: wrong)).isEmpty, "\(right) as \(wrong)")
        }
        #expect(throws: ComparisonBlock.Missing.self) { try ComparisonBlock(readme: "nothing") }
    }

    private static func read(_ path: String) throws -> ComparisonResults {
        try JSONDecoder().decode(ComparisonResults.self, from: Data(contentsOf: URL(filePath: path)))
    }

    private static let sample = """
        {"machine": {"cpu": "c", "cores": 2, "peak_gflops_per_thread": 125}, "versions": {"torch": "2"}, "commands": [{"command": "x"}],
         "shapes": {"a": {"suite": "models", "flops": 2000000000}, "b": {"suite": "models", "flops": 1000000000}},
         "cells": [
          {"table": "1", "shape": "a", "variant": "torch", "rival_ns": 20000000, "ours_ns": 10000000, "once": false, "agrees": true},
          {"table": "1", "shape": "a", "variant": "jax", "rival_ns": 60000000, "ours_ns": 20000000, "once": false, "agrees": true},
          {"table": "1", "shape": "b", "variant": "jax", "rival_ns": 64000000, "ours_ns": 8000000, "once": true, "agrees": true},
          {"table": "2", "shape": "a", "variant": "torch", "rival_ns": 40000000, "ours_ns": 10000000, "once": false, "agrees": true},
          {"table": "first", "shape": "a", "variant": "torch", "seconds": 1.5, "peak_bytes": 1},
          {"table": "1", "shape": "b", "variant": "tensorflow", "reason": "none"}]}
        """

    private static let networks = """
        {"machine": {"cpu": "c", "cores": 2, "peak_gflops_per_thread": 125}, "versions": {"torch": "2"}, "commands": [{"command": "x"}],
         "shapes": {"unet": {"suite": "networks", "flops": 2000000000}, "gan": {"suite": "networks", "flops": 1000000000}},
         "cells": [
          {"table": "network", "shape": "unet", "variant": "torch", "rival_ns": 40000000, "ours_ns": 10000000, "agrees": true},
          {"table": "network", "shape": "gan", "variant": "torch", "rival_ns": 10000000, "ours_ns": 10000000, "agrees": true},
          {"table": "network", "shape": "gan", "variant": "keras torch", "rival_ns": 20000000, "ours_ns": 10000000, "agrees": true},
          {"table": "network first", "shape": "gan", "variant": "torch", "seconds": 1.5, "peak_bytes": 1}]}
        """
}

/// What `Tools/compare` writes, as far as it is looked at here.
struct ComparisonResults: Decodable {
    struct Machine: Decodable {
        let cpu: String
        let cores: Int
        let peak_gflops_per_thread: Double
    }
    struct Shape: Decodable {
        let suite: String
        let flops: Double
    }
    struct Cell: Decodable {
        let table: String
        let shape: String
        let variant: String
        let rival_ns: Double?
        let ours_ns: Double?
        let agrees: Bool?
    }
    struct Command: Decodable {
        let command: String
    }

    let machine: Machine
    let versions: [String: String]
    let commands: [Command]
    let shapes: [String: Shape]
    let cells: [Cell]

    /// The suites of tables 1 and 2, in the order they were measured in.
    var suites: [String] {
        var found: [String] = []
        for cell in cells where cell.table == "1" || cell.table == "2" {
            if let suite = shapes[cell.shape]?.suite, !found.contains(suite) { found.append(suite) }
        }
        return found
    }

    /// What whole networks have in place of a suite.
    static let networks = "networks"

    /// Whether whole networks were measured, and not only in vain.
    var hasNetworks: Bool { !best(table: "network", suite: Self.networks).isEmpty }

    struct Best {
        let variant: String
        let rival: Double
        let ours: Double
        var ratio: Double { rival / ours }
    }

    /// By shape, the rival that comes nearest to us, each against our time in the same pairing.
    func best(table: String, suite: String) -> [String: Best] {
        var result: [String: Best] = [:]
        for cell in cells where cell.table == table && shapes[cell.shape]?.suite == suite {
            guard let rival = cell.rival_ns, let ours = cell.ours_ns else { continue }
            let candidate = Best(variant: cell.variant, rival: rival, ours: ours)
            if let known = result[cell.shape], known.ratio <= candidate.ratio { continue }
            result[cell.shape] = candidate
        }
        return result
    }
}

/// The part of the README that `Tools/compare --render` writes.
struct ComparisonBlock {
    struct Missing: Error {}

    private let lines: [Substring]

    init(readme: String) throws {
        let afterBegin = readme.components(separatedBy: "<!-- Tools/compare --render: begin -->")
        guard afterBegin.count == 2, let end = afterBegin[1].range(of: "<!-- end -->") else { throw Missing() }
        lines = afterBegin[1][..<end.lowerBound].split(separator: "\n")
    }

    var isEmpty: Bool { lines.isEmpty }

    /// Every number of the block that does not follow from the results.
    func differences(main: ComparisonResults, others: [ComparisonResults]) -> [String] {
        guard let suite = main.suites.first else { return ["no suite"] }
        let (first, second) = (main.best(table: "1", suite: suite), main.best(table: "2", suite: suite))
        var left = Set(first.keys)
        var found: [String] = []
        for line in lines where line.hasPrefix("| ") {
            let fields = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if fields.first == "layer" { continue }
            guard fields.count == 8, let best = first[fields[0]], let flops = main.shapes[fields[0]]?.flops, left.remove(fields[0]) != nil else {
                found.append("unexpected row \(line)")
                continue
            }
            let rate = flops / best.ours
            let peak = main.machine.peak_gflops_per_thread * Double(main.machine.cores)
            let values: [(String, Int, Double?)] = [
                ("GFLOP", 1, flops / 1e9), ("GFLOP/s", 2, rate), ("share of the peak", 3, 100 * rate / peak),
                ("its GFLOP/s", 5, flops / best.rival), ("ratio", 6, best.ratio), ("resident ratio", 7, second[fields[0]]?.ratio),
            ]
            found += values.compactMap { name, column, value in difference("\(fields[0]): \(name)", fields[column], value) }
            if fields[4].components(separatedBy: " (")[0] != best.variant { found.append("\(fields[0]): \(fields[4]) instead of \(best.variant)") }
        }
        found += left.sorted().map { "no row for \($0)" }
        for results in [main] + others {
            let suites = results.suites.map { ("Suite \($0)", $0, [("1", "Ratios over"), ("2", "Ratios into resident memory over")]) }
            let networks = [("Networks", ComparisonResults.networks, [("network", "Ratios over")])]
            for (start, suite, claims) in suites + (results.hasNetworks ? networks : []) {
                guard let line = lines.first(where: { $0.hasPrefix("\(start) (") }) else {
                    found.append("nothing about suite \(suite)")
                    continue
                }
                for (table, words) in claims {
                    let ratios = results.best(table: table, suite: suite).values.map(\.ratio)
                    if ratios.isEmpty { continue }
                    let mean = exp(ratios.map(log).reduce(0, +) / Double(ratios.count))
                    guard let range = line.range(of: words) else {
                        found.append("suite \(suite): nothing about table \(table)")
                        continue
                    }
                    let numbers = line[range.upperBound...].split { !"0123456789.".contains($0) }.filter { $0 != "." }
                        .prefix(3).map { $0.hasSuffix(".") ? $0.dropLast() : $0 }
                    for (name, number, value) in zip3(["count", "geometric mean", "minimum"], numbers, [Double(ratios.count), mean, ratios.min() ?? 0]) {
                        if let text = difference("suite \(suite), table \(table): \(name)", String(number), value) { found.append(text) }
                    }
                }
            }
        }
        return found
    }

    private func zip3<A, B, C>(_ a: [A], _ b: [B], _ c: [C]) -> [(A, B, C)] { zip(a, zip(b, c)).map { ($0, $1.0, $1.1) } }

    /// Nil when `text` is `value` rounded to as many digits as it has; "-" stands for nil.
    private func difference(_ what: String, _ text: String, _ value: Double?) -> String? {
        guard let value else { return text == "-" ? nil : "\(what) \(text) instead of -" }
        let number = text.prefix { "0123456789.".contains($0) }
        let decimals = number.split(separator: ".").dropFirst().first?.count ?? 0
        // Half a unit of the last digit, and a little for ties.
        guard let received = Double(number), abs(received - value) <= 0.5001 * pow(10, Double(-decimals)) else {
            return "\(what) \(text) instead of \(value)"
        }
        return nil
    }
}
