import CVoxHostCPU
import Glibc
import VoxLayerSpec

/// The processor this process runs on.
public enum HostCPU {
    /// Features that code may use: the processor has them and the operating system saves their registers.
    public static let features: Set<Target.Feature> = Set(Target.Feature.allCases.filter { vs_host_supports($0.rawValue) != 0 })

    /// The processor's name as the operating system prints it, "unknown" where it prints none.
    public static let modelName: String = {
        for line in readText("/proc/cpuinfo").split(separator: "\n") where line.hasPrefix("model name") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return "unknown"
    }()

    /// Data cache sizes in bytes: of one core for levels 1 and 2, of all cores for the last level. Where the system does not say,
    /// those of the named targets.
    public static let cacheSizes: (level1: Int, level2: Int, lastLevel: Int) = {
        var sizes: [Int: Int] = [:]
        for index in 0..<8 {
            let folder = "/sys/devices/system/cpu/cpu0/cache/index\(index)/"
            guard let level = Int(trimmed(readText(folder + "level"))) else { break }
            if trimmed(readText(folder + "type")) == "Instruction" { continue }
            if let bytes = byteCount(trimmed(readText(folder + "size"))) { sizes[level] = bytes }
        }
        for (level, name) in [(1, _SC_LEVEL1_DCACHE_SIZE), (2, _SC_LEVEL2_CACHE_SIZE), (3, _SC_LEVEL3_CACHE_SIZE)]
        where sizes[level] == nil {
            let bytes = sysconf(Int32(name))
            if bytes > 0 { sizes[level] = bytes }
        }
        let assumed = Target(.x86_64_v3)
        let level2 = sizes[2] ?? assumed.level2Bytes
        return (sizes[1] ?? assumed.level1Bytes, level2, sizes[4] ?? sizes[3] ?? max(level2, assumed.lastLevelBytes))
    }()

    /// Measures the multiply-add peak of one thread for a vector width; takes 15 ms.
    /// - Parameter vectorBytes: 64, 32 or 16.
    /// - Returns: GFLOP/s in float32, nil when the processor has no such vectors.
    public static func measuredPeak(vectorBytes: Int) -> Double? {
        guard let width = Int32(exactly: vectorBytes) else { return nil }
        let rate = vs_fma_peak_gflops(width)
        return rate > 0 ? rate : nil
    }

    private static func trimmed(_ text: String) -> Substring {
        text.prefix { $0 != "\n" }
    }

    /// "32K" or "1M" as bytes.
    private static func byteCount(_ text: Substring) -> Int? {
        switch text.last {
        case "K": Int(text.dropLast()).map { $0 << 10 }
        case "M": Int(text.dropLast()).map { $0 << 20 }
        default: Int(text)
        }
    }

    /// The first 64 KiB of a file, "" when it cannot be read.
    private static func readText(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return "" }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while text.count < 1 << 16 {
            let count = read(descriptor, &buffer, buffer.count)
            if count <= 0 { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}
