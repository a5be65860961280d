import VoxLayerSpec

/// Chooses a schedule for a problem on a target; pure, needs no running.
/// - Parameters:
///   - spec: the problem.
///   - target: what the kernels are for.
///   - decision: parameters to use instead of the estimate (from a tuning run); checked like any other.
///   - threads: how many threads will compute a call of one sample. Families are compared by the expected time of the thread that has the most
///     work.
/// - Throws: `SchedulingError` when no family takes the problem, or the decision does not apply.
public func plan(
    _ spec: KernelSpec, target: Target, decision: Decision? = nil, threads: Int = 1
) throws(SchedulingError) -> Schedule {
    if let decision { return try Schedule(spec: spec, target: target, decision: decision) }
    var refusal: SchedulingError = .notApplicable(key: spec.key.text, reason: "another schedule is expected to be faster")
    for family in kernelFamilies {
        if let reason = family.reasonAgainst(spec) {
            refusal = reason
        } else if let schedule = try family.planned(spec, target, threads: threads) {
            return schedule
        }
    }
    throw refusal
}
