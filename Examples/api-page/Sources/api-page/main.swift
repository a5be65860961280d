import Voxelsmith

/// A member of the page and what shows that it is there and does what the page says.
struct Check: Sendable {
    let member: String
    let holds: @Sendable () throws -> Bool

    init(_ member: String, _ holds: @escaping @Sendable () throws -> Bool) { (self.member, self.holds) = (member, holds) }

    /// Runs the check, and prints why it failed.
    func run() -> Bool {
        do {
            if try holds() { return true }
            print("\(member): does not hold")
        } catch {
            print("\(member): \(error)")
        }
        return false
    }
}

/// Whether a call throws what stands for an exception of Python.
func raises(_ kind: KerasErrorKind, _ body: () throws -> Void) -> Bool {
    do { try body() } catch { return (error as? any KerasError)?.kerasKind == kind }
    return false
}

struct Failure: Error, CustomStringConvertible {
    var description: String { "Expected 68 different members, and checks that hold." }
}

let members = properties + methods + arguments
let holding = members.filter { $0.run() }.count
print("members of the page: \(holding) of 68")
let own = ownObjects.filter { $0.run() }.count
print("objects of one's own: \(own) of \(ownObjects.count)")
if Set(members.map(\.member)).count != 68 || holding != members.count || own != ownObjects.count { throw Failure() }
