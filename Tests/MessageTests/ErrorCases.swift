import VoxForge
import VoxInspection
import VoxKerasConfig
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxPregeneration
import VoxScheduling
import VoxTensorIO
import VoxTensors
import VoxTuning
import VoxVerification
import Voxelsmith
import VoxelsmithModelIO

/// One error of every case there is, with hostile text wherever a text goes. `SentenceRuleTests` compares the list with the sources.
enum ErrorCases {
    private static let h = HostileText.text

    static let all: [any Error] = spec + small + onDemand + build + tensorIO + config + plugin + layer

    private static let spec: [any Error] = [
        SpecError.tooSmall(h, 0, minimum: 1), SpecError.aboveMaximum(h, 9, maximum: 1), SpecError.tooLarge(h, [9]),
        SpecError.wrongCount(h, [1], expected: 3), SpecError.emptyOutput(axis: 1, length: 0), SpecError.outputPadding(axis: 0, 2, stride: 1),
        SpecError.negativePadding(axis: 0, total: -1, rule: h), SpecError.ordinaryPadding(h), SpecError.groupsDoNotDivide(groups: 2, what: h, 3),
        SpecError.wrongChannels(received: 1, expected: 2), SpecError.invalidParameter(h, 0, expected: h), SpecError.axis(9, rank: 5),
        SpecError.oddExtent(axis: 1, 3), SpecError.malformedKey(h, reason: h), SpecError.unknownTarget(h),
        SpecError.targetsOfTwoFamilies(h, h), SpecError.sameTargets(h, h),
    ]

    private static let small: [any Error] = [
        SchedulingError.notYetEmitted(operation: h), SchedulingError.notApplicable(key: h, reason: h), SchedulingError.illegalSchedule(h, reason: h),
        EmissionError.template(name: h, reason: h), EmissionError.duplicateKernel(name: h), EmissionError.noKernels, EmissionError.notPrinted(family: h),
        EmissionError.libraryName(h, expected: h),
        TemplateFault.unfinishedTag(line: 1), TemplateFault.wrongEnd(line: 1, received: h, expected: h), TemplateFault.unfinishedSection(name: h),
        TemplateFault.unknownName(h),
        TensorError.outOfMemory(byteCount: 1), TensorError.elementCount(received: 1, shape: [2]), TensorError.negativeExtent(shape: [-1]),
        TensorError.tooLarge(shape: [9]), TensorError.shapeMismatch(received: [1], expected: [2]), TensorError.typeMismatch(received: h, expected: h),
        TensorError.index([1], shape: [1]),
        TuningError.noRightCandidate(key: h, tried: 1), TuningError.outOfTime(seconds: 1), TuningError.cannotRun(target: h, missing: [h]),
        BenchmarkError.wrongAnswer(kernel: h, index: 0, received: 1, expected: 2, bound: 0), BenchmarkError.unsupportedOperation(h),
        BenchmarkError.chainTooLong(9), BenchmarkError.notEnoughMemory(key: h, needed: 2, available: 1),
        InspectionError.unknownKernel(h, path: h, known: [h]),
        ForgeError.unknownShape(layer: h), ForgeError.noPlainC(layer: h, reason: h), ForgeError.noVerifier(path: h), VerificationRequestError.number(h, h, least: 0),
        VerificationRequestError.count(3), ForgeError.nothingToGenerate(source: h), ForgeError.verificationFailed(kernels: [h], path: h),
        ForgeError.unsoundKernel(h, reason: h), ForgeError.verificationTimedOut(kernel: h, seconds: 1), OnDemandError.notCompiled(reason: h),
        VerificationError.unsupported(kernel: h, key: h), VerificationError.notEnoughMemory(kernel: h, needed: 2, available: 1),
        PregenerationError.malformed(path: h, reason: h), PregenerationError.unknownField(path: h, field: h, known: [h]),
        PregenerationError.wrongField(path: h, field: h, received: h, expected: h), PregenerationError.unplannedFile(path: h, file: h),
        TuningsError.malformed(path: h, reason: h), TuningsError.field(path: h, field: h, reason: h),
        ModelIOError.noConfig(path: h), ModelIOError.notAModel(path: h), ModelIOError.noWeights(path: h),
        ModelIOError.weightMissing(layer: h, name: h, present: [h]), ModelIOError.weightsLeftOver([h, h], taken: [h]),
        ModelIOError.weightCount(layer: h, received: [h], expected: 2), ModelIOError.layerCount(received: [h], expected: [h]),
        ModelIOError.foreignFile(path: h, .json, expected: .weights),
        ModelIOError.weightShape(layer: h, weight: h, received: [1], .filters(received: 1, expected: 2)),
        ModelIOError.weightBeyondFile(layer: h, weight: h, shape: [1], present: []), ModelIOError.unknownEnding(path: h, .model),
        ModelIOError.noWeightsYet(layer: h),
    ]

