"""Times a rival and us in turns, on the same layer or network and the same numbers."""

import time
from statistics import median

from processes import SideFailure

# A call that takes more seconds than this is made once, and marked.
LONGEST_CALL = 10.0
# A call that takes more seconds than this is not tried with fewer threads, and its side gets fewer turns.
LONG_CALL = 1.0
# How many turns each side has; its calls are spread over as many stretches of time.
ROUNDS, ROUNDS_OF_LONG_CALLS = 5, 2
# At times two cores of a virtual machine are halves of one core. A turn counts when threads side by side, before and after it, reach this
# share of what each reaches alone; otherwise it is repeated, at most so often, with a rest in between.
FULL_SPEED, REPETITIONS, REST = 0.85, 12, 1.0
# How often the processes of a first call are started anew.
FIRST_REPEATS = 3
# Largest difference between two answers, in units of the largest element. Two float32 sums of thousands of products differ
# by some 1e-6 of it; a wrong tap, weight or position by more than a thousandth.
TOLERANCE = 1e-4


def quick(call, budget):
    """Seconds of a call: the median of some after a first one, or that one alone when it was long."""
    first = call(1, 0)[0] / 1e9
    return first if first > LONG_CALL else median(call(20, budget)) / 1e9


def settled(ours, most_threads, side, call, budget):
    """The better of two undisturbed runs of `quick` (of one where a call is long). It decides how many threads all turns use."""
    times = []
    for _ in range(2):
        times.append(undisturbed(ours, most_threads, lambda: quick(call, budget))[0])
        side.wait_until_quiet()
        if times[-1] > LONG_CALL:
            break
    return min(times)


def block(side, call, each, seconds):
    """One turn: calls for about `seconds`, two at least; the first of them only warms caches. A long call is alone in its turn."""
    count = max(1 if each > LONG_CALL else 2, min(2000, round(seconds / max(each, 1e-7))))
    times = call(count + 1 if count > 1 else 1, max(10 * seconds, 1e-3))
    side.wait_until_quiet()
    return times[1:] if len(times) > 1 else times


def runs_at_full_speed(ours, threads):
    together, alone = (float(ours.fields("peak", n)[0]) for n in (threads, 1))
    ours.wait_until_quiet()
    return together >= FULL_SPEED * threads * alone


def undisturbed(ours, threads, turn):
    """What `turn` returns, repeated until the machine's cores ran at full speed during it; and whether they ever did."""
    for attempt in range(REPETITIONS):
        if attempt:
            time.sleep(REST)
        if runs_at_full_speed(ours, threads):
            result = turn()
            if runs_at_full_speed(ours, threads):
                return result, True
    return turn(), False


def measure(ours, rivals, case, variant, seconds, reuses_output=False, tolerance=TOLERANCE):
    """The result of one rival's variant on one layer or network, as a row of the results file; ours is prepared already.

    rivals: the same library once per thread setting. tolerance: as `TOLERANCE`.
    """
    candidates = []
    most_threads = rivals[-1].threads
    # All threads first: of a call that takes too long with them, one is enough.
    for rival in reversed(rivals):
        reason = rival.prepare(case, variant)
        if reason:
            return {"reason": reason}
        candidates.append((settled(ours, most_threads, rival, rival.call, 0.06 * seconds), rival))
        if candidates[0][0] > LONG_CALL:
            break
    rival_time, rival = min(candidates, key=lambda candidate: candidate[0])
    for other in rivals:
        if other is not rival:
            other.request("release")

    def our_call(threads):
        return lambda count, limit: ours.call(threads, count, limit, reuses_output)

    own = []
    for threads in sorted({1, most_threads}):
        own.append((settled(ours, most_threads, ours, our_call(threads), 0.06 * seconds), threads))
    our_time, our_threads = min(own)

    is_hopeless = rival_time > LONGEST_CALL
    if is_hopeless:
        rival_times, faults, disturbed = [round(rival_time * 1e9)], rival.faults, 0
        our_times = block(ours, our_call(our_threads), our_time, seconds / 2)
    else:
        rival_times, our_times, faults, disturbed = [], [], 0, 0
        share = seconds / (2 * ROUNDS)
        for _ in range(ROUNDS if max(rival_time, our_time) < LONG_CALL else ROUNDS_OF_LONG_CALLS):
            def turn():
                before = rival.faults
                theirs = block(rival, rival.call, rival_time, share)
                return theirs, block(ours, our_call(our_threads), our_time, share), rival.faults - before

            (theirs, mine, new_faults), at_full_speed = undisturbed(ours, most_threads, turn)
            rival_times += theirs
            our_times += mine
            faults += new_faults
            disturbed += not at_full_speed
    ours.fields("save", "y.npy")
    row = {
        "rival_ns": median(rival_times), "ours_ns": median(our_times), "rival_calls": len(rival_times), "our_calls": len(our_times),
        "rival_threads": rival.threads, "our_threads": our_threads, "rival_faults": round(faults / len(rival_times)), "once": is_hopeless,
        "disturbed": disturbed,
    }
    row.update(compare(rival, tolerance))
    rival.request("release")
    return row


def compare(rival, tolerance):
    """How far the last answers of both sides are apart."""
    answer = rival.request("compare", path="y.npy")
    if "reason" in answer:
        raise SideFailure(f"the rival's answer {answer['reason']}")
    error = answer["worst"] / answer["scale"] if answer["scale"] > 0 else float("inf")
    return {"error": error if error == error and error < 1e30 else None, "agrees": bool(error <= tolerance)}


def first_call(once):
    """The row of a first call: `once` starts a process, and returns seconds and bytes."""
    try:
        runs = [once() for _ in range(FIRST_REPEATS)]
    except SideFailure as failure:
        return {"failure": str(failure)}
    return {"seconds": median(seconds for seconds, _ in runs), "peak_bytes": max(memory for _, memory in runs)}


def describe(row):
    if "ours_ns" not in row:
        return row.get("reason") or row.get("failure")
    mark = "" if row["agrees"] else f", ANSWERS DIFFER by {row['error']}"
    mark += "" if row["kind"] == "specialized" else ", on the interpreter"
    return (
        f"{row['rival_ns'] / 1e6:.4f} ms on {row['rival_threads']}, ours {row['ours_ns'] / 1e6:.4f} ms on {row['our_threads']}, "
        f"ratio {row['rival_ns'] / row['ours_ns']:.2f}{mark}")
