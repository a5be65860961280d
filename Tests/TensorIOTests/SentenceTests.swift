import Testing
import VoxTensorIO
import VoxTensors

@Suite struct SentenceTests {
    @Test func everyErrorIsOneSentence() {
        let p = "a.npy"
        for (error, sentence) in [
            (TensorIOError.cannotOpen(path: p, reason: "No such file or directory"), "Cannot open a.npy: No such file or directory; expected a readable file."),
            (.cannotRead(path: p, reason: "Input/output error"), "Cannot read a.npy: Input/output error."),
            (.cannotWrite(path: p, reason: "Permission denied"), "Cannot write a.npy: Permission denied; expected a writable place."),
            (.tensor(path: p, .tooLarge(shape: [9])), "a.npy: Received shape [9]; expected at most 2^40 bytes."),
            (.missingLibrary(name: "HDF5", packages: "libhdf5-310, libhdf5-103-1", reason: "no file"),
                "Received no usable HDF5 (no file); expected one of the Debian packages libhdf5-310, libhdf5-103-1 to be installed."),
            (.notNPY(path: p, firstBytes: [0x50, 0x0B]), "Received 50 0b at the start of a.npy; expected the 93 4e 55 4d 50 59 of an .npy file."),
            (.notNPY(path: p, firstBytes: []), "Received nothing at the start of a.npy; expected the 93 4e 55 4d 50 59 of an .npy file."),
            (.npyVersion(path: p, major: 4, minor: 1), "Received .npy version 4.1 in a.npy; expected 1.0, 2.0 or 3.0."),
            (.npyHeaderLength(path: p, received: 9, expected: 10), "Received 9 bytes of .npy header in a.npy; expected 10."),
            (.npyHeaderTooLong(path: p, received: 9, limit: 8), "Received an .npy header of 9 bytes in a.npy; expected at most 8."),
            (.npyHeader(path: p, reason: "received 'x'; expected 'y'"), "Received a malformed .npy header in a.npy: received 'x'; expected 'y'."),
            (.npyElementType(path: p, received: "|O"), "Received elements of type |O in a.npy; expected f2, f4, f8, i1 to i8, u1 to u8 or b1."),
            (.npyDataLength(path: p, received: 3, expected: 4), "Received 3 bytes of data in a.npy; expected 4."),
            (.notZip(path: "w.npz", reason: "Not a zip archive"), "Received no readable zip archive in w.npz (Not a zip archive); expected one."),
            (.zipMember(path: "w.npz", member: "a", reason: "CRC error"), "Cannot use the member a of w.npz: CRC error."),
            (.duplicateMember(path: "w.npz", member: "a"), "Received the member a twice in w.npz; expected it once."),
            (.escapingMember(path: "w.npz", member: "../a"),
                "Received the member name \"../a\" in w.npz; expected a path below the archive, without \"..\" and backslashes."),
            (.fileTooLarge(path: p, limit: 9), "Received more than 9 bytes from a.npy; expected at most that."),
            (.missingMember(path: "w.npz", member: "a", present: ["b", "c"]), "Received no member a in w.npz; expected it among b, c."),
            (.missingMember(path: "w.npz", member: "a", present: []), "Received no member a in w.npz; expected it among its members (it has none)."),
            (.missingMember(path: "w.npz", member: "a", present: (0..<9).map { "\($0)" }),
                "Received no member a in w.npz; expected it among 0, 1, 2, 3, 4, 5, 6, 7, ... (9 members)."),
            (.tooLarge(path: "w.npz", object: "a", size: 9, limit: 8), "Received 9 declared bytes for a of w.npz; expected at most 8."),
            (.invalidName(path: "w.npz", name: ""), "Received the array name \"\" for w.npz; expected a name of 1 to 1024 bytes without NUL."),
            (.notHDF5(path: "m.h5"), "Received no HDF5 file in m.h5; expected one."),
            (.missingObject(path: "m.h5", object: "x", expected: "a group of that path"), "Received no x in m.h5; expected a group of that path."),
            (.hdf5Type(path: "m.h5", object: "x", received: "strings", expected: "numbers"), "Received strings as x of m.h5; expected numbers."),
            (.hdf5Structure(path: "m.h5", object: "x", reason: "it has no shape"), "Cannot read x of m.h5: it has no shape."),
            (.notKerasWeights(path: "m.h5"), "Received neither layer groups nor layer_names in m.h5; expected a Keras weights or model file."),
            (.unwritableObject(path: "m.h5", object: "a/b", reason: "another object has that name"), "Cannot write a/b of m.h5: another object has that name."),
            (.safetensorsHeader(path: "w", reason: "its length is 9; expected at most 8"),
                "Received a malformed safetensors header in w: its length is 9; expected at most 8."),
            (.safetensorsTensor(path: "w", tensor: "a", reason: "its type F4 is unknown"), "Cannot use the tensor \"a\" of w: its type F4 is unknown."),
        ] {
            #expect(error.description == sentence)
        }
    }
}
