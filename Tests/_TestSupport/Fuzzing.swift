import Foundation
import VoxTensors

/// Seeded damage to files. Case `index` of a format is always the same bytes.
///
/// The number of cases is small by default; the environment variable VOXELSMITH_FUZZ sets another one, VOXELSMITH_FUZZ_SEED
/// another seed. The number of the case at work stands in `voxelsmith-fuzz-<format>` of the temporary folder: after a crash it
/// names the input.
public struct Fuzzing {
    public let format: String
    public let count: Int
    public let seed: UInt64
    private let marker: FileHandle?

    public init(_ format: String, count: Int) {
        let environment = ProcessInfo.processInfo.environment
        self.format = format
        self.count = environment["VOXELSMITH_FUZZ"].flatMap { Int($0) } ?? count
        seed = environment["VOXELSMITH_FUZZ_SEED"].flatMap { UInt64($0) } ?? 2018
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("voxelsmith-fuzz-\(format)").path
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        marker = FileHandle(forWritingAtPath: path)
    }

    /// What became of the cases.
    public struct Outcome {
        /// Cases by what `body` said of them.
        public var counts: [String: Int] = [:]
        /// The slowest case, in seconds.
        public var slowest = (index: 0, seconds: 0.0)

        public subscript(_ name: String) -> Int { counts[name, default: 0] }
        public func share(of name: String) -> Double { Double(self[name]) / Double(max(1, counts.values.reduce(0, +))) }
    }

    /// Calls `body` with damaged copies of the samples.
    /// - Parameter body: returns in a word what became of the input.
    public func run(_ samples: [[UInt8]], _ body: (_ index: Int, _ bytes: [UInt8]) throws -> String) rethrows -> Outcome {
        try run { random in samples.isEmpty ? [] : Self.damaged(samples[random.integer(0...samples.count - 1)], &random) } body: { try body($0, $1) }
    }

    /// - Parameter make: gives the next input.
    package func run(_ make: (inout SeededRandom) -> [UInt8], body: (_ index: Int, _ bytes: [UInt8]) throws -> String) rethrows -> Outcome {
        var outcome = Outcome()
        for index in 0..<count {
            var random = SeededRandom(seed: seed &* 0x9e37_79b9 &+ UInt64(index))
            let bytes = make(&random)
            try? marker?.seek(toOffset: 0)
            try? marker?.write(contentsOf: Data("\(index) \n".utf8))
            let start = Self.processorSeconds()
            outcome.counts[try body(index, bytes), default: 0] += 1
            let seconds = Self.processorSeconds() - start
            if seconds > outcome.slowest.seconds { outcome.slowest = (index, seconds) }
        }
        print("fuzz \(format): \(count) inputs, \(outcome.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")), "
            + "slowest \(Int(outcome.slowest.seconds * 1000)) ms (case \(outcome.slowest.index))")
        return outcome
    }

    /// Processor time of this thread, which does not grow while others have the processors.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }

    /// A JSON text with one to three of its names and values replaced: by each other, or by extreme values. Most results are JSON still, so
    /// that what reads the values sees the damage.
    /// - Parameter numbersOnly: only numbers are replaced, and by numbers: for readers that refuse everything else at once.
    package static func alteredJSON(_ bytes: [UInt8], _ random: inout SeededRandom, numbersOnly: Bool = false) -> [UInt8] {
        let extremes = numbersOnly ? ["0", "1", "2", "3", "5", "8", "64", "4096", "4097", "0.25", "1e300", "-1", "9223372036854775807"] : [
            "0", "1", "-1", "2", "7", "0.5", "1e308", "-0.0", "65536", "4294967296", "9223372036854775807", "-9223372036854775808", "null", "true", "false",
            "\"\"", "\"same\"", "\"valid\"", "\"relu\"", "\"\\ud83d\\ude00\"", "[]", "{}", "[1]", "[1, 1, 1]", "[2, 2, 2]", "[null, 4, 4, 4, 2]",
            "[[1, 1], [0, 1], [1, 0]]",
        ]
        var bytes = bytes
        for _ in 0..<random.integer(1...3) {
            let tokens = tokens(bytes).filter { !numbersOnly || Array("-0123456789".utf8).contains(bytes[$0.lowerBound]) }
            guard !tokens.isEmpty else { return bytes }
            let place = tokens[random.integer(0...tokens.count - 1)]
            let other = tokens[random.integer(0...tokens.count - 1)]
            let isName = bytes[place.upperBound...].first { $0 != 0x20 } == UInt8(ascii: ":")
            let replacement: [UInt8] =
                random.integer(0...2) == 0
                ? Array(bytes[other]) : isName ? Array("\"name\"".utf8) : Array(extremes[random.integer(0...extremes.count - 1)].utf8)
            bytes.replaceSubrange(place, with: replacement)
        }
        return bytes
    }

    /// Where texts, numbers and words stand.
    private static func tokens(_ bytes: [UInt8]) -> [Range<Int>] {
        var tokens: [Range<Int>] = []
        var place = 0
        while place < bytes.count {
            let start = place
            if bytes[place] == UInt8(ascii: "\"") {
                place += 1
                while place < bytes.count, bytes[place] != UInt8(ascii: "\"") { place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1 }
                place = min(place + 1, bytes.count)
                tokens.append(start..<place)
            } else if Array("{}[]:, \n\t\r".utf8).contains(bytes[place]) {
                place += 1
            } else {
                while place < bytes.count, !Array("{}[]:, \n\t\r\"".utf8).contains(bytes[place]) { place += 1 }
                tokens.append(start..<place)
            }
        }
        return tokens
    }

    /// One to four damages: flipped bits, extreme bytes and integers, moved, removed and repeated pieces, a cut.
    package static func damaged(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<random.integer(1...4) {
            guard bytes.count > 16 else { return bytes }
            // Structure stands at the start of things and at multiples of 8.
            var place = random.integer(0...bytes.count - 9)
            if random.integer(0...2) == 0 { place = min(place, random.integer(0...min(255, bytes.count - 9))) }
            if random.integer(0...1) == 0 { place = place / 8 * 8 }
            switch random.integer(0...9) {
            case 0, 1, 2: bytes[place] ^= 1 << UInt8(random.integer(0...7))
            case 3: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.integer(0...4)]
            case 4, 5:
                let width = [1, 2, 4, 8][random.integer(0...3)]
                let value = [
                    0, 1, -1, bytes.count, bytes.count + 1, bytes.count - 8, place, place + 8, 0x7fff_ffff, .max, .min, 1 << 32, 0xffff,
                    random.integer(0...bytes.count),
                ][random.integer(0...13)]
                for byte in 0..<width { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (byte * 8)) }
            case 6:
                let from = random.integer(0...bytes.count - 9) / 8 * 8
                for byte in 0..<8 { bytes.swapAt(place + byte, from + byte) }
            case 7:
                let length = random.integer(1...min(64, bytes.count - place))
                bytes.removeSubrange(place..<place + length)
            case 8:
                let length = random.integer(1...min(64, bytes.count - place))
                bytes.insert(contentsOf: Array(bytes[place..<place + length]), at: place)
            default:
                if random.integer(0...9) == 0 { bytes = Array(bytes[..<place]) } else { bytes[place] &+= 1 }
            }
        }
        return bytes
    }
}
