import VoxLayerSpec
import VoxTensors

/// What `--truth` and `--picture` make of one input and one result.
struct VolumeComparison {
    let truth: String?
    let picture: String?

    /// - Returns: the ratios where there is a truth.
    /// - Throws: `CommandFailure` for what is no volume, or of another size; what reading and writing throw.
    func compare(input: Tensor, result: Tensor) throws -> RunReport.SignalToNoise? {
        let (input, result) = (try Volume(input), try Volume(result))
        // A model that keeps the size is compared with its input as it is.
        let isResized = input.shape != result.shape
        let interpolated = isResized ? input.trilinear(to: result.shape) : input
        var panels = isResized ? [interpolated, result] : [result]
        var ratios: RunReport.SignalToNoise?
        if let truth {
            let truth = try Volume(truth: truth)
            if truth.shape != result.shape {
                throw CommandFailure.resultShape(result.shape, what: "a result", expected: truth.shape)
            }
            panels.append(truth)
            let found = RunReport.SignalToNoise(result: result.heldOutPSNR(truth: truth), interpolation: interpolated.heldOutPSNR(truth: truth))
            let (own, plain) = (decimal(found.result, 2), decimal(found.interpolation, 2))
            let other = isResized ? "trilinear interpolation" : "input"
            Console.show("PSNR on the second half of the depth axis, peak 1: result \(own) dB, \(other) \(plain) dB")
            ratios = found
        }
        if let picture { try draw(input, result, panels, to: picture) }
        return ratios
    }

    private func draw(_ input: Volume, _ result: Volume, _ panels: [Volume], to path: String) throws {
        let zoom = result.shape[1] / input.shape[1]
        guard zip(result.shape, input.shape).allSatisfy({ $0 % $1 == 0 }), zoom == result.shape[2] / input.shape[2] else {
            throw CommandFailure.notInteger(factor: result.shape, of: input.shape)
        }
        let depth = result.shape[0] * 3 / 4
        let first = input.slice(depth: depth / (result.shape[0] / input.shape[0]), zoom: zoom)
        let whole = Picture(sideBySide: [first] + panels.map { $0.slice(depth: depth) }, gap: 4)
        try PNGWriter.write(whole.pixels, width: whole.width, height: whole.height, channels: .grey, to: path)
        let interpolation = input.shape == result.shape ? "" : ", of its trilinear interpolation"
        Console.say("\(path): depth slice \(depth) of the input\(interpolation), of the result\(truth == nil ? "" : ", of the truth")")
    }
}
