import VoxLayerSpec

extension Model {
    /// A table of the layers as Keras 3 prints it: name and class, shape of the result, number of parameters, and for a model that
    /// is no chain, what each layer is connected to.
    public func summary() throws -> String {
        let isChain = self is Sequential
        var rows = [["Layer (type)", "Output Shape", "Param #"] + (isChain ? [] : ["Connected to"])]
        for layer in layers {
            let shapes = ownNodes(of: layer).flatMap { layer.nodes[$0].outputShapes }
            let distinct = shapes.reduce(into: [[Int?]]()) { if !$0.contains($1) { $0.append($1) } }
            let shape = distinct.isEmpty ? "?" : distinct.map(Self.text).joined(separator: ", ")
            let count = layer.isBuilt ? Self.grouped(try layer.countParams()) : "0 (unbuilt)"
            let sources = ownNodes(of: layer).flatMap { layer.nodes[$0].inputs }.map { "\($0.layer.name)[\($0.nodeIndex)][\($0.tensorIndex)]" }
            let isNamedByFile = layer is ActivationLayer || layer is DefinedLayer || layer is TimeDistributedLayer
            let className = isNamedByFile ? layer.className : "\(type(of: layer))"
            let connections = isChain ? [] : [sources.isEmpty ? "-" : sources.joined(separator: ", ")]
            rows.append((["\(layer.name) (\(className))", shape, count] + connections).map(escaped))
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String], _ bar: String) -> String {
            let padded = cells.enumerated().map { index, cell in
                let blanks = String(repeating: " ", count: widths[index] - cell.count)
                return index == 2 ? blanks + cell : cell + blanks
            }
            return "\(bar) " + padded.joined(separator: " \(bar) ") + " \(bar)"
        }
        func rule(_ left: String, _ middle: String, _ right: String, _ dash: String) -> String {
            left + widths.map { String(repeating: dash, count: $0 + 2) }.joined(separator: middle) + right
        }
        var lines = [("Model: \"\(name)\"" as Sentence).text, rule("┏", "┳", "┓", "━"), line(rows[0], "┃"), rule("┡", "╇", "┩", "━")]
        for (index, row) in rows.dropFirst().enumerated() {
            if index > 0 { lines.append(rule("├", "┼", "┤", "─")) }
            lines.append(line(row, "│"))
        }
        lines.append(rule("└", "┴", "┘", "─"))
        for (what, variables) in [
            ("Total", weights), ("Trainable", trainableWeights), ("Non-trainable", nonTrainableWeights),
        ] {
            let bytes = variables.reduce(0) { $0 + $1.value.byteCount }
            lines.append(" \(what) params: \(Self.grouped(variables.reduce(0) { $0 + $1.value.elementCount })) (\(Self.size(bytes)))")
        }
        for (what, keys, names, tensors) in [("Inputs", inputKeys, inputNames, inputs), ("Outputs", outputKeys, outputNames, outputs)]
        where keys.contains(where: { $0 != nil }) {
            lines.append(" \(what): " + zip(names, tensors).map { escaped("\($0) = \($1.layer.name) \(Self.text($1.shape))") }.joined(separator: ", "))
        }
        return lines.joined(separator: "\n")
    }

    /// The calls of a layer that belong to this model.
    func ownNodes(of layer: Layer) -> [Int] {
        layer is InputLayer ? [0] : plan?.nodes[ObjectIdentifier(layer)] ?? []
    }

    private static func text(_ shape: [Int?]) -> String { "(" + shape.map { extent in extent.map { "\($0)" } ?? "None" }.joined(separator: ", ") + ")" }

    /// With a comma before every three digits.
    private static func grouped(_ number: Int) -> String {
        var result = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return String(result.reversed())
    }

    private static func size(_ bytes: Int) -> String {
        var (value, units) = (Double(bytes), ["B", "KB", "MB", "GB"][...])
        while value >= 1024, units.count > 1 {
            value /= 1024
            units.removeFirst()
        }
        let hundredths = Int((value * 100).rounded())
        let fraction = "\(100 + hundredths % 100)".dropFirst()
        return "\(hundredths / 100).\(fraction) \(units.first ?? "")"
    }
}
