import CVoxHost

/// The arithmetic that results are promised for: rounding to nearest, gradual underflow, no traps. A caller may have set another for its
/// thread, which the threads of the pool would not share: results would depend on which thread computed them.
package enum DefaultArithmetic {
    /// Runs `body` on the calling thread with it, and gives the thread back what it had.
    package static func run<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        let before = vs_default_arithmetic()
        defer { vs_restore_arithmetic(before) }
        return try body()
    }
}
