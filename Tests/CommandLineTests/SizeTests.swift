import Foundation
import Testing
import VoxTensorIO
import VoxTensors
import _TestSupport

/// Numbers at the limits of 64 bits, in files and options: one sentence each, never a trap.
@Suite struct SizeTests {
    /// One voxel in, one out.
    private func identity(_ folder: TemporaryFolder, batch: String = "null", extra: String = "") throws -> String {
        try NPZFile.write([("kernel", try Tensor(shape: [1, 1, 1, 1, 1], [Float(1)]))], to: folder.path("w.npz"))
        return try folder.write(
            "one.json",
            """
            {"class_name": "Conv3DTranspose", "config": {"name": "one", "filters": 1, "kernel_size": [1, 1, 1], "use_bias": false,
             "batch_input_shape": [\(batch), 4, 4, 4, 1]\(extra)}}
            """)
    }

    /// The header of an .npy file, and data that need not be there.
    private func array(_ shape: String, fortran: Bool = false, data: Int = 0) -> [UInt8] {
        let dict = "{'descr': '<f4', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(dict.utf8.count), 0] + Array(dict.utf8) + [UInt8](repeating: 0, count: data)
    }

    private func expectSentence(_ arguments: [String], status: Int32 = 1, _ words: String = "") throws {
        let outcome = try Voxelsmith.run(arguments)
        #expect(outcome.status == status, "\(arguments): \(outcome)")
        #expect(isOneSentence(outcome.errors) && (words.isEmpty || outcome.errors.contains(words)), "\(arguments): \(outcome.errors)")
    }

