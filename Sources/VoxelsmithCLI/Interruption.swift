import Glibc
import Synchronization
import VoxTensorIO

/// What happens when this program is asked to end (SIGINT, SIGTERM, SIGHUP): work that can be cancelled is, which ends its compiler
/// and verification processes and removes its temporary files; files that were being written are removed; then the program dies
/// of the signal, so that whoever started it sees why.
///
/// The signals are blocked, and one thread waits for them. libdispatch unblocks all signals on the thread that waits for its timers:
/// what arrives there is handed on. Children start with the usual signals.
enum Interruption {
    private static let signals: [(number: Int32, name: String)] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")]
    /// 0 until a signal has come.
    private static let received = Atomic<Int32>(0)
    /// Ends the work; nil for work that goes on until the process ends.
    private static let cancellation = Mutex<(@Sendable () -> Void)?>(nil)
    /// Seconds that cancelled work may take to clean up.
    private static let patience = 20

    /// Starts to wait. To be called before any other thread is started: they inherit the blocked signals.
    static func watch() {
        var blocked = set
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { _ in
            Interruption.wait()
            return nil
        }, nil)
        guard status == 0 else {
            pthread_sigmask(SIG_UNBLOCK, &blocked, nil)
            return
        }
        pthread_detach(thread)
        waiter = thread
        for (number, _) in signals where sigismember(&blocked, number) == 1 {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { pthread_kill(Interruption.waiter, $0) }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
    }

    /// The thread that waits. Written once, before there is a handler that reads it.
    private nonisolated(unsafe) static var waiter = pthread_t()

    /// From here until `onSignal` is called, a signal waits until the work can be cancelled: it may have begun to make files.
    static func workBegins() { cancellation.withLock { $0 = {} } }

    /// Says how a signal ends the work at hand: `cancel` must make it end soon, and then `workIsDone` must be called.
    static func onSignal(_ cancel: @escaping @Sendable () -> Void) {
        cancellation.withLock { $0 = cancel }
        // A signal may have come before there was anything to cancel.
        if received.load(ordering: .sequentiallyConsistent) != 0 { cancel() }
    }

    /// Ends the process if a signal has cancelled the work.
    static func workIsDone() {
        cancellation.withLock { $0 = nil }
        let number = received.load(ordering: .sequentiallyConsistent)
        if number != 0 { die(of: number) }
    }

    /// The signals that are waited for; the thread's mask may have more, inherited from whoever started this program.
    private static let set: sigset_t = {
        var set = sigset_t()
        sigemptyset(&set)
        for (number, _) in signals where !isIgnored(number) { sigaddset(&set, number) }
        return set
    }()

    /// Those who start a program with a signal ignored (nohup, a shell's background jobs) do not want it ended by that signal.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private static func wait() {
        var awaited = set
        var number: Int32 = 0
        while sigwait(&awaited, &number) != 0 {}
        received.store(number, ordering: .sequentiallyConsistent)
        if cancellation.withLock({ $0 == nil }) { die(of: number) }
        cancelElsewhere()
        // The work's own thread ends the process; a second signal, or too long a silence, does it here.
        var time = timespec(tv_sec: patience, tv_nsec: 0)
        while sigtimedwait(&awaited, nil, &time) < 0 && errno == EINTR {}
        die(of: number)
    }

    /// Cancels the work on a thread of its own. What tasks do before they end may take long, or wait for what never comes; it must not keep
    /// this thread from noticing a second signal and the end of its patience.
    private static func cancelElsewhere() {
        var thread = pthread_t()
        let status = pthread_create(&thread, nil, { _ in
            Interruption.cancellation.withLock { $0 }?()
            return nil
        }, nil)
        if status == 0 { pthread_detach(thread) } else { cancellation.withLock { $0 }?() }
    }

    private static func die(of number: Int32) -> Never {
        StagedFile.removeUnfinished { raiseAgain(number) }
    }

    private static func raiseAgain(_ number: Int32) -> Never {
        Console.fail("Received \(signals.first { $0.number == number }?.name ?? "signal \(number)") before the work was done; expected to finish it.")
        signal(number, SIG_DFL)
        var own = sigset_t()
        sigemptyset(&own)
        sigaddset(&own, number)
        pthread_sigmask(SIG_UNBLOCK, &own, nil)
        raise(number)
        _exit(128 + number)
    }
}
