import CVoxPNG
import VoxLayerSpec
import VoxTensorIO

/// Why a picture was not written.
enum PNGError: Error, Hashable, CustomStringConvertible {
    case pixelCount(received: Int, width: Int, height: Int, channels: Int)
    case missingLibrary(reason: String)
    case failed(path: String, reason: String)

    var description: String {
        let sentence: Sentence = switch self {
        case .pixelCount(let received, let width, let height, let channels):
            """
            Received \(received) values for a picture of \(width) x \(height) with \(channels) channels; \
            expected 1 to 65535 pixels a side and one value per pixel and channel.
            """
        case .missingLibrary(let reason):
            "Received no usable libpng (\(reason)); expected one of the Debian packages libpng16-16t64, libpng16-16 to be installed."
        case .failed(let path, let reason): "Cannot write \(path): \(reason)."
        }
        return sentence.text
    }
}

/// Pictures of 8 bits a channel.
enum PNGWriter {
    enum Channels: Int {
        case grey = 1
        case rgb = 3
    }

    /// Writes rows from the top, pixels from the left, `channels` values each. The file appears whole or not at all.
    /// - Throws: `PNGError`, `TensorIOError.cannotWrite`.
    static func write(_ pixels: [UInt8], width: Int, height: Int, channels: Channels, to path: String) throws {
        let sides = 1...65535
        guard sides.contains(width), sides.contains(height), pixels.count == width * height * channels.rawValue else {
            throw PNGError.pixelCount(received: pixels.count, width: width, height: height, channels: channels.rawValue)
        }
        try StagedFile.write(to: path) { staged in
            var reason = [CChar](repeating: 0, count: 256)
            let status = cpng_write(staged, UInt32(width), UInt32(height), Int32(channels.rawValue), pixels, &reason, reason.count)
            let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if status == CPNG_NO_LIBRARY { throw PNGError.missingLibrary(reason: text) }
            if status != CPNG_WRITTEN { throw PNGError.failed(path: path, reason: text) }
        }
    }
}
