import VoxLayerSpec

/// Text that is part of a page already, such as a picture in SVG: templates of pages write it as it is, and escape everything else. So whoever makes one
/// escapes the texts in it.
package struct Markup: Hashable, Sendable {
    /// Elements and escaped text, well-formed as XML.
    package let text: String

    package init(_ text: String) { self.text = text }

    /// A text as it stands in elements and in attributes between double quotation marks, of HTML and of XML. What cannot be seen, which XML may not hold,
    /// is escaped as in messages; line breaks stay.
    package static func escaped(_ text: String) -> String {
        // By scalars: a quotation mark with an accent behind it is one Character, and no quotation mark to Swift; to a browser it is one.
        Escaping(keepsLines: true, limit: .max)(text).unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}

/// Pages for people, from the templates in `Templates/report`.
package enum ReportPage {
    /// What `voxelsmith inspect` writes. Every value is escaped, except `Markup`.
    /// - Parameter context: a struct whose stored properties are what the template names.
    /// - Throws: `EmissionError.template` where the template does not parse, or names what the context lacks.
    package static func inspection(_ context: Any) throws(EmissionError) -> String {
        try Template.render(.inspectionPage, context, escape: Markup.escaped)
    }

    /// The template of that page with all its parts.
    package static var inspectionTemplate: String { Template.text(.inspectionPage) }
}
