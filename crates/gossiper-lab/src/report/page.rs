//! The page: the data, and the assets that show it.

use serde::Serialize;

use super::faults::Faults;
use super::folder::Listed;
use super::frame::Page;
use super::messages::Traffic;
use super::operations::Operations;
use super::results::Results;
use super::sample::Sample;
use super::values::{Arrivals, Values};
use super::windows::Selection;

/// In the order in which they cascade.
const STYLES: [&str; 3] = [
    include_str!("../../assets/report/base.css"),
    include_str!("../../assets/report/charts.css"),
    include_str!("../../assets/report/diagram.css"),
];

/// Our scripts, in the order in which they need each other. They share one scope.
const SCRIPTS: [&str; 21] = [
    include_str!("../../assets/report/base.js"),
    include_str!("../../assets/report/run.js"),
    include_str!("../../assets/report/theme.js"),
    include_str!("../../assets/report/command.js"),
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
    include_str!("../../assets/report/table.js"),
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
    let json = serde_json::to_string(data)?;
    let verdict = match data.results.valid {
        Some(true) => "valid",
        Some(false) => "invalid",
        None => "unknown",
    };
    let page = Page {
        title: &format!("{verdict}: a run of gossiper test"),
        styles: &STYLES,
        plain: &format!(
            "This run is <strong>{verdict}</strong>. The figures stand in \
             <code>results.json</code>; the charts of this page need JavaScript."
        ),
        json: &json,
        scripts: &SCRIPTS,
    };
    Ok(page.html())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::frame::expect_harmless;

    #[test]
    fn no_asset_ends_its_element_or_makes_html_of_text() {
        expect_harmless(&STYLES, &SCRIPTS);
    }
}
