import VoxKernelTemplates
import VoxLayerSpec
import VoxScheduling

/// A resolved family that C can be printed from: every family of `kernelFamilies` is one.
protocol PrintedFamily: ResolvedFamily {
    /// What `template` is rendered with.
    associatedtype Context: KernelContext

    /// The template of the family's kernels.
    static var template: Templates.File { get }
    /// The values of one kernel's template.
    /// - Parameters:
    ///   - schedule: the schedule that holds this family.
    ///   - name: symbol stem of the kernel.
    func context(_ schedule: Schedule, name: String) -> Context
}

/// Every number and name that a kernel's template asks for.
protocol KernelContext {
    /// What its first lines say.
    var heading: KernelHeading { get }
}

extension Schedule {
    /// - Throws: `EmissionError.notPrinted` for a family that has no template.
    var printed: any PrintedFamily {
        get throws(EmissionError) {
            guard let family = family as? any PrintedFamily else { throw .notPrinted(family: type(of: family.parameters).label) }
            return family
        }
    }
}
