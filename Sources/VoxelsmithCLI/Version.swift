/// The version of the whole package. `CHANGELOG.md` has what is in it; `Tests/PackageTests` compares the two.
enum Version {
    static let number = "0.2.0-dev"
}