    @Test func shapesOfInputs() throws {
        let folder = try TemporaryFolder()
        let layer = try identity(folder)
        for (shape, fortran) in [
            ("(2305843009213693952, 0, 2, 4, 2)", false), ("(2305843009213693952, 0, 2, 4, 1)", false),
            ("(0, 1099511627776, 1099511627776, 1099511627776, 1)", true),
            ("(9223372036854775807, 4, 4, 4, 1)", false), ("(4611686018427387904, 4, 4, 4, 1)", true), ("(1, 9223372036854775807, 0, 4, 1)", false),
            ("(9223372036854775807, 9223372036854775807, 9223372036854775807, 0, 1)", false), ("(1, 4, 4, 4, 9223372036854775807)", false),
            ("(99999999999999999999, 4, 4, 4, 1)", false), ("(-1, 4, 4, 4, 1)", false),
        ] {
            let path = try folder.write(array(shape, fortran: fortran), as: "x.npy")
            try expectSentence(["run", layer, "--input", path, "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")])
        }
        #expect(try !folder.names().contains("y.npy"))
        // No samples are legal, however many voxels each would have.
        let none = try folder.write(array("(0, 4, 4, 4, 1)"), as: "none.npy")
        let outcome = try Voxelsmith.run(["run", layer, "--input", none, "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")])
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func batchesOfConfigs() throws {
        let folder = try TemporaryFolder()
        for batch in ["4611686018427387904", "9223372036854775807", "288230376151711744"] {
            let layer = try identity(folder, batch: batch)
            try expectSentence(["bench", layer], "bytes at once")
            try expectSentence(["bench", layer, "--overhead"], "bytes at once")
            // What is compiled does not depend on the batch.
            #expect(try Voxelsmith.run(["emit", layer]).status == 0)
            let asked = try Voxelsmith.run(["time-calls", layer], input: "shape\tone\n")
            #expect(asked.status == 0 && asked.output.contains("flops="), "\(asked)")
        }
        for batch in ["-1", "0", "18446744073709551616", "1e300"] {
            let outcome = try Voxelsmith.run(["bench", identity(folder, batch: batch), "--seconds", "0"])
            #expect(outcome.status == 0 || outcome.status == 1 && isOneSentence(outcome.errors), "\(batch): \(outcome)")
        }
    }

    @Test func numbersOfConfigs() throws {
        let folder = try TemporaryFolder()
        func config(_ numbers: String) throws -> String {
            try folder.write(
                "changed.json", "{\"class_name\": \"Conv3DTranspose\", \"config\": {\"name\": \"l\", \"batch_input_shape\": [1, 4, 4, 4, 1], \(numbers)}}")
        }
        for number in ["4611686018427387904", "9223372036854775807", "1099511627776"] {
            for numbers in [
                "\"filters\": 1, \"kernel_size\": 1, \"strides\": \(number)", "\"filters\": 1, \"kernel_size\": 2, \"dilation_rate\": \(number)",
                "\"filters\": \(number), \"kernel_size\": 1", "\"filters\": 1, \"kernel_size\": \(number)",
                "\"filters\": 1, \"kernel_size\": \(number), \"dilation_rate\": \(number)",
                "\"filters\": \(number), \"kernel_size\": \(number), \"strides\": \(number), \"padding\": \"same\"",
            ] {
                for verb in ["emit", "bench"] { try expectSentence([verb, config(numbers)]) }
            }
        }
    }

    @Test func options() throws {
        let folder = try TemporaryFolder()
        let layer = try identity(folder)
        try NPY.write(Tensor(shape: [1, 4, 4, 4, 1], (0..<64).map { Float($0) }), to: folder.path("x.npy"))
        try NPY.write(Tensor(shape: [1, 1, 1, 1, 1], [Float(0)]), to: folder.path("e.npy"))
        let run = ["run", layer, "--input", folder.path("x.npy"), "--weights", folder.path("w.npz"), "--output", folder.path("y.npy")]
        for every in ["9223372036854775807", "4", "5", "4611686018427387904"] {
            let outcome = try Voxelsmith.run(run + ["--expect", folder.path("e.npy"), "--expect-every", every])
            #expect(outcome.status == 0 && outcome.output.contains("1 values agree"), "\(every): \(outcome)")
        }
        for every in ["0", "-9223372036854775808", "9223372036854775808"] {
            try expectSentence(run + ["--expect", folder.path("e.npy"), "--expect-every", every], status: 64)
        }
        // A file with such a number of threads would be refused when it is read.
        for threads in ["0", "-1", "4097", "1048577", "9223372036854775807", "9223372036854775808"] {
            try expectSentence(["tune", layer, "--tunings", folder.path("t.json"), "--threads=\(threads)"], status: 64, threads)
            try expectSentence(run + ["--threads=\(threads)"], status: 64, threads)
            try expectSentence(["bench", layer, "--threads=\(threads)"], status: 64, threads)
            try expectSentence(["build", layer, "-o", folder.path("p.so"), "--threads=\(threads)"], status: 64, threads)
        }
        #expect(try Voxelsmith.run(run + ["--threads", "4096"]).status == 0)
        for shape in ["1,4611686018427387904,4,4,1", "1,4,4,4,9223372036854775807", "1,9223372036854775807,9223372036854775807,1,1"] {
            try expectSentence(["emit", layer, "--input-shape", shape])
        }
        for shape in ["1,9223372036854775808,4,4,1", "1,-4,4,4,1", "1,0,4,4,1"] { try expectSentence(["emit", layer, "--input-shape", shape], status: 64) }
        try expectSentence(["bench", layer, "--input-shape", "9223372036854775807,4,4,4,1"])
        for calls in ["0", "-5", "9223372036854775807"] { try expectSentence(["bench-threads", "--calls", calls], status: 64) }
        for limit in ["nan", "inf", "1e300", "-1", "0"] {
            try expectSentence(["tune", layer, "--tunings", folder.path("t.json"), "--time-limit", limit], status: 64)
            try expectSentence(["verify", folder.path("none.so"), "--time-limit", limit], status: 64)
        }
        #expect(try !folder.names().contains("t.json") && !folder.names().contains("p.so"))
    }

    @Test func requestsOfTheComparison() throws {
        let folder = try TemporaryFolder()
        let layer = try identity(folder)
        try NPY.write(Tensor(shape: [1, 4, 4, 4, 1], (0..<64).map { Float($0) }), to: folder.path("x.npy"))
        try NPY.write(Tensor(shape: [1, 1, 1, 1, 1], [Float(2)]), to: folder.path("k.npy"))
        let requests = [
            "prepare\tone\t\(folder.path("x.npy"))\t\(folder.path("k.npy"))", "call\t1\t1\t1e300", "call\t1\t1\tnan", "call\t1\t-9223372036854775808\t-inf",
            "call\t9223372036854775807\t1\t0", "call\t-1\t1\t0", "call-into\t2\t1\tinf", "peak\t9223372036854775807",
        ]
        let outcome = try Voxelsmith.run(["time-calls", layer], input: requests.joined(separator: "\n") + "\n")
        #expect(outcome.status == 0, "\(outcome)")
        let answers = outcome.output.split(separator: "\n").map { line in line.prefix { $0 != "\t" } }
        #expect(answers == ["ok", "ok", "ok", "ok", "error", "error", "ok", "error"], "\(outcome.output)")
    }

    /// What no layer can have is refused where the layer is read; legal settings build, verified.
    @Test func parametersOfActivations() throws {
        let folder = try TemporaryFolder()
        func activation(_ name: String, _ parameters: String) -> String {
            ", \"activation\": {\"module\": \"voxelsmith\", \"class_name\": \"\(name)\", \"config\": {\(parameters)}, \"registered_name\": \"voxelsmith>\(name)\"}"
        }
        for (name, parameters) in [
            ("celu", "\"alpha\": -1"), ("celu", "\"alpha\": 0"), ("celu", "\"alpha\": 1e-60"), ("squareplus", "\"b\": -0.5"), ("squareplus", "\"b\": 1e39"),
            ("hard_shrink", "\"threshold\": -1e300"), ("threshold", "\"threshold\": 0, \"default_value\": 1e40"),
        ] {
            let layer = try identity(folder, extra: activation(name, parameters))
            for verb in [["emit"], ["bench"]] { try expectSentence(verb + [layer], "of the activation \(name)") }
        }
        for (name, parameters) in [
            ("celu", "\"alpha\": 1e-38"), ("squareplus", "\"b\": 3e38"), ("squareplus", "\"b\": 0"), ("soft_shrink", "\"threshold\": 3e38"),
        ] {
            let layer = try identity(folder, extra: activation(name, parameters))
            let outcome = try Voxelsmith.run(["build", layer, "-o", folder.path("p.so")])
            #expect(outcome.status == 0, "\(name) \(parameters): \(outcome.errors)")
        }
    }
}
