import Glibc
import VoxKernelRuntime
import VoxTensors

/// What a command needs of the machine, asked before it begins: the libraries it stands on end the process, or wait for ever, when
/// they run out half-way.
enum MachineNeeds {
    /// The threads of tasks open files of their own, and end the process when they cannot.
    private static let files = 8
    /// Bytes for libraries that are loaded when they are needed and for small objects; Swift ends the process when there are none.
    private static let addresses = 64 << 20
    /// Bytes for what one compiler prints, at most 4 MiB in a few forms, and makes.
    private static let addressesPerCompiler = 16 << 20
    /// Besides one for each core: those that wait for processes, for their output, for timers and for signals, and some to spare.
    private static let waitingThreads = 8

    /// - Parameter startsTasks: whether the command runs as a task, and starts processes.
    /// - Throws: `CommandFailure` when the limits of this process leave too little.
    static func check(startsTasks: Bool) throws(CommandFailure) {
        try checkFiles()
        // Else the C library reserves 64 MiB of addresses for the small objects of each thread.
        if AvailableMemory.addressSpace < .max { ThreadPool.shareOneHeap() }
        if !startsTasks { return try checkAddresses(addresses) }
        let cores = ThreadPool.defaultThreadCount
        // While the threads exist, since their stacks are of the same addresses. The system keeps some of these for the next threads.
        try withThreads(cores + waitingThreads) { () throws(CommandFailure) in
            try checkAddresses(addresses + cores * addressesPerCompiler)
        }
    }

    private static func checkFiles() throws(CommandFailure) {
        var opened: [Int32] = []
        defer { for file in opened { close(file) } }
        for _ in 0..<files {
            let file = open("/", O_RDONLY | O_CLOEXEC)
            if file >= 0 {
                opened.append(file)
            } else if [EMFILE, ENFILE].contains(errno) {
                throw .fileSystem(operation: "open", path: "\(files) files", reason: String(cString: strerror(errno)))
            } else {
                return
            }
        }
    }

    private static func checkAddresses(_ expected: Int) throws(CommandFailure) {
        let received = AvailableMemory.addressSpace
        if received < expected { throw .tooFewAddresses(received: received, expected: expected) }
    }

    /// Runs `body` while so many threads exist. A lack of threads would not be noticed later: the library that runs tasks tries for ever to
    /// start one.
    private static func withThreads(_ count: Int, _ body: () throws(CommandFailure) -> Void) throws(CommandFailure) {
        let end = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(end, 0, 0)
        var threads: [pthread_t] = []
        defer {
            for _ in threads { sem_post(end) }
            for thread in threads { pthread_join(thread, nil) }
            sem_destroy(end)
            end.deallocate()
        }
        while threads.count < count {
            var thread = pthread_t()
            let status = pthread_create(&thread, nil, { end in
                guard let end = end?.assumingMemoryBound(to: sem_t.self) else { return nil }
                while sem_wait(end) != 0 && errno == EINTR {}
                return nil
            }, end)
            guard status == 0 else { throw .tooFewThreads(received: threads.count, expected: count, reason: String(cString: strerror(status))) }
            threads.append(thread)
        }
        try body()
    }
}
