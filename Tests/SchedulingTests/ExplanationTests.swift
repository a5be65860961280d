import Testing
import VoxLayerSpec
import VoxScheduling
import _TestSupport

/// What families tell people of a schedule.
@Suite struct ExplanationTests {
    /// A plane of 6 x 8 results from 3 x 4 inputs: two phases along each axis, each with as many positions as there are inputs.
    private func doubling(_ parameters: some KernelFamily, filters: Int = 5) throws -> Schedule {
        let spec = try layer([2, 3, 4], kernel: 2, stride: 2, channels: 3, filters: filters)
        return try plan(spec, target: Target(.x86_64_v3), decision: Decision(parameters))
    }

    /// The map as text: a row of the plane is a line, a result the letter of its tile, a capital in the first work item.
    private func drawing(_ map: TileMap) -> [String] {
        var letters: [TileMap.Tile: Character] = [:]
        var lines = Array(repeating: Array(repeating: Character("?"), count: map.columns), count: map.rows)
        for cell in map.cells.sorted(by: { ($0.row, $0.column) < ($1.row, $1.column) }) {
            let letter = letters[cell.tile] ?? Character(UnicodeScalar(UInt8(97 + letters.count)))
            letters[cell.tile] = letter
            lines[cell.row][cell.column] = cell.isInItem ? Character(letter.uppercased()) : letter
        }
        return lines.map { String($0) }
    }

    @Test func phasesApartLieBetweenEachOther() throws {
        let map = try doubling(FilterLanes(tileWidth: 2)).family.tileMap
        #expect(drawing(map) == ["ABABCDCD", "EFEFGHGH", "ijijklkl", "mnmnopop", "qrqrstst", "uvuvwxwx"])
        #expect(map.kinds.count == 4 && map.cells.allSatisfy { $0.kind == $0.row % 2 * 2 + $0.column % 2 })
        #expect(map.rowAxis == "height" && map.columnAxis == "width")
        #expect(map.sample == map.cells.first { $0.row == 0 && $0.column == 0 }?.tile)
    }

    @Test func tilesWithMergedPhasesAndRowsOfTheirOwn() throws {
        let merged = FilterLanes(tileHeight: 2, tileWidth: 2, mergesWidthPhases: true, listsRows: false)
        let map = try doubling(merged).family.tileMap
        // Three positions along height are cut into two and one.
        #expect(drawing(map) == ["AAAABBBB", "CCCCDDDD", "AAAABBBB", "CCCCDDDD", "eeeeffff", "gggghhhh"])
        #expect(map.sample.map { sample in map.cells.count { $0.tile == sample } } == 8)
    }

    /// Its items take the positions of one group of phases in parts.
    @Test func piecesOfWeightsHaveOneGroupOfPhases() throws {
        let schedule = try doubling(FilterLanes(tileWidth: 4, order: .weightStationary))
        let resolved = try #require(schedule.filterLanes)
        #expect(resolved.splits == 6 && resolved.placesPerSample == 6)
        #expect(resolved.explanation.contains { $0.contains("every weight is read once a call; 1 filter block, and 6 parts of the positions.") })
        #expect(drawing(resolved.tileMap) == ["AbAbAbAb", "cdcdcdcd", "efefefef", "ghghghgh", "ijijijij", "klklklkl"])
    }

