import Glibc

/// A number with a fixed count of decimals. `String(format:)` would bring all of Foundation, and with it 40 MB of Unicode tables.
package func decimal(_ value: Double, _ places: Int) -> String {
    // The largest double has 309 digits before its point.
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 320 + places) { buffer in
        guard let text = buffer.baseAddress else { return "\(value)" }
        let length = withVaList([Int32(places), value]) { vsnprintf(text, buffer.count, "%.*f", $0) }
        return String(decoding: UnsafeRawBufferPointer(buffer).prefix(max(0, Int(length))), as: UTF8.self)
    }
}

/// "1 kernel", "2 kernels".
package func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// A fraction as a percentage, "-" where there is none.
package func percent(_ value: Double?) -> String { value.map { decimal(100 * $0, 1) + " %" } ?? "-" }
