import Foundation
import FoundationXML
import Testing
import VoxKerasConfig
import _TestSupport

/// The page that `inspect` writes about a plugin.
@Suite struct InspectVerbTests {
    /// A page as XML: the texts of its elements, by the attribute `data-field` where they have one.
    private final class Page: NSObject, XMLParserDelegate {
        /// Facts in the order of the page, each with the section it is in and the function that it counts; "" outside of them.
        private(set) var facts: [(section: String, function: String, field: String, value: String)] = []
        private(set) var elements: [String: Int] = [:]
        private(set) var error: (any Error)?
        private var section = ""
        private var function = ""
        private var field: String?
        private var text = ""

        init(_ page: String) {
            super.init()
            let parser = XMLParser(data: Data(page.utf8))
            parser.delegate = self
            if !parser.parse() { error = parser.parserError ?? CocoaError(.fileReadCorruptFile) }
        }

        func parser(_: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?, attributes: [String: String]) {
            elements[name, default: 0] += 1
            if name == "section" { section = attributes["id"] ?? "" }
            if name == "tr" { function = attributes["data-function"] ?? "" }
            (field, text) = (attributes["data-field"], "")
        }

        func parser(_: XMLParser, foundCharacters string: String) { text += string }

        func parser(_: XMLParser, didEndElement name: String, namespaceURI _: String?, qualifiedName _: String?) {
            if let field { facts.append((section, function, field, text)) }
            field = nil
            if name == "section" { section = "" }
            if name == "tr" { function = "" }
        }

        /// The one value of a field.
        func value(_ field: String, section: String = "", function: String = "") -> String? {
            let values = facts.filter { $0.field == field && $0.section == section && $0.function == function }.map(\.value)
            return values.count == 1 ? values[0] : nil
        }
    }

