//! The page: the data, and the assets that show it.

use serde::Serialize;

use super::faults::Faults;
use super::folder::Listed;
use super::messages::Traffic;
use super::operations::Operations;
use super::results::Results;
use super::sample::Sample;
use super::values::{Arrivals, Values};
use super::windows::Selection;

/// The page's frame. Each of [`MARKS`] stands in it once, in that order.
const FRAME: &str = include_str!("../../assets/report/page.html");

/// Where in the frame the title, the styles, the words for readers without scripts, the data and
/// the scripts go.
const MARKS: [&str; 5] = ["{{title}}", "{{styles}}", "{{verdict}}", "{{data}}", "{{scripts}}"];

/// In the order in which they cascade.
const STYLES: [&str; 4] = [
    include_str!("../../assets/uplot/uPlot.min.css"),
    include_str!("../../assets/report/base.css"),
    include_str!("../../assets/report/charts.css"),
    include_str!("../../assets/report/diagram.css"),
];

/// The charting library, which is a script of its own.
const LIBRARY: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");

/// Its licence, which goes with every copy: each page is one.
const LICENCE: &str = include_str!("../../assets/uplot/LICENSE");

/// Our scripts, in the order in which they need each other. They share one scope.
const SCRIPTS: [&str; 18] = [
    include_str!("../../assets/report/base.js"),
    include_str!("../../assets/report/theme.js"),
    include_str!("../../assets/report/ending.js"),
    include_str!("../../assets/report/verdict.js"),
    include_str!("../../assets/report/figures.js"),
    include_str!("../../assets/report/chart.js"),
    include_str!("../../assets/report/gestures.js"),
    include_str!("../../assets/report/faults.js"),
    include_str!("../../assets/report/coverage.js"),
    include_str!("../../assets/report/timeline.js"),
    include_str!("../../assets/report/diagram_model.js"),
    include_str!("../../assets/report/diagram_draw.js"),
    include_str!("../../assets/report/diagram_clients.js"),
    include_str!("../../assets/report/diagram_controls.js"),
    include_str!("../../assets/report/diagram.js"),
    include_str!("../../assets/report/tables.js"),
    include_str!("../../assets/report/footer.js"),
    include_str!("../../assets/report/main.js"),
];

/// All that the page shows.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    pub(super) results: &'a Results,
    /// As text: a script's numbers do not hold all of it.
    pub(super) seed: String,
    pub(super) types_left_out: usize,
    pub(super) files: Vec<Listed>,
    pub(super) has_node_logs: bool,
    /// Where the axis of time ends.
    pub(super) span_ms: f64,
    pub(super) faults: Faults,
    pub(super) operations: Option<Operations>,
    pub(super) values: Option<Values>,
    pub(super) traffic: Option<Traffic>,
    pub(super) selection: Option<Selection>,
    pub(super) sample: Option<Sample>,
    pub(super) arrivals: Vec<Arrivals>,
}

/// The whole page.
pub(super) fn page(data: &Data<'_>) -> serde_json::Result<String> {
    // In JSON `<` stands in strings only, where it may as well be escaped: then no text of a node
    // can end the script block.
    let json = serde_json::to_string(data)?.replace('<', "\\u003c");
    let verdict = match data.results.valid {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "unknown",
    };
    let styles = STYLES.join("\n");
    let scripts = format!(
        "<script>\n/*\n{LICENCE}\n*/\n{LIBRARY}\n</script>\n\
         <script>\n(() => {{\n\"use strict\";\n{}\n}})();\n</script>",
        SCRIPTS.join("\n")
    );
    let title = format!("{verdict}: a run of gossiper test");
    let parts = [title.as_str(), &styles, verdict, &json, &scripts];
    let mut page = String::with_capacity(json.len() + (1 << 18));
    let mut rest = FRAME;
    for (mark, part) in MARKS.into_iter().zip(parts) {
        // Only the frame is searched for marks, never what was put into it.
        if let Some((before, after)) = rest.split_once(mark) {
            page.push_str(before);
            page.push_str(part);
            rest = after;
        }
    }
    page.push_str(rest);
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_has_each_mark_once_and_in_order() {
        let places: Vec<_> = MARKS.iter().map(|mark| FRAME.find(mark).expect(mark)).collect();
        assert!(places.is_sorted());
        assert!(MARKS.iter().all(|mark| FRAME.matches(mark).count() == 1));
    }

    #[test]
    fn the_readme_names_the_version_of_the_library() {
        let readme = include_str!("../../assets/README.md");
        let (_, rest) = readme.split_once("| version | ").expect("the table has the version");
        let (version, _) = rest.split_once(' ').expect("a cell ends");
        assert!(LIBRARY.contains(&format!("(v{version})")), "{version}");
    }

    #[test]
    fn no_asset_ends_its_element_or_makes_html_of_text() {
        assert!(!LICENCE.contains("*/"));
        for script in SCRIPTS.into_iter().chain([LIBRARY, LICENCE]) {
            assert!(!script.contains("</script"));
        }
        for script in SCRIPTS {
            for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!script.contains(sink), "{sink}");
            }
        }
        assert!(STYLES.iter().all(|style| !style.contains("</style") && !style.contains("url(")));
    }
}
