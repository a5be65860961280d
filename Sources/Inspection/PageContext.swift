import VoxKernelBuild
import VoxKernelEmission

/// What `Templates/report/inspection_page.html.mustache` is rendered with: one value for each part of the page.
struct PageContext {
    /// A fact that `describe --json` states too, under the name `field`.
    struct Fact {
        let label: String
        let field: String
        let value: String
    }

    struct Row {
        let label: String
        let value: String
    }

    struct Figure {
        let figure: String
        let caption: String
    }

    /// A colour of a picture and what it stands for.
    struct Colour {
        let style: String
        let label: String
    }

    struct Link {
        let anchor: String
        let kernel: String
    }

    let title: String
    let lead: String
    let facts: [Fact]
    let links: [Link]
    /// Functions that belong to no kernel; nil where there are none.
    let functions: FunctionTable?
    let sections: [KernelContext]
    let footer: String
}

/// One kernel's section.
struct KernelContext {
    let anchor: String
    let name: String
    let figures: [PageContext.Figure]
    let problem: ProblemContext
    let scheduleText: String
    let schedule: ScheduleContext?
    /// Why there is no schedule; nil where there is one.
    let noSchedule: String?
    let speed: SpeedContext
    /// Nil where the machine code was not inspected.
    let functions: FunctionTable?
    /// Why no function is listed; nil where one is.
    let noFunctions: String?
    let loop: LoopContext?
    /// Why there is no loop; nil where there is one.
    let noLoop: String?
    let facts: [PageContext.Fact]
}

/// What a kernel computes.
struct ProblemContext {
    struct Axis {
        let axis: String
        let input: Int
        let output: Int
        let kernelSize: Int
        let stride: Int
        let dilation: Int
        let crop: Int
        let phases: Int
    }

    let sentences: [String]
    let axes: [Axis]
}

/// How it computes it.
struct ScheduleContext {
    let explanation: [String]
    let tileMap: Markup
    let legend: [PageContext.Colour]
    let mapCaption: String
    let source: String
    let lineCount: Int
    let doubts: [String]
}

/// How fast it is.
struct SpeedContext {
    let rows: [PageContext.Row]
    /// Nil where it was not measured.
    let roofline: Markup?
    let notes: [String]
}

/// Functions of the machine code, with the counts of `describe --json`.
struct FunctionTable {
    struct Count {
        let field: String
        let value: Int
    }

    struct Function {
        let function: String
        let file: String
        let counts: [Count]
    }

    let headings: [String]
    let rows: [Function]
}

/// The hot loop.
struct LoopContext {
    struct Line {
        let style: String
        let text: String
    }

    let summary: String
    let lines: [Line]
}
