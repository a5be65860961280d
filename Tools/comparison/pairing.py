"""Times a rival and us in turns, on the same layer and the same numbers."""

from statistics import median

from processes import SideFailure

# A call of more seconds is made once, and marked.
LONGEST_CALL = 10.0
# A call of more seconds is not tried with fewer threads, and its side gets fewer turns.
LONG_CALL = 1.0
# Turns of each side; the calls of a side are spread over as many stretches of time.
ROUNDS, ROUNDS_OF_LONG_CALLS = 5, 2
# Largest difference between two answers, in units of the largest element. Two float32 sums of thousands of products differ
# by some 1e-6 of it; a wrong tap, weight or position by more than a thousandth.
TOLERANCE = 1e-4


def quick(call, budget):
    """Seconds of a call: the median of some after a first one, or that one alone when it was long."""
    first = call(1, 0)[0] / 1e9
    return first if first > LONG_CALL else median(call(20, budget)) / 1e9


def block(side, call, each, seconds):
    """One turn: calls for about `seconds`; where there are several, the first only warms caches."""
    count = max(1, min(2000, round(seconds / max(each, 1e-7))))
    times = call(count + 1 if count > 1 else 1, max(10 * seconds, 1e-3))
    side.wait_until_quiet()
    return times[1:] if len(times) > 1 else times


def measure(ours, rivals, case, variant, seconds, reuses_output):
    """The result of one rival's variant on one layer, as a row of the results file; ours is prepared already.

    rivals: the same library once per thread setting.
    """
    candidates = []
    # All threads first: of a call that takes too long with them, one is enough.
    for rival in reversed(rivals):
        reason = rival.prepare(case, variant)
        if reason:
            return {"reason": reason}
        candidates.append((quick(rival.call, 0.06 * seconds), rival))
        rival.wait_until_quiet()
        if candidates[0][0] > LONG_CALL:
            break
    rival_time, rival = min(candidates, key=lambda candidate: candidate[0])
    for other in rivals:
        if other is not rival:
            other.request("release")

    def our_call(threads):
        return lambda count, limit: ours.call(threads, count, limit, reuses_output)

    own = []
    for threads in sorted({1, rivals[-1].threads}):
        own.append((quick(our_call(threads), 0.06 * seconds), threads))
        ours.wait_until_quiet()
    our_time, our_threads = min(own)

    is_hopeless = rival_time > LONGEST_CALL
    if is_hopeless:
        rival_times = [round(rival_time * 1e9)]
        our_times = block(ours, our_call(our_threads), our_time, seconds / 2)
    else:
        rival_times, our_times = [], []
        rival.faults = 0
        share = seconds / (2 * ROUNDS)
        for _ in range(ROUNDS if max(rival_time, our_time) < LONG_CALL else ROUNDS_OF_LONG_CALLS):
            rival_times += block(rival, rival.call, rival_time, share)
            our_times += block(ours, our_call(our_threads), our_time, share)
    ours.fields("save", "y.npy")
    row = {
        "rival_ns": median(rival_times), "ours_ns": median(our_times), "rival_calls": len(rival_times), "our_calls": len(our_times),
        "rival_threads": rival.threads, "our_threads": our_threads, "rival_faults": round(rival.faults / len(rival_times)), "once": is_hopeless,
    }
    row.update(compare(rival))
    rival.request("release")
    return row


def compare(rival):
    """How far the last answers of both sides are apart."""
    answer = rival.request("compare", path="y.npy")
    if "reason" in answer:
        raise SideFailure(f"the rival's answer {answer['reason']}")
    error = answer["worst"] / answer["scale"] if answer["scale"] > 0 else float("inf")
    return {"error": error if error == error and error < 1e30 else None, "agrees": bool(error <= TOLERANCE)}