    /// Has the key of a problem, which is no text.
    private static let onDemand: [any Error] = {
        let spec = try? LayerConfig(name: "l", filters: 1, kernelSize: [1, 1, 1]).spec(inputShape: [1, 1, 1, 1, 1])
        return spec.map { [OnDemandError.failed($0.key, reason: h)] } ?? []
    }()

    private static let build: [any Error] = [
        KernelBuildError.compilerNotFound(lookedAt: [h]), KernelBuildError.compilerUnusable(path: h, reason: h),
        KernelBuildError.compilerSilent(path: h, seconds: 1),
        KernelBuildError.compilationFailed(what: h, command: [h], status: h, standardError: h),
        KernelBuildError.timedOut(what: h, command: [h], seconds: 1), KernelBuildError.undefinedSymbols([h], command: [h]),
        KernelBuildError.constructors(sections: [h]), KernelBuildError.wrongExports(received: [h], expected: h),
        KernelBuildError.narrowVectors(target: h, expected: h), KernelBuildError.fileNameTaken(h),
        KernelBuildError.unlistedTarget(file: h, received: h, expected: h),
        KernelBuildError.fileSystem(operation: h, path: h, errorNumber: 2),
    ]

    private static let tensorIO: [any Error] = [
        TensorIOError.cannotOpen(path: h, reason: h), TensorIOError.cannotRead(path: h, reason: h), TensorIOError.fileTooLarge(path: h, limit: 1),
        TensorIOError.cannotWrite(path: h, reason: h), TensorIOError.tensor(path: h, .tooLarge(shape: [9])),
        TensorIOError.missingLibrary(name: h, packages: h, reason: h), TensorIOError.notNPY(path: h, firstBytes: [27, 10]),
        TensorIOError.npyVersion(path: h, major: 9, minor: 9), TensorIOError.npyHeaderLength(path: h, received: 1, expected: 2),
        TensorIOError.npyHeaderTooLong(path: h, received: 2, limit: 1), TensorIOError.npyHeader(path: h, reason: h),
        TensorIOError.npyElementType(path: h, received: h), TensorIOError.npyDataLength(path: h, received: 1, expected: 2),
        TensorIOError.notZip(path: h, reason: h), TensorIOError.zipMember(path: h, member: h, reason: h),
        TensorIOError.duplicateMember(path: h, member: h), TensorIOError.escapingMember(path: h, member: h),
        TensorIOError.missingMember(path: h, member: h, present: [h]), TensorIOError.tooLarge(path: h, object: h, size: 2, limit: 1),
        TensorIOError.invalidName(path: h, name: h), TensorIOError.notHDF5(path: h), TensorIOError.missingObject(path: h, object: h, expected: h),
        TensorIOError.hdf5Type(path: h, object: h, received: h, expected: h), TensorIOError.hdf5Structure(path: h, object: h, reason: h),
        TensorIOError.notKerasWeights(path: h), TensorIOError.unwritableObject(path: h, object: h, reason: h),
        TensorIOError.safetensorsHeader(path: h, reason: h), TensorIOError.safetensorsTensor(path: h, tensor: h, reason: h),
    ]

    private static let config: [any Error] = [
        KerasConfigError.malformedJSON(h), KerasConfigError.wrongType(key: h, received: h, expected: h),
        KerasConfigError.missingKey(h, className: h), KerasConfigError.unknownKeys([h, h], className: h), KerasConfigError.unknownDocument(received: h),
        KerasConfigError.noLayers, KerasConfigError.duplicateName(h), KerasConfigError.filters(0),
        KerasConfigError.threeIntegers(argument: h, received: h), KerasConfigError.notPositive(argument: h, [0]), KerasConfigError.padding(h),
        KerasConfigError.dataFormat(h), KerasConfigError.outputPadding([2], strides: [1]),
        KerasConfigError.stridesWithDilation(strides: [2], dilationRate: [2]), KerasConfigError.groups(2), KerasConfigError.activation(h),
        KerasConfigError.activationArguments(h, [h]), KerasConfigError.elementType(h), KerasConfigError.layerName(h), KerasConfigError.inputShape(h),
        KerasConfigError.unsupportedClass(h), KerasConfigError.brokenGraph(model: h, reason: h),
        KerasConfigError.missingLayers(model: h, [OtherLayer(path: h, className: h, isCalledInTraining: true)]),
        KerasConfigError.noKnownLayers(model: h, [OtherLayer(path: h, className: h, isCalledInTraining: false)]),
        KerasConfigError.unknownLayerName(h, names: [h]), KerasConfigError.namelessInputShape(model: h, inputs: 2, received: [nil], names: [h, h]),
        KerasConfigError.inconsistentShape(received: [nil], expected: [1]), KerasConfigError.layerInputs([[nil], [1]], expected: h),
        KerasConfigError.autoPad(h), KerasConfigError.padsWithAutoPad(h),
        KerasConfigError.attributeCount(attribute: h, [1], expected: 2), KerasConfigError.attributeTooSmall(attribute: h, [0], minimum: 1),
        KerasConfigError.onnxOutputPadding([1], strides: [1], dilations: [1]), KerasConfigError.channels(1, inputShape: [nil]),
        KerasConfigError.notRepresentable(what: h, dialect: h), KerasConfigError.spec(.unknownTarget(h)),
        KerasConfigError.inLayer(h, .inLayer(h, .padding(h))),
    ]

