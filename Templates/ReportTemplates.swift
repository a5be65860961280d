/// Templates of pages for people. They are apart from those of code: what is generated, and what was measured with it, does not depend on them.
extension Templates.File {
    private static let report = "Templates/report"

    /// The page of `voxelsmith inspect`.
    public static let inspectionPage = Self("inspection_page.html.mustache", in: report) { PackageResources.inspection_page_html_mustache }

    /// Parts of pages, which name them in lines `{{> name}}`.
    public static let reportParts = [
        Self("inspection_style.css.mustache", in: report) { PackageResources.inspection_style_css_mustache },
        Self("inspection_plugin.html.mustache", in: report) { PackageResources.inspection_plugin_html_mustache },
        Self("inspection_kernel.html.mustache", in: report) { PackageResources.inspection_kernel_html_mustache },
        Self("inspection_problem.html.mustache", in: report) { PackageResources.inspection_problem_html_mustache },
        Self("inspection_facts.html.mustache", in: report) { PackageResources.inspection_facts_html_mustache },
        Self("inspection_schedule.html.mustache", in: report) { PackageResources.inspection_schedule_html_mustache },
        Self("inspection_speed.html.mustache", in: report) { PackageResources.inspection_speed_html_mustache },
        Self("inspection_function.html.mustache", in: report) { PackageResources.inspection_function_html_mustache },
        Self("inspection_functions.html.mustache", in: report) { PackageResources.inspection_functions_html_mustache },
        Self("inspection_loop.html.mustache", in: report) { PackageResources.inspection_loop_html_mustache },
        Self("inspection_source.html.mustache", in: report) { PackageResources.inspection_source_html_mustache },
    ]

    /// All of them.
    public static let reports = [inspectionPage] + reportParts
}
