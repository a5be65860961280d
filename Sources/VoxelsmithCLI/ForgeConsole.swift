import VoxForge
import VoxLayerSpec

extension Console {
    /// Tells of what happens while a plugin is made.
    @Sendable static func tell(_ event: ForgeEvent) {
        switch event {
        case .passedOver(let other): note("Layer \(other) is passed over.")
        case .shapeUnknown(let layer): warn("Layer \"\(layer)\" is passed over: shape unknown; --input-shape \(layer)=1,D,H,W,C states it.")
        case .doubt(let sentence): warn("\(sentence)")
        case .noKernel(let layer, let reason): warn("No kernel for layer \"\(layer)\": \(reason)")
        case .activationLeftOut(let layer, let activation):
            warn("The kernel of layer \"\(layer)\" leaves \(activation) to its caller: the C gives what comes before it.")
        case .scheduled(let layer, let schedule): detail("layer \"\(layer)\": \(schedule.text)")
        case .decisionUnused(let layer, let reason): warn("The measured schedule of layer \"\(layer)\" is not used: \(reason)")
        case .foreignDecisions(let layers, let path, let why):
            note("note: For \(counted(layers, "layer")) the decisions of \(path) are \(why), and are ignored.")
        case .wrongCandidate(let sentence): warn("\(sentence)")
        case .notMeasured(let layer, let reason): warn("Layer \"\(layer)\" was not measured and keeps the estimate: \(reason)")
        case .notVerified(let target, let missing):
            warn("Not verified, as this machine lacks \(missing.map(\.rawValue).joined(separator: ", ")), which \(target.name) needs.")
        case .tooLittleMemoryToVerify(let needed, let available):
            warn("Not verified, as that takes about \(needed) bytes of memory and \(available) are available.")
        case .unsoundKernels(let verdicts): show(lines: lines(of: verdicts))
        case .notRecorded(let error): warn("The verification is not recorded. \(error)")
        case .compiling(let output, let done, let steps): progress("compiling \(output): \(done) of \(steps)")
        case .verifying(let number, let count): progress("verifying kernel \(number) of \(count)")
        case .measuring(let layer, let number, let count): progress("measuring layer \(number) of \(count), \(layer)")
        case .stepEnded: endProgress()
        }
    }

    /// What was built.
    static func say(_ report: BuildReport, verify: Bool) {
        let name = report.target == report.instructionSet ? report.target : "\(report.target) (\(report.instructionSet))"
        let origin = report.isFromCache
            ? "the whole plugin from the cache" : "\(counted(report.compiledUnits, "unit")) compiled, \(report.cachedUnits) from the cache"
        let kernels = counted(report.kernels.count, "kernel")
        say("\(report.plugin): \(kernels) for \(name), \(report.bytes) bytes, in \(decimal(report.seconds, 2)) s; \(origin)")
        for kernel in report.kernels { say("  \(kernel.name)") }
        if verify, let verification = report.verification {
            let place = verification.earlier ? ", earlier: \(VerificationRecord.path(beside: report.plugin))" : ""
            say("  verified in \(decimal(verification.seconds, 2)) s\(place)")
        }
    }

    /// The checks of kernels, one line each.
    static func lines(of verdicts: [KernelVerdict]) -> String {
        var lines: [Sentence] = []
        for verdict in verdicts {
            lines.append("\(verdict.kernel)")
            for check in verdict.checks {
                lines.append(check.failure.map { "  FAILED  \(check.name): \($0)" } ?? "  ok      \(check.name)")
            }
            if let interruption = verdict.interruption { lines.append("  FAILED  \(interruption)") }
        }
        return lines.map { $0.text + "\n" }.joined()
    }
}
