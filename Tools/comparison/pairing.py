"""Times a rival and us in turns, on the same layer and the same numbers."""

from statistics import median

from processes import SideFailure

# A call of more seconds is made once, and marked.
LONGEST_CALL = 10.0
# Turns of each side; the calls of a side are spread over as many stretches of time.
ROUNDS = 5
# Largest difference between two answers, in units of the largest element. Two float32 sums of thousands of products differ
# by some 1e-6 of it; a wrong tap, weight or position by more than a thousandth.
TOLERANCE = 1e-4


def quick(call, budget):
    """The median of some calls after a first one, and whether that first one alone was too long already."""
    first = call(1, 0)[0] / 1e9
    if first > LONGEST_CALL:
        return first, True
    times = call(20, budget)
    return median(times) / 1e9, False


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
        time, is_long = quick(rival.call, 0.06 * seconds)
        rival.wait_until_quiet()
        candidates.append((time, is_long, rival))
        if is_long:
            break
    rival_time, is_long, rival = min(candidates, key=lambda candidate: candidate[0])
    for other in rivals:
        if other is not rival:
            other.request("release")

    def our_call(threads):
        return lambda count, limit: ours.call(threads, count, limit, reuses_output)

    own = []
    for threads in sorted({1, rivals[-1].threads}):
        own.append((quick(our_call(threads), 0.06 * seconds)[0], threads))
        ours.wait_until_quiet()
    our_time, our_threads = min(own)

    if is_long:
        rival_times = [round(rival_time * 1e9)]
        our_times = block(ours, our_call(our_threads), our_time, seconds / 2)
    else:
        rival_times, our_times = [], []
        share = seconds / (2 * ROUNDS)
        for turn in range(max(3, ROUNDS if max(rival_time, our_time) < seconds else 3)):
            rival_times += block(rival, rival.call, rival_time, share)
            our_times += block(ours, our_call(our_threads), our_time, share)
    ours.fields("save", "y.npy")
    row = {
        "rival_ns": median(rival_times), "ours_ns": median(our_times), "rival_calls": len(rival_times), "our_calls": len(our_times),
        "rival_threads": rival.threads, "our_threads": our_threads, "once": is_long,
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