    @Test func tilesOfMinimalFilteringHaveTwoPositionsOfEveryPhase() throws {
        let spec = try layer([4, 5, 6], kernel: 4, stride: 2, channels: 16, filters: 8)
        let schedule = try plan(
            spec, target: Target(.x86_64_v3), decision: .minimalFiltering(MinimalFiltering(block: [1, 1, 2], vectors: 1, rows: 4)))
        let (resolved, map) = (try #require(schedule.minimalFiltering), schedule.family.tileMap)
        let lines = drawing(map)
        // Same padding crops one result, so position 0 has but one of its two.
        #expect(lines.first == "AAABBBBccccd" && lines.count == 10)
        #expect(lines[2] == "AAABBBBccccd" && lines[3].allSatisfy { $0.isLowercase })
        #expect(resolved.axes[2].tiles == 4 && map.cells.count == 120)
        #expect(schedule.family.explanation[1].contains("\(resolved.points) points"))
    }

    /// A convolution has one phase; with a stride its kernel is taken apart.
    @Test func convolutionsSayWhatTheyAddUp() throws {
        let decision = Decision.minimalFiltering(MinimalFiltering(block: [1, 1, 2], vectors: 1, rows: 4))
        func text(stride: Int) throws -> String {
            let spec = try layer([4, 5, 6], kernel: 3, stride: stride, channels: 16, filters: 8, op: .convolution)
            let schedule = try plan(spec, target: Target(.x86_64_v3), decision: decision)
            #expect(schedule.family.tileMap.kinds == ["all results"])
            return schedule.family.explanation.joined(separator: " ")
        }
        let (plain, strided) = try (text(stride: 1), text(stride: 2))
        #expect(plain.contains("The kernel has 3, 3 and 3 taps along the axes.") && plain.contains("become 64 points"), "\(plain)")
        #expect(strided.contains("the residues of the step, 2 x 2 x 2 of them; each part has 2 or 1, 2 or 1 and 2 or 1 taps"), "\(strided)")
        #expect(strided.contains("become 125 points") && strided.contains("over the channels and the parts"), "\(strided)")
        let rows = try plan(oneVoxel(.convolution), target: Target(.x86_64_v3)).family.explanation.joined(separator: " ")
        #expect(rows.contains("The result is a single voxel") && rows.contains("all 2560 inputs") && rows.contains("each of the 24 filters"), "\(rows)")
    }

    @Test func batchRowsAreSamplesByVectors() throws {
        let spec = try oneVoxel(kernel: 2, channels: 5, filters: 5)
        let schedule = try plan(spec, target: Target(.x86_64_v3), decision: .batchRows(BatchRows(vectors: 2, rows: 3)))
        // 40 outputs are five vectors of 8.
        #expect(drawing(schedule.family.tileMap) == ["AAbbc", "AAbbc", "AAbbc", "DDeef", "DDeef", "DDeef"])
        #expect(schedule.family.tileMap.rowAxis == "samples")
    }

    /// Every result that is shown belongs to one tile, whatever the parameters; the sentences are sentences.
    @Test func mapsAndSentencesOfRandomSchedules() throws {
        var specs = RandomSpecs(seed: 45)
        var met: [String: Int] = [:]
        for target in Target.named {
            for number in 0..<60 {
                let (spec, drawn): (KernelSpec, Decision?)
                let op = number % 6 < 3 ? KernelOp.transposedConvolution : .convolution
                switch number % 3 {
                case 0: (spec, drawn) = specs.nextFast(target, op)
                case 1: (spec, drawn) = specs.nextSingleVoxel(target, op)
                default:
                    spec = specs.next(op)
                    drawn = specs.decision(spec, target)
                }
                let planned = try plan(spec, target: target)
                for schedule in [planned] + [drawn].compactMap({ $0 }).compactMap({ try? plan(spec, target: target, decision: $0) }) {
                    let (map, what) = (schedule.family.tileMap, "\(spec.key) \(schedule.text)")
                    met[type(of: schedule.decision.parameters).label, default: 0] += 1
                    #expect(map.rows >= 1 && map.rows <= 32 && map.columns >= 1 && map.columns <= 48, "\(what)")
                    let places = Set(map.cells.map { [$0.row, $0.column] })
                    #expect(places.count == map.cells.count && map.cells.count == map.rows * map.columns, "\(what)")
                    #expect(map.cells.allSatisfy { map.kinds.indices.contains($0.kind) && (0..<map.rows).contains($0.row) }, "\(what)")
                    #expect(map.cells.allSatisfy { (0..<map.columns).contains($0.column) }, "\(what)")
                    for sentence in schedule.family.explanation + [map.caption] {
                        #expect(sentence.hasSuffix(".") && !sentence.contains("Optional") && !sentence.contains("  "), "\(what): \(sentence)")
                    }
                    // A crop may leave no multiply-add at all.
                    let share = schedule.expectedShareOfPeak
                    #expect(share.isFinite && (share > 0) == (schedule.spec.geometry.multiplyAddCount > 0), "\(what): \(share)")
                }
            }
        }
        #expect(met.count == kernelFamilies.count && met.values.allSatisfy { $0 >= 60 }, "\(met)")
    }

    /// Where planes are converted, a thread takes the items that its workspace holds, and then the next, with all weights each time.
    @Test func weightsAreReadOnceAChunkWherePlanesAreConverted() throws {
        let spec = try layer([2, 3, 4], kernel: 2, stride: 2, channels: 3, filters: 5, layout: .channelsFirst)
        let decision = Decision.filterLanes(FilterLanes(tileWidth: 4, order: .weightStationary))
        var chunks: Set<Int> = []
        for target in [Target(.x86_64_v3), Target(.x86_64_v3, lastLevelBytes: 4 << 10)] {
            let resolved = try #require(try plan(spec, target: target, decision: decision).filterLanes)
            let conversion = try #require(resolved.conversion)
            let items = conversion.chunkBlocks * conversion.chunkDepths
            chunks.insert(items)
            let text = resolved.explanation.joined(separator: " ")
            #expect(text.contains("A thread takes up to \(items) item\(items == 1 ? "" : "s") at a time") && !text.contains("read once a call"), "\(text)")
            #expect(resolved.tileMap.caption.contains("The first work item has a row of tiles"))
        }
        #expect(chunks.count == 2 && chunks.contains(1))
    }

    @Test func sentencesNameTheParameters() throws {
        let text = try doubling(FilterLanes(vectors: 1, tileHeight: 1, tileWidth: 3, fusion: .tap, order: .rowStationary, blockRows: 2, prefetchesNextPlane: true))
            .family.explanation.joined(separator: " ")
        for words in ["1 x 3 positions", "3 vectors of sums, of 16 registers", "unrolled 2 times", "2 rows of tiles", "second-level cache", "8 lanes"] {
            #expect(text.contains(words), "\(words): \(text)")
        }
    }

    @Test func theExpectedShareIsThatOfTwoMultiplyAddsACycle() throws {
        let schedule = try doubling(FilterLanes(tileWidth: 2))
        // 8 lanes, two units.
        let expected = Double(2 * 3 * 4 * 8 * 3 * 5) / (schedule.family.expectedCycles * 16)
        #expect(abs(schedule.expectedShareOfPeak - expected) < 1e-12)
    }
}
