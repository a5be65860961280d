import Testing
import VoxKernelEmission
import VoxKernelTemplates
import VoxLayerSpec
import VoxScheduling

@Suite struct TemplateTests {
    /// A problem whose context has every list filled: pairs with a lonely channel, partial stores, several phases.
    private func contextRich() throws -> [Schedule] {
        let axis = try AxisGeometry(input: 5, output: 11, kernel: 4, stride: 2, dilation: 1, crop: 1)
        let spec = KernelSpec(
            geometry: try Geometry(axes: [axis, axis, axis], channels: 5, filters: 7),
            epilogue: Epilogue(hasBias: true, activation: .tanh), policy: .direct)
        let fast = KernelSpec(
            geometry: try Geometry(axes: [axis, axis, axis], channels: 21, filters: 37), epilogue: spec.epilogue, policy: .fast)
        let one = try AxisGeometry(input: 1, output: 3, kernel: 3, stride: 1, dilation: 1, crop: 0)
        let voxel = KernelSpec(
            geometry: try Geometry(axes: [one, one, one], channels: 5, filters: 7), layout: .channelsFirst, epilogue: spec.epilogue, policy: .fast)
        let toVoxel = KernelSpec(
            op: .convolution, geometry: try Geometry(axes: [one, one, one], channels: 21, filters: 7), epilogue: spec.epilogue, policy: .fast)
        let strided = KernelSpec(
            op: .convolution, geometry: try Geometry(axes: [axis, axis, axis], channels: 37, filters: 21), layout: .channelsFirst, epilogue: spec.epilogue,
            policy: .fast)
        let grouped = KernelSpec(
            geometry: try Geometry(axes: [axis, axis, axis], channels: 21, filters: 21, groups: 7), elements: .float64, policy: .direct)
        return try [
            plan(
                spec, target: Target(.x86_64_v4),
                decision: .filterLanes(FilterLanes(channelsPerVector: 16, vectors: 2, tileWidth: 3, mergesWidthPhases: true))),
            plan(spec, target: Target(.x86_64_v4), decision: .filterLanes(FilterLanes(channelsPerVector: 2, tileWidth: 3))),
            plan(grouped, target: Target(.x86_64_v4), decision: .filterLanes(FilterLanes(tileWidth: 3, mergesGroups: true))),
            plan(fast, target: Target(.x86_64_v4), decision: .minimalFiltering(MinimalFiltering(block: [1, 2, 2], vectors: 4, rows: 6))),
            plan(voxel, target: Target(.x86_64_v4)),
            plan(
                KernelSpec(geometry: spec.geometry, layout: .channelsFirst, epilogue: spec.epilogue, policy: .direct), target: Target(.x86_64_v4)),
            plan(
                KernelSpec(geometry: fast.geometry, layout: .channelsFirst, epilogue: fast.epilogue, policy: .fast), target: Target(.x86_64_v4),
                decision: .minimalFiltering(MinimalFiltering(block: [1, 2, 2], vectors: 4, rows: 6))),
            plan(strided, target: Target(.x86_64_v4), decision: .minimalFiltering(MinimalFiltering(block: [1, 2, 2], vectors: 4, rows: 6))),
            plan(toVoxel, target: Target(.x86_64_v4)),
        ]
    }

    /// The tags of a template: variables, sections, inverted sections and their ends, without built-in calls.
    private func tags(_ text: String) -> Set<String> {
        var tags: Set<String> = []
        for part in text.split(separator: "{{").dropFirst() {
            guard let tag = part.firstRange(of: "}}").map({ part[..<$0.lowerBound] }) else { continue }
            let name = tag.drop { "#^/&".contains($0) }
            if !name.contains("("), name != "." { tags.insert(String(name)) }
        }
        return tags
    }

    @Test func everyTagIsAFieldAndEveryFieldATag() throws {
        let schedules = try contextRich()
        let units = try schedules.map { try KernelUnit($0) }
        for (file, names) in [
            (Templates.File.filterLanes, try (schedules[..<3] + [schedules[5]]).reduce([]) { $0.union(try ContextNames.kernel($1)) }),
            (.minimalFiltering, try [3, 6, 7].reduce([]) { $0.union(try ContextNames.kernel(schedules[$1])) }),
            (.batchRows, try ContextNames.kernel(schedules[4]).union(try ContextNames.kernel(schedules[8]))),
            (.plugin, ContextNames.plugin(units)),
        ] {
            let used = tags(try #require(KernelUnit.templateText(file.name)))
            #expect(used.subtracting(names).isEmpty, "\(file.name) uses names its context lacks")
            #expect(names.subtracting(used).isEmpty, "\(file.name) leaves fields of its context unused")
        }
    }

    /// The templates of plain C share one context.
    @Test func everyFieldOfPlainCIsATagOfOneOfItsTemplates() throws {
        let layers = try contextRich().enumerated().map { number, schedule in
            StandaloneLayer(name: "\(number)", unit: try KernelUnit(schedule), activation: .tanh, integerGrowth: schedule.spec.longestChain)
        }
        let names = ContextNames.standalone(layers)
        var used: Set<String> = []
        for file in [Templates.File.standaloneHeader, .standaloneFunctions, .standaloneCheck, .standaloneMakefile, .standaloneCMake] {
            let own = tags(try #require(KernelUnit.templateText(file.name)))
            #expect(own.subtracting(names).isEmpty, "\(file.name) uses names its context lacks")
            used.formUnion(own)
        }
        #expect(names.subtracting(used).isEmpty, "the templates leave fields of their context unused")
    }

    /// Deepest nesting of sections in a text.
    private func depth(_ text: String) -> Int {
        var (depth, deepest) = (0, 0)
        for part in text.split(separator: "{{", omittingEmptySubsequences: false).dropFirst() {
            if part.hasPrefix("#") || part.hasPrefix("^") { depth += 1 } else if part.hasPrefix("/") { depth -= 1 }
            deepest = max(deepest, depth)
        }
        return deepest
    }

    @Test func everyTemplateIsShortAndShallow() {
        #expect(depth("{{#a}}{{^b}}{{c}}{{/b}}{{#d}}{{/d}}{{/a}}{{#e}}{{/e}}") == 2)
        for file in Templates.File.all + Templates.File.reports where file.isTemplate {
            let text = Templates.text(file)
            #expect(depth(text) <= 2, "sections of \(file.name) nest \(depth(text)) deep; expected a part of its own")
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 200, "\(file.name)")
        }
    }

    @Test func everyPartIsNamedByATemplate() {
        for part in Templates.File.parts {
            #expect(Templates.File.all.contains { Templates.text($0).contains("{{> \(part.name)}}") }, "no template has the part \(part.name)")
        }
        for part in Templates.File.reportParts {
            #expect(Templates.File.reports.contains { Templates.text($0).contains("{{> \(part.name)}}") }, "no page has the part \(part.name)")
        }
        // What is generated, and what was measured with it, does not change with a page.
        #expect(Set(Templates.File.reports).isDisjoint(with: Templates.File.all))
    }

    @Test func renderedCodeHasNoHTMLEscapesAndNoTags() throws {
        for schedule in try contextRich() {
            let unit = try KernelUnit(schedule)
            let plugin = try PluginSource([unit]) { _ in "digest" }
            for file in plugin.kernels + [plugin.table] {
                for remnant in ["&lt;", "&gt;", "&amp;", "{{", "}}}", "Optional(", "nil,"] {
                    #expect(!file.text.contains(remnant), "\(file.fileName) contains \(remnant)")
                }
            }
        }
    }
}
