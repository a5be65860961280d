import Testing
import VoxKernelEmission

@Suite struct TemplateTextTests {
    private struct Tap {
        let lag: Int
        var weight: String?
    }

    private struct Context {
        var name = "k<1>"
        var count = 3
        var isWide = true
        var isNarrow = false
        var absent: Tap?
        var present: Tap? = Tap(lag: 7)
        var taps = [Tap(lag: 0, weight: "a"), Tap(lag: 1)]
        var none: [Tap] = []
        var numbers = [4, 5]
    }

    /// Values are escaped where the caller says how, but for what is markup already; the template's own text never is.
    @Test func valuesOfPagesAreEscaped() throws {
        struct Page {
            let name = "<script>alert(\"1\" & '2')</script>\u{1b}\u{202e}\n."
            let optional: String? = "a<b"
            let number = 3
            let list = ["x&y", "\u{0}"]
            let picture = Markup("<svg/>")
            let half = 0.5
        }
        let template = "<p title=\"{{name}}\">{{optional}}{{number}}{{#list}}<i>{{.}}</i>{{/list}}{{picture}}{{half}}&</p>"
        let page = try TemplateText(parsing: template).rendered(Page(), escape: Markup.escaped)
        #expect(
            page == """
                <p title="&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;\\u{1b}\\u{202e}
                .">a&lt;b3<i>x&amp;y</i><i>\\u{0}</i><svg/>0.5&</p>
                """)
        #expect(try TemplateText(parsing: "{{optional}}{{picture}}").rendered(Page()) == "a<b<svg/>")
    }

    /// An accent makes one Character of itself and what stands before it. To browsers both are what they were.
    @Test func accentsHideNothingFromEscaping() {
        let text = Markup.escaped("\"\u{301} onload=x <\u{338}b>\u{338}&\u{301}'\u{301}e\u{301}")
        #expect(Array(text.utf8) == Array("&quot;\u{301} onload=x &lt;\u{338}b&gt;\u{338}&amp;\u{301}&#39;\u{301}e\u{301}".utf8))
    }

    private func rendered(_ text: String) throws -> String { try TemplateText(parsing: text).rendered(Context()) }

    @Test func valuesAndSections() throws {
        for (template, expected) in [
            ("", ""),
            ("no tags, { braces } and }}", "no tags, { braces } and }}"),
            ("{{name}} & {{count}}", "k<1> & 3"),
            ("{{#isWide}}w{{/isWide}}{{#isNarrow}}n{{/isNarrow}}", "w"),
            ("{{^isWide}}w{{/isWide}}{{^isNarrow}}n{{/isNarrow}}", "n"),
            ("{{#absent}}x{{lag}}{{/absent}}{{^absent}}none{{/absent}}", "none"),
            ("{{#present}}x{{lag}} of {{count}}{{/present}}{{^present}}none{{/present}}", "x7 of 3"),
            ("{{#taps}}{{lag}}{{weight}}{{#weight}}!{{/weight}}{{^last()}}, {{/last()}}{{/taps}}", "0a!, 1"),
            ("{{#none}}x{{/none}}{{^none}}empty{{/none}}", "empty"),
            ("{{#numbers}}{{.}}{{#taps}}-{{lag}}{{/taps}};{{/numbers}}", "4-0-1;5-0-1;"),
            ("{{#taps}}{{#numbers}}{{lag}}{{.}} {{/numbers}}{{/taps}}", "04 05 14 15 "),
        ] {
            #expect(try rendered(template) == expected, "\(template)")
        }
    }

    @Test func aSectionsTagAloneOnItsLineTakesTheLineAway() throws {
        #expect(try rendered("a\n  {{#isWide}}  \n  b\n{{/isWide}}\nc\n") == "a\n  b\nc\n")
        #expect(try rendered("a\n{{#numbers}}\n{{.}}\n{{/numbers}}") == "a\n4\n5\n")
        #expect(try rendered("a {{#isWide}}\nb{{/isWide}} \nc") == "a \nb \nc")
        #expect(try rendered("  {{#isWide}}x{{/isWide}}\n") == "  x\n", "two tags in a line leave it")
        #expect(try rendered("  {{count}}\n") == "  3\n", "a value leaves its line")
    }

    @Test func whatCannotBeReadOrIsNotThereIsAnError() throws {
        for (template, fault) in [
            ("a\n{{count", TemplateFault.unfinishedTag(line: 2)),
            ("{{#isWide}}\n{{/isNarrow}}", .wrongEnd(line: 2, received: "isNarrow", expected: "isWide")),
            ("{{/isWide}}", .wrongEnd(line: 1, received: "isWide", expected: nil)),
            ("{{#isWide}}", .unfinishedSection(name: "isWide")),
            ("{{coutn}}", .unknownName("coutn")),
            ("{{#isWyde}}x{{/isWyde}}", .unknownName("isWyde")),
            ("{{^isWyde}}x{{/isWyde}}", .unknownName("isWyde")),
            ("{{#taps}}{{weigth}}{{/taps}}", .unknownName("weigth")),
        ] {
            #expect(throws: fault, "\(template)") { try rendered(template) }
        }
    }
}
