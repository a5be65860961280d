import ArgumentParser

/// A verb for users: says as much as they want to hear, and what it reads and writes before it does.
protocol Verb: ParsableCommand {
    var verbosity: VerbosityOptions { get }
    /// Every file and folder named by its arguments.
    var files: NamedFiles { get }
}

/// `--quiet` and `--verbose`.
struct VerbosityOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print errors and what was asked for, nothing else.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print compiler calls, what the cache had, and why each kernel was chosen.")
    var verbose = false

    var level: Console.Level { quiet ? .quiet : verbose ? .verbose : .usual }

    func validate() throws {
        if quiet && verbose { throw ValidationError("Received --quiet and --verbose; expected at most one of them.") }
    }
}
