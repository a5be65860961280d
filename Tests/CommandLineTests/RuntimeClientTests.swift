import Foundation
import Testing
import _TestSupport

/// The application in `Examples/runtime-client`, which has a plugin and none of what made it.
@Suite struct RuntimeClientTests {
    private static let program = Voxelsmith.program.deletingLastPathComponent().appendingPathComponent("runtime-client")

    private func run(_ arguments: [String]) throws -> Voxelsmith.Outcome { try Voxelsmith.run(arguments, program: Self.program) }

    @Test func aReadyPluginIsAllItNeeds() throws {
        let folder = try TemporaryFolder()
        let layer = Voxelsmith.package.appendingPathComponent("Examples/runtime-client/layer.json").path
        #expect(try Voxelsmith.run(["build", layer, "-o", folder.path("up.so"), "--no-verify"]).status == 0)

        // No compiler, no Python, nothing on the path.
        let result = try Voxelsmith.run([folder.path("up.so")], environment: ["PATH": ""], program: Self.program)
        #expect(result.status == 0, "\(result.errors)")
        // Its numbers are multiples of 1/64; what they are is told by the relation of transposed convolution.
        var expected: [String] = []
        func number(_ index: Int) -> Float { Float(index % 13 - 6) / 8 }
        for filter in 0..<8 {
            // Output (0, 0, 0) with crop 1: tap 1 at input 0 along each axis.
            var sum = number(filter)
            for channel in 0..<16 { sum += number(channel) * number((((1 * 4 + 1) * 4 + 1) * 8 + filter) * 16 + channel) }
            expected.append("\(max(0, sum))")
        }
        #expect(result.output == "[1, 16, 16, 16, 8]: \(expected.joined(separator: " "))\n")
        #expect(expected.contains { $0 != "0.0" })

        // Another user's defaults are not the application's.
        _ = try folder.write("keras.json", #"{"image_data_format": "channels_first", "floatx": "float64"}"#)
        let elsewhere = try Voxelsmith.run([folder.path("up.so")], environment: ["KERAS_HOME": folder.path(".")], program: Self.program)
        #expect(elsewhere.status == 0 && elsewhere.output == result.output, "\(elsewhere)")

        let measured = try run([folder.path("up.so"), "--measure", "3"])
        #expect(measured.status == 0, "\(measured.errors)")
        #expect(measured.output.hasPrefix("3 starts, milliseconds from start to end of the process: median "))
    }

    @Test func wrongUsageIsOneSentence() throws {
        for (arguments, status) in [
            ([], 64), (["none.so"], 1), (["none.so", "--measure", "0"], 64), (["none.so", "--measure", "1"], 1),
        ] as [([String], Int32)] {
            let result = try run(arguments)
            #expect(result.status == status, "\(arguments)")
            #expect(result.errors.hasPrefix("runtime-client: ") && result.errors.dropLast().allSatisfy { $0 != "\n" }, "\(arguments)")
        }
    }

    /// Neither linked nor opened at run time: the build half and what reads files. The command line has all of them, so the words
    /// are the right ones.
    @Test func itsBinaryHoldsNothingOfTheBuildHalf() throws {
        let words = ["libLLVM", "libhdf5", "libzip", "KernelEmission", "KernelBuild", "Scheduling", "TensorIO", "Subprocess"]
        for (program, isExpected) in [(Self.program, false), (Voxelsmith.program, true)] {
            let bytes = try Data(contentsOf: program, options: .alwaysMapped)
            for word in words {
                #expect((bytes.range(of: Data(word.utf8)) != nil) == isExpected, "\(word) in \(program.lastPathComponent)")
            }
        }
    }
}
