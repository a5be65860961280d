// An application that meets a shape nobody made a kernel for: the interpreter answers at once, and the layer's own kernel once it is there.
//
//     .build/release/on-demand        prints when what answered; from the second start on, the kernel comes from the cache
//     .build/release/on-demand 12     another number of filters, so another kernel
//     .build/release/on-demand 8 1    one call only: it ends while the kernel is being made
import Glibc
import Synchronization
import VoxForge
import Voxelsmith

let start = ContinuousClock.now

func say(_ text: String) { print("\(Int((ContinuousClock.now - start) / .milliseconds(1))) ms: \(text)") }

func complain(_ sentence: String, status: Int32) -> Never {
    let line = Array("on-demand: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    exit(status)
}

/// Small numbers whose products and sums are exact in float32.
func numbers(_ shape: [Int]) throws -> Tensor {
    try Tensor(shape: shape, (0..<shape.reduce(1, *)).map { Float($0 % 13 - 6) / 8 })
}

/// Prints what the provider does, until there is a kernel or it is known that there will be none.
final class News: Sendable {
    /// Whether there will be no kernel.
    let isBad = Atomic(false)

    func print(_ events: AsyncStream<OnDemandEvent>) async {
        for await event in events {
            switch event {
            case .started: say("compiling")
            case .ready: return say("the kernel is there")
            case .failed(_, let reason), .notCompiled(let reason):
                say("there will be no kernel: \(reason)")
                return isBad.store(true, ordering: .releasing)
            }
        }
    }
}

/// Calls a layer now and then, as a program that does not wait for a kernel, until there is one.
func callUntilSwapped(filters: Int, mostCalls: Int) async throws {
    KerasSettings.use(KerasSettings())  // Keras's own defaults, whatever the keras.json of whoever runs this says
    let kernels = OnDemandKernels()
    let (news, events) = (News(), kernels.events)
    Task { await news.print(events) }

    let shape = [1, 8, 8, 8, 16]
    let layer = try Conv3DTranspose(
        filters: filters, kernelSize: 4, strides: 2, padding: .same, activation: .relu, name: "up", policy: .direct, kernels: kernels)
    try layer.build(inputShape: shape)
    try layer.setWeights([numbers([4, 4, 4, filters, 16]), numbers([filters])])
    let x = try numbers(shape)
    let first = try layer(x)
    say("\(first.shape): \(first.floats.prefix(8).map { "\($0)" }.joined(separator: " "))")
    say(try layer.kernelInUse(inputShape: shape))

    for call in 2... {
        if call > mostCalls { return say("no more calls") }
        // What is asked which kernel it has is what computes: `layer(x)` may have another one a moment later.
        let prepared = try layer.preparedLayer(inputShape: shape)
        let y = try prepared.call(x)
        if y.floats != first.floats { complain("Call \(call) gave other numbers than the first one.", status: EXIT_FAILURE) }
        if prepared.choice.isSpecialized {
            say("call \(call) is the first with the kernel")
            return say(try layer.kernelInUse(inputShape: shape))
        }
        if news.isBad.load(ordering: .acquiring) { return say("call \(call), like all others, is by the interpreter") }
        try await Task.sleep(for: .milliseconds(20))
    }
}

let words = CommandLine.arguments.dropFirst()
let values = words.compactMap { Int($0) }
guard words.count <= 2, values.count == words.count, values.allSatisfy({ (1...1000).contains($0) }) else {
    complain("Received \(words.joined(separator: " ")); expected numbers of filters and of calls, from 1 to 1000, or nothing.", status: EX_USAGE)
}
do {
    try await callUntilSwapped(filters: values.first ?? 8, mostCalls: values.dropFirst().first ?? .max)
} catch {
    complain("\(error)", status: EXIT_FAILURE)
}
