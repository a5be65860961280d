import Logging
import Testing
import VoxForge
import VoxInspection
import VoxKernelBuild
import VoxKernelEmission
import VoxKernelRuntime
import VoxLayerSpec
import VoxScheduling
import VoxTensors
import _TestSupport

/// The page about a plugin, as a text. What the command makes of it is looked at in `CommandLineTests`.
@Suite struct PageTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A plugin with one kernel for each of the layers' filters.
    private func plugin(filters: [Int]) async throws -> String {
        let layers = filters.map { count in
            """
            {"class_name": "Conv3DTranspose", "config": {"name": "f\(count)", "filters": \(count), "kernel_size": [2, 3, 3], "strides": [2, 2, 1], \
            "padding": "same", "activation": "relu"}, "build_config": {"input_shape": [null, 3, 4, 5, 3]}}
            """
        }
        let file = LayersFile(path: try folder.write(Array("[\(layers.joined(separator: ", "))]".utf8), as: "layers.json"))
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        let build = PluginBuild(targets: PluginTargets(HostCPU.nativeTarget), builder: builder, output: folder.path("plugin.so"), verifier: nil)
        _ = try await build.run(file) { _ in }
        return build.output
    }

    /// A layer whose result is twice as long as its input along each axis.
    private func doubling(_ layout: Layout) throws -> KernelSpec {
        let axes = try [3, 4, 5].map { try AxisGeometry(input: $0, output: 2 * $0, kernel: 2, stride: 2, dilation: 1, crop: 0) }
        return KernelSpec(geometry: try Geometry(axes: axes, channels: 3, filters: 5), layout: layout, policy: .direct)
    }

    /// The markup, without the texts between its tags.
    private func tags(_ page: String) -> [Substring] { page.matches(of: /<[^>]*>/).map(\.output) }

    @Test func hostileNamesAreTextOnThePage() throws {
        let name = "<script>alert('1')</script>&amp;\" onload=\"x\u{1b}[2J\u{202e}--><!--]]>\"\u{301} onload=\"\u{301}<\u{338}b"
        // In a C string.
        let literal = name.unicodeScalars.map { $0 == "\"" ? "\\\"" : String($0) }.joined()
        let plugin = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), name: literal).build(in: folder)
        let inspection = try PluginInspection(path: plugin, kernel: name, trustedFolders: [])
        #expect(inspection.kernelCount == 1)
        let page = try inspection.page(measures: true) { _ in }
        #expect(
            page.contains(
                """
                <h2>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;&quot; onload=&quot;x\\u{1b}[2J\\u{202e}--&gt;&lt;!--]]&gt;\
                &quot;\u{301} onload=&quot;\u{301}&lt;\u{338}b</h2>
                """))
        #expect(!page.contains("<script") && !page.contains("<!--") && !page.contains("]]>"))
        #expect(tags(page).allSatisfy { !$0.contains("onload") })
        let scalars = Array(page.unicodeScalars)
        #expect(scalars.allSatisfy { $0 == "\n" || Escaping.isVisible($0) })
        // With its accent, a quotation mark is none to `contains`.
        #expect(zip(scalars, scalars.dropFirst()).allSatisfy { !($1 == "\u{301}" || $1 == "\u{338}") || $0 == ";" })
        // A schedule and a target that this version does not know are said to be so; the kernel is measured all the same.
        #expect(page.contains("knows no schedule of this text") && !page.contains("<summary>"))
        #expect(page.contains("share of peak, measured") && page.contains("share of peak, expected by the cost model</th><td>-</td>"))
    }

    @Test func unknownKernelsAreASentence() throws {
        var hand = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), name: "first")
        hand.others = [("second", "0")]
        let plugin = try hand.build(in: folder)
        #expect(throws: InspectionError.unknownKernel("third", path: plugin, known: ["first", "second"])) {
            try PluginInspection(path: plugin, kernel: "third", trustedFolders: [])
        }
        let sentence = "\(InspectionError.unknownKernel("third", path: plugin, known: ["first", "second"]))"
        #expect(sentence == "The plugin \(plugin) has no kernel \"third\"; expected one of first, second.")
        #expect(try PluginInspection(path: plugin, kernel: "second", trustedFolders: []).kernelCount == 1)
        let both = try PluginInspection(path: plugin, kernel: nil, trustedFolders: [])
        #expect(both.kernelCount == 2)
        let page = try both.page(measures: false) { _ in }
        #expect(page.contains("<a href=\"#kernel-1\">first</a>") && page.contains("<section class=\"kernel\" id=\"kernel-2\">"))
    }

    @Test func nothingIsExecutedWhereNothingIsMeasured() throws {
        let hand = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), atRun: "__builtin_trap();")
        let page = try PluginInspection(path: try hand.build(in: folder), kernel: nil, trustedFolders: []).page(measures: false) { _ in }
        #expect(page.contains("Not measured: Measuring was not asked for.") && !page.contains("share of peak, measured"))
    }

    @Test func aKernelThatAnswersWronglyHasNoPage() throws {
        let plugin = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), factor: 2).build(in: folder)
        let inspection = try PluginInspection(path: plugin, kernel: nil, trustedFolders: [])
        let error = #expect(throws: (any Error).self) { try inspection.page(measures: true) { _ in } }
        #expect(error.map { "\($0)" }?.hasPrefix("Kernel hand_written computed ") == true)
        #expect(try inspection.page(measures: false) { _ in }.contains("hand_written"))
    }

    @Test func aPluginThatThisMachineCannotRunIsShownUnmeasured() throws {
        let hand = HandWrittenPlugin(spec: try HandWrittenPlugin.pointwise(), features: "1ull << 63")
        let page = try PluginInspection(path: try hand.build(in: folder), kernel: nil, trustedFolders: []).page(measures: true) { _ in }
        #expect(page.contains("<p class=\"note\">Not measured: ") && !page.contains("share of peak, measured"))
    }

    @Test func everyPartIsFilled() async throws {
        let plugin = try await plugin(filters: [5, 6])
        var numbers: [Int] = []
        let page = try PluginInspection(path: plugin, kernel: nil, trustedFolders: []).page(measures: true) { numbers.append($0) }
        #expect(numbers == [1, 2])
        for text in [
            "<h3>What it computes</h3>", "<th scope=\"row\">depth</th><td>3</td><td>6</td><td>2</td><td>2</td><td>1</td><td>0</td><td>2</td>",
            "(1, 3, 4, 5, 3)", "the activation relu follows", "register tile", "Map of 8 rows and 5 columns", "share of peak, measured",
            "printed again from the problem", "_run(const vs_run_args *args",
        ] { #expect(page.contains(text), "\(text)") }
        // The bandwidth needs up to 1 GiB of free memory, which others may have just then; the page says so.
        let isLimited = page.contains("There is no roofline: the bandwidth could not be measured here.")
        #expect(!isLimited || AvailableMemory.byteCount < 8 << 30)
        for text in ["memory bandwidth of a thread, measured", "Roofline: "] { #expect(page.contains(text) != isLimited, "\(text)") }
        // This version made the plugin, so the C is that of the plugin.
        #expect(!page.contains("class=\"warning\""))
        let again = try PluginInspection(path: plugin, kernel: nil, trustedFolders: []).page(measures: false) { _ in }
        #expect(again == (try PluginInspection(path: plugin, kernel: nil, trustedFolders: []).page(measures: false) { _ in }))
        for text in ["share of peak, measured", "Roofline: "] { #expect(!again.contains(text), "\(text)") }
    }

    /// A processor without fused multiply-adds multiplies, and adds the product afterwards.
    @Test func kernelsWithoutFusedMultiplyAddsHaveAHotLoopToo() async throws {
        let target = Target(.x86_64_v2)
        let unit = try KernelUnit(plan(doubling(.channelsLast), target: target))
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        let plugin = try await builder.build(PluginSource([unit], templateDigest: templateDigest), target: target)
        guard case .inspected = plugin.inspection else { try Test.cancel("no machine code was read here") }
        let path = try folder.write(plugin.bytes, as: "v2.so")
        let page = try PluginInspection(path: path, kernel: nil, trustedFolders: []).page(measures: false) { _ in }
        #expect(page.contains("No innermost loop has fused multiply-adds. The innermost loop with the most multiplications, in "))
        #expect(page.contains("<span class=\"computes\">mulps %xmm"))
        // Spills are counted in loops with fused multiply-adds only.
        #expect(page.contains("<b>-</b> <span>spills in computing loops</span>"))
    }

    /// The C is printed again, and may be other than what the plugin was compiled from.
    @Test func doubtsAboutTheCAreSaid() async throws {
        let spec = try doubling(.channelsFirst)
        let decision = Decision.filterLanes(FilterLanes(tileWidth: 2, order: .weightStationary))
        let (usual, small) = (Target(.x86_64_v3), Target(.x86_64_v3, lastLevelBytes: 64 << 10))
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        for (target, isOld, words) in [
            (usual, false, nil), (usual, true, "The templates are others than those the plugin was made with"),
            (small, false, "workspace of a thread is"),
        ] as [(Target, Bool, String?)] {
            let unit = try KernelUnit(plan(spec, target: target, decision: decision))
            let source = try PluginSource([unit]) { isOld ? "0" : templateDigest($0) }
            let path = try folder.write(try await builder.build(source, target: target).bytes, as: "made.so")
            let page = try PluginInspection(path: path, kernel: nil, trustedFolders: []).page(measures: false) { _ in }
            #expect(page.contains("class=\"warning\"") == (words != nil), "\(words ?? "")")
            if let words { #expect(page.contains(words), "\(words)") }
            #expect(page.contains("printed again from the problem"))
        }
    }

    /// Nine phases and eight colours: two phases share one, and the legend says so.
    @Test func theLegendNamesEveryPhase() async throws {
        let axes = try [2, 3, 4].map { try AxisGeometry(input: $0, output: 3 * $0, kernel: 3, stride: 3, dilation: 1, crop: 0) }
        let spec = KernelSpec(geometry: try Geometry(axes: axes, channels: 3, filters: 5), policy: .direct)
        let target = Target(.x86_64_v3)
        let schedule = try plan(spec, target: target, decision: .filterLanes(FilterLanes(tileWidth: 2)))
        let builder = PluginBuilder(compiler: try await Compiler.find(), cache: nil, logger: Logger(label: "test"))
        let plugin = try await builder.build(PluginSource([KernelUnit(schedule)], templateDigest: templateDigest), target: target)
        let path = try folder.write(plugin.bytes, as: "phases.so")
        let page = try PluginInspection(path: path, kernel: nil, trustedFolders: []).page(measures: false) { _ in }
        for row in 0..<3 {
            for column in 0..<3 { #expect(page.contains("phase \(row) along height, \(column) along width"), "\(row) \(column)") }
        }
        #expect(page.contains("phase 0 along height, 0 along width; phase 2 along height, 2 along width"))
    }

    /// A page refers to nothing: no file, no address, no script.
    @Test func pagesReferToNothing() async throws {
        let page = try PluginInspection(path: try await plugin(filters: [5]), kernel: nil, trustedFolders: []).page(measures: true) { _ in }
        for name in ["script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image", "foreignObject"] {
            #expect(!tags(page).contains { $0.hasPrefix("<\(name) ") || $0.hasPrefix("<\(name)>") }, "\(name)")
        }
        for tag in tags(page) {
            for match in tag.matches(of: /\ (src|href|xlink:href|action|style|on\w+)="([^"]*)"/) {
                #expect(match.1 == "href" && match.2.hasPrefix("#kernel-"), "\(tag)")
            }
        }
        for text in ["url(", "@import", "expression("] { #expect(!page.contains(text), "\(text)") }
        // Addresses that are left are names of XML's vocabularies.
        #expect(Set(page.matches(of: /https?:[^"\s<]*/).map { String($0.output) }) == ["http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"])
    }

    /// The tags of a template: variables, sections and their ends.
    private func names(_ template: String) -> Set<String> {
        Set(template.matches(of: /\{\{[#^\/]?(\w+)\}\}/).map { String($0.output.1) })
    }

    /// Fields that no tag names are found here; a tag without a field ends rendering.
    @Test func everyFieldIsNamedByATag() async throws {
        let generated = try PluginInspection(path: try await plugin(filters: [5, 6]), kernel: nil, trustedFolders: [])
        let hand = try PluginInspection(path: HandWrittenPlugin(spec: HandWrittenPlugin.pointwise()).build(in: folder), kernel: nil, trustedFolders: [])
        let fields = try generated.fieldNames(measures: true).union(hand.fieldNames(measures: false))
        guard fields.isSuperset(of: ["headings", "summary"]) else { try Test.cancel("no machine code was read here") }
        let tags = names(ReportPage.inspectionTemplate)
        #expect(tags.count > 40)
        #expect(fields.subtracting(tags).isEmpty, "the template leaves fields unused")
        #expect(tags.subtracting(fields).isEmpty, "the template names what no context has")
    }
}