    /// A value of `describe --json` as the page writes it.
    private func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .array(let list): list.compactMap(\.string).joined(separator: " ")
        default: nil
        }
    }

    /// Two kernels, whose functions have equal names.
    private func plugin(in folder: TemporaryFolder) throws -> String {
        let layers = try folder.write("layers.json", "[\(TinyLayer.json(name: "a")), \(TinyLayer.json(name: "b", filters: 6))]")
        #expect(try Voxelsmith.run(["build", layers, "-o", folder.path("p.so"), "--no-verify"]).status == 0)
        return folder.path("p.so")
    }

    private func page(_ path: String) throws -> Page { Page(try String(contentsOfFile: path, encoding: .utf8)) }

    @Test func theNumbersAreThoseOfDescribe() throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(in: folder)
        let outcome = try Voxelsmith.run(["inspect", plugin, "-o", folder.path("p.html")])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(outcome.output == "\(folder.path("p.html")): 2 kernels of \(plugin)\n")
        let page = try page(folder.path("p.html"))
        #expect(page.error == nil, "not well-formed: \(page.error.map { "\($0)" } ?? "")")
        #expect(page.elements["section"] == 2 && page.elements["svg", default: 0] >= 2 && page.elements["script"] == nil)

        let json = try #require(try JSONValue(parsing: Voxelsmith.run(["describe", plugin, "--json"]).output.utf8).object)
        var compared = 0
        func compare(_ object: JSONObject, without left: Set<String> = [], section: String = "", function: String = "") {
            for (field, value) in object where !left.contains(field) {
                #expect(page.value(field, section: section, function: function) == text(value), "\(section) \(function) \(field)")
                compared += 1
            }
        }
        compare(json, without: ["kernels", "inspection"])
        let kernels = (json["kernels"]?.array ?? []).compactMap(\.object)
        let inspection = try #require(json["inspection"]?.object)
        compare(inspection, without: ["functions"])
        let functions = inspection["functions"]?.array?.compactMap(\.object) ?? []
        #expect(kernels.count == 2)
        for (number, kernel) in kernels.enumerated() {
            compare(kernel, section: "kernel-\(number + 1)")
            for function in functions where function["file"]?.string == (kernel["name"]?.string ?? "") + ".c" {
                compare(function, without: ["name", "file"], section: "kernel-\(number + 1)", function: function["name"]?.string ?? "")
            }
        }
        #expect(compared == page.facts.count && compared > 30, "the page states what describe does not")
    }

    @Test func oneKernelAndNothingMeasured() throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(in: folder)
        let json = try JSONValue(parsing: Voxelsmith.run(["describe", plugin, "--json"]).output.utf8)
        let names = json.object?["kernels"]?.array?.compactMap { $0.object?["name"]?.string } ?? []
        let outcome = try Voxelsmith.run(["inspect", plugin, names[1], "-o", folder.path("one.html"), "--no-measure", "-q"])
        #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
        let page = try page(folder.path("one.html"))
        #expect(page.error == nil && page.elements["section"] == 1 && page.value("name", section: "kernel-1") == names[1])
        #expect(page.elements["svg"] == 1, "there is no roofline without measurements")
    }

    @Test func whatIsAskedForWronglyLeavesThePageThatIsThere() throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(in: folder)
        let before = try folder.write("p.html", "before")
        let unknown = try Voxelsmith.run(["inspect", plugin, "vs_nothing", "-o", before])
        #expect(unknown.status == 1 && isOneSentence(unknown.errors) && unknown.errors.contains("has no kernel \"vs_nothing\"; expected one of vs_tconv_"), "\(unknown)")
        let layers = try Voxelsmith.run(["inspect", folder.path("layers.json"), "-o", before])
        #expect(layers.status == 1 && isOneSentence(layers.errors), "\(layers)")
        #expect(try String(contentsOfFile: before, encoding: .utf8) == "before")
        let nowhere = try Voxelsmith.run(["inspect", plugin, "--no-measure", "-o", folder.path("no/such/p.html")])
        #expect(nowhere.status == 1 && isOneSentence(nowhere.errors), "\(nowhere)")
        #expect(try folder.names() == ["layers.json", "p.html", "p.so"])
    }

    /// Kernels are measured in the program's own process.
    @Test func aKernelThatCrashesLeavesThePageThatIsThere() async throws {
        let folder = try TemporaryFolder()
        let plugin = try HandWrittenPlugin(spec: HandWrittenPlugin.pointwise(), atRun: "__builtin_trap();").build(in: folder)
        let before = try folder.write("p.html", "before")
        let names = try folder.names()
        let outcome = try await Child.run(["inspect", plugin, "-o", before])
        #expect(outcome.status == nil && outcome.signal != nil && outcome.signal != SIGKILL, "\(outcome)")
        #expect(try String(contentsOfFile: before, encoding: .utf8) == "before" && folder.names() == names)
        #expect(try await Child.run(["inspect", plugin, "-o", before, "--no-measure"]).status == 0)
        #expect(try page(before).value("name", section: "kernel-1") == "hand_written")
    }

    /// A browser that draws pages without a window, where this machine has one.
    private static let browser: (path: String, isChromium: Bool)? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for name in ["chromium", "chromium-browser", "google-chrome", "firefox", "firefox-esr"] {
            for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
                return ("\(folder)/\(name)", !name.hasPrefix("firefox"))
            }
        }
        return nil
    }()

    /// The bytes of a picture of a page. A browser that hangs is killed.
    private func picture(of address: String, in folder: TemporaryFolder, as name: String) async throws -> Data {
        let (browser, isChromium) = try #require(Self.browser)
        let profile = try folder.makeFolder("profile-\(name)")
        // Chromium's sandbox refuses root.
        let options = isChromium
            ? ["--disable-gpu", "--hide-scrollbars", "--user-data-dir=\(profile)", "--screenshot=\(folder.path(name))"] + (geteuid() == 0 ? ["--no-sandbox"] : [])
            : ["--profile", profile, "--screenshot", folder.path(name)]
        let outcome = try await Child.run(
            ["--headless", "--window-size=1000,2400"] + options + [address], environment: ["HOME": folder.path("."), "XDG_RUNTIME_DIR": folder.path(".")],
            program: URL(fileURLWithPath: browser))
        return try #require(FileManager.default.contents(atPath: folder.path(name)), "\(browser) made no picture of \(address): \(outcome)")
    }

    @Test(.enabled(if: InspectVerbTests.browser != nil, "NO BROWSER HERE: neither chromium nor firefox is on PATH, so none opened the page of inspect"))
    func aBrowserShowsThePage() async throws {
        let folder = try TemporaryFolder()
        let outcome = try Voxelsmith.run(["inspect", try plugin(in: folder), "-o", folder.path("p.html")])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let shown = try await picture(of: "file://\(folder.path("p.html"))", in: folder, as: "page.png")
        let empty = try folder.write("empty.html", "<!DOCTYPE html><html><head><title>empty</title></head><body></body></html>")
        let blank = try await picture(of: "file://\(empty)", in: folder, as: "blank.png")
        for picture in [shown, blank] { #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47])) }
        // A picture of nothing packs well.
        #expect(shown.count > 10 * blank.count && shown.count > 50_000, "\(shown.count) bytes, \(blank.count) of a blank page")
    }
}
