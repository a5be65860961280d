import VoxLayerSpec
import VoxTensors

/// What an HDF5 file is to hold. Objects are named by their path from the root; the groups above one need no mention of their own.
package struct HDF5Contents {
    enum Attribute {
        /// One text of any length.
        case text(String)
        /// Texts that fit into the header of their object together, or none.
        case texts([String])
    }

    enum Object {
        case group
        case dataset(Tensor)
    }

    private(set) var objects: [(path: String, object: Object)] = []
    private(set) var attributes: [(object: String, name: String, value: Attribute)] = []

    /// An empty root.
    package init() {}

    /// A group, which may be there already.
    package mutating func addGroup(_ path: String) { objects.append((path, .group)) }

    /// A tensor, in the type it has.
    package mutating func addDataset(_ path: String, _ tensor: Tensor) { objects.append((path, .dataset(tensor))) }

    /// An attribute of an object that is added too.
    package mutating func addText(_ text: String, named name: String, to object: String) { attributes.append((object, name, .text(text))) }

    /// Most bytes of an attribute that Keras lets stand in one piece: a header has no room for more than 64 KiB.
    static let listLimit = 64512

    /// A list attribute. As Keras does, one that is too long for the header is split into name0, name1, ..., of as even lengths as there are.
    package mutating func addList(_ texts: [String], named name: String, to object: String) {
        // All have the length of the longest, in the whole list as in each piece.
        let width = max(1, texts.map(\.utf8.count).max() ?? 0)
        let byteCount = Checked.clampedProduct(width, texts.count)
        if byteCount <= Self.listLimit {
            attributes.append((object, name, .texts(texts)))
            return
        }
        let room = max(1, Self.listLimit / width)
        let pieceCount = texts.count / room + (texts.count % room == 0 ? 0 : 1)
        let (least, rest) = (texts.count / pieceCount, texts.count % pieceCount)
        var start = 0
        for index in 0..<pieceCount {
            let count = least + (index < rest ? 1 : 0)
            attributes.append((object, "\(name)\(index)", .texts(Array(texts[start..<start + count]))))
            start += count
        }
    }

    /// Bytes of all datasets.
    var byteCount: Int {
        objects.reduce(0) { sum, entry in
            if case .dataset(let tensor) = entry.object { Checked.clampedSum(sum, tensor.byteCount) } else { sum }
        }
    }
}