    private static let plugin: [any Error] = [
        PluginError.cannotOpen(path: h, reason: h), PluginError.cannotRead(path: h, reason: h), PluginError.notARegularFile(path: h),
        PluginError.foreignOwner(path: h, entry: h, owner: 1, user: 2), PluginError.writableByOthers(path: h, entry: h, mode: 0o777),
        PluginError.tooSmall(path: h, byteCount: 1), PluginError.tooLarge(path: h, byteCount: 1), PluginError.notELF(path: h),
        PluginError.digestMismatch(path: h, computed: h, stored: h), PluginError.malformedImage(path: h, reason: h),
        PluginError.constructors(path: h, entries: [h]), PluginError.neededLibraries(path: h, names: [h]),
        PluginError.undefinedSymbols(path: h, names: [h]), PluginError.unexpectedExports(path: h, names: [h]),
        PluginError.indirectFunction(path: h, name: h), PluginError.interpreter(path: h, name: h), PluginError.threadLocalStorage(path: h),
        PluginError.writableCode(path: h, what: h), PluginError.unexpectedDynamicEntry(path: h, tag: 1, value: 2),
        PluginError.unexpectedRelocation(path: h, address: 1, reason: h), PluginError.symbolMissing(path: h), PluginError.wrongMagic(path: h, received: 1),
        PluginError.unsupportedABI(path: h, received: 9), PluginError.malformedObject(path: h, reason: h),
        PluginError.malformedDescriptor(path: h, index: 1, reason: h), PluginError.foreignMachine(path: h, received: h),
        PluginError.missingFeatures(path: h, kernel: h, features: []), PluginError.unknownFeatures(path: h, kernel: h, bits: 1),
        PluginError.loadFailed(path: h, reason: h), PluginError.imageDiffers(path: h), PluginError.cannotListFolder(path: h, reason: h),
        PluginError.bundleMissing(name: h, lookedAt: [h, h]),
        KernelError.otherElementTypes(kernel: h, ElementTypes(.bfloat16)), KernelError.failed(kernel: h, status: 1), KernelError.missingOperands(kernel: h, .residual),
        KernelError.ignoredOperands(kernel: h, [.scales, .second]),
    ]

    private static let layer: [any Error] = [
        ArgumentError.unknownObject(kind: h, received: h, expected: [h]), ArgumentError.value(argument: h, received: h, expected: h),
        ArgumentError.rank(object: h, received: [1], expected: h), ArgumentError.notOnlyAKernel(layer: h, reason: h),
        KerasSettingsError.notAnObject(h), KerasSettingsError.floatx(h), KerasSettingsError.epsilon(h), KerasSettingsError.backend(h),
        KerasSettingsError.imageDataFormat(h),
        LayerError.notBuilt(layer: h, method: h), LayerError.alreadyBuilt(layer: h), LayerError.weightCount(layer: h, received: 1, expected: 2),
        LayerError.weightShape(layer: h, weight: h, received: [1], expected: [2]), LayerError.weightBeyondFile(layer: h, weight: h, shape: [1]),
        LayerError.variableExists(layer: h, variable: h, shape: [1]), LayerError.inputRank(layer: h, received: [nil], expected: 5),
        LayerError.inputChannels(layer: h, received: [1], axis: 0, expected: 2), LayerError.unknownChannels(layer: h, received: [nil], axis: 0),
        LayerError.inputCount(layer: h, received: 1, expected: 2), LayerError.inputExtent(received: [0]), LayerError.noForwardPass(layer: h),
        LayerError.cannotCopy(layer: h, className: h), LayerError.cannotPrepareCall(layer: h, className: h), LayerError.noInputShape(layer: h),
        LayerError.layerOfAnotherGraph(layer: h, model: h), LayerError.weightExtents(layer: h, weight: h, shape: [-1]), LayerError.duplicateName(h),
        LayerError.noLayers(model: h), LayerError.inputInEagerMode,
        LayerError.eagerMode(layer: h, member: h), LayerError.symbolicInEagerMode(layer: h), LayerError.differentGraphs(layer: h),
        LayerError.notConnected(layer: h, member: h), LayerError.severalNodes(layer: h, member: h, count: 2),
        LayerError.severalTensors(layer: h, member: h, count: 2), LayerError.neverCalled(layer: h, what: h),
        LayerError.nodeIndex(layer: h, what: h, received: 1, count: 0), LayerError.noScope(layer: h), LayerError.disconnected(model: h, input: h),
    ]
}
