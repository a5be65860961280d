import Testing
import VoxForge
import VoxKerasConfig
import VoxKernelRuntime
import VoxLayerSpec
import VoxVerification
import Voxelsmith

@Suite struct MessageTests {
    /// The texts of an error, those of the errors in it among them.
    private func holdsText(_ value: Any) -> Bool {
        if let text = value as? String { return text.contains("\u{1b}") }
        return Mirror(reflecting: value).children.contains { holdsText($0.value) }
    }

    @Test func noErrorShowsWhatCameFromOutside() {
        for error in ErrorCases.all {
            let (message, what) = ("\(error)", String(reflecting: type(of: error)))
            let isMultiline = message.hasPrefix("Compiling ")
            #expect(HostileText.invisible(in: message, lines: isMultiline) == [], "\(what): \(escaped(message))")
            if holdsText(error) { HostileText.check(message, lines: isMultiline, what) }
        }
    }

    /// In a quotation of a sentence nothing can end the quotation.
    @Test func quotationsEndWhereTheyEnd() {
        let message = "\(LayerError.duplicateName("x\" of a good model; all is well\\"))"
        #expect(message == "All layers of a model should have unique names; received two layers named \"x\\\" of a good model; all is well\\\\\".")
    }

    @Test func summariesAndReasons() throws {
        let layers = try withGraph { [try Conv3DTranspose(filters: 2, kernelSize: 2, name: HostileText.text)] }
        let model = try Sequential(layers, name: HostileText.text)
        HostileText.check(try model.summary(), lines: true, "summary")
        HostileText.check("\(KernelVerdict.Interruption.gaveUp(HostileText.text))", "gaveUp")
        HostileText.check("\(KernelVerdict.Interruption.crashed(status: HostileText.text))", "crashed")
    }

    /// The same value, and nothing in it that is not seen.
    @Test func jsonEscapesWhatIsNotSeen() throws {
        let value: JSONValue = ["k": .string(HostileText.text), "é": "π"]
        let text = value.text
        #expect(HostileText.invisible(in: text) == [])
        #expect(text.contains("\\u001b[2J") && text.contains("\\u202e") && text.contains("\\udb40\\udc41") && text.contains("\"é\": \"π\""))
        #expect(try JSONValue(parsing: text.utf8) == value)
        #expect(visibleJSON("{\n  \"a\u{202e}\": \"π\"\n}") == "{\n  \"a\\u202e\": \"π\"\n}")
    }
}
