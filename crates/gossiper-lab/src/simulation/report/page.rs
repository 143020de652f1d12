//! The pages: the data, and the assets that show it.

use serde::Serialize;

use super::comparison::{Case, Comparison};
use super::played::Played;
use super::summary::Summary;
use crate::network::{Distribution, Latency};
use crate::report::frame::Page;
use crate::simulation::{
    Answer, Coverage, Results, Sweep, faults_in_words, idle_setting, overlays_in_words,
};

/// Most rows of a plan whose curves are in the page: some megabytes.
const CURVES_MAX: usize = 2_000;

/// In the order in which they cascade.
const STYLES: [&str; 3] = [
    include_str!("../../../assets/report/base.css"),
    include_str!("../../../assets/report/charts.css"),
    include_str!("../../../assets/simulation/simulation.css"),
];

/// In the order in which they need each other. They share one scope.
const SCRIPTS: [&str; 15] = [
    include_str!("../../../assets/report/base.js"),
    include_str!("../../../assets/simulation/run.js"),
    include_str!("../../../assets/report/theme.js"),
    include_str!("../../../assets/report/command.js"),
    include_str!("../../../assets/report/chart.js"),
    include_str!("../../../assets/report/gestures.js"),
    include_str!("../../../assets/report/table.js"),
    include_str!("../../../assets/simulation/labels.js"),
    include_str!("../../../assets/simulation/coverage.js"),
    include_str!("../../../assets/simulation/play_model.js"),
    include_str!("../../../assets/simulation/play_draw.js"),
    include_str!("../../../assets/simulation/play.js"),
    include_str!("../../../assets/simulation/sweep.js"),
    include_str!("../../../assets/simulation/figures.js"),
    include_str!("../../../assets/simulation/main.js"),
];

/// All that a page shows. A part that it does not have is null.
#[derive(Serialize)]
struct Data<'a> {
    /// What the page is about, in a few words.
    title: &'a str,
    command: &'a str,
    /// Names and values of what was set.
    facts: Vec<(&'static str, String)>,
    /// The ages at which curves tell a share, as many as the longest of them has.
    ages_ms: Vec<u64>,
    cases: Option<Vec<CaseData<'a>>>,
    sweep: Option<SweepData<'a>>,
}

#[derive(Serialize)]
struct CaseData<'a> {
    name: &'a str,
    arguments: &'a str,
    runs: Vec<RunData<'a>>,
    played: Option<&'a Played>,
}

#[derive(Serialize)]
struct RunData<'a> {
    results: &'a Results,
    curve: Curve<'a>,
}

/// Shares in millionths.
#[derive(Serialize)]
struct Curve<'a> {
    mean: &'a [u32],
    /// Empty where values are not ranked.
    low: &'a [u32],
    high: &'a [u32],
}

#[derive(Serialize)]
struct SweepData<'a> {
    rows: Vec<RowData<'a>>,
    /// Whether the rows have their curves.
    has_curves: bool,
}

#[derive(Serialize)]
struct RowData<'a> {
    #[serde(flatten)]
    figures: &'a Summary,
    curve: Option<Curve<'a>>,
}

/// The page of runs side by side. `command` is what repeats them.
pub fn comparison_page(comparison: &Comparison, command: &str) -> String {
    let Comparison { cases, scenario, configs } = comparison;
    let nodes = scenario.nodes;
    let s = if nodes == 1 { "" } else { "s" };
    let runs = || cases.iter().flat_map(|case| &case.runs);
    let first = cases.iter().take(1).flat_map(|case| &case.runs);
    let config = &scenario.config;
    let mut facts = vec![
        ("seed", scenario.seed.to_string()),
        ("nodes", nodes.to_string()),
        ("values", scenario.broadcasts.len().to_string()),
        ("latency", latency_words(scenario.latency)),
        ("overlay", overlays_in_words(first.clone().map(|run| (run.strategy, &run.setting)))),
    ];
    let is_used = |key| idle_setting(&[(key, true)], configs.iter(), scenario.topology).is_none();
    if is_used("gossip_interval") {
        let peers =
            if is_used("fanout") { format!("{} peers ", config.fanout) } else { String::new() };
        facts.push(("gossip", format!("{peers}every {}", time(config.gossip_interval))));
    }
    if is_used("ack_timeout") {
        facts.push(("acknowledged within", time(config.ack_timeout)));
    }
    if is_used("pace") {
        facts.push(("pace of hybrid", time(config.pace)));
    }
    if first.clone().any(|run| run.setting.overlay.are_given()) {
        facts.insert(4, ("topology", scenario.topology.to_string()));
    }
    // Without any the cases say what is compared.
    let asked = runs().next().map(|run| &run.setting.faults).filter(|faults| !faults.is_empty());
    facts.extend(asked.map(|faults| ("faults", faults_in_words(faults))));
    html(&Data {
        title: &format!("{nodes} simulated node{s}"),
        command,
        facts,
        ages_ms: ages_ms(runs().map(|run| &run.coverage_over_time)),
        cases: Some(cases.iter().map(CaseData::of).collect()),
        sweep: None,
    })
}

/// The page of a plan. `command` is what repeats it.
pub fn plan_page(sweep: &Sweep, answers: &[Answer], command: &str) -> String {
    let rows = Summary::all(answers);
    let has_curves = rows.len() <= CURVES_MAX;
    let mut facts = Vec::new();
    if let Some(point) = sweep.points.first() {
        facts.push(("runs", answers.len().to_string()));
        facts.push(("values in each", point.load.broadcasts.to_string()));
        facts.push(("latency", latency_words(point.latency)));
        if rows.iter().any(|row| row.paths.are_given()) {
            facts.push(("topology", point.topology.to_string()));
        }
    }
    html(&Data {
        title: &sweep.question,
        command,
        facts,
        ages_ms: ages_ms(rows.iter().map(|row| &row.coverage_over_time)),
        cases: None,
        sweep: Some(SweepData {
            rows: rows.iter().map(|row| RowData::of(row, has_curves)).collect(),
            has_curves,
        }),
    })
}

impl<'a> CaseData<'a> {
    fn of(case: &'a Case) -> Self {
        let run = |results: &'a Results| RunData {
            results,
            curve: Curve::of(&results.coverage_over_time),
        };
        Self {
            name: &case.name,
            arguments: &case.arguments,
            runs: case.runs.iter().map(run).collect(),
            played: case.played.as_ref(),
        }
    }
}

impl<'a> RowData<'a> {
    fn of(figures: &'a Summary, has_curves: bool) -> Self {
        Self { curve: has_curves.then(|| Curve::of(&figures.coverage_over_time)), figures }
    }
}

impl<'a> Curve<'a> {
    /// Without the end in which nothing changes any more.
    fn of(coverage: &'a Coverage) -> Self {
        let Coverage { mean_ppm, low_ppm, high_ppm } = coverage;
        let same = |list: &[u32]| {
            let last = list.last();
            list.iter().rev().take_while(|&share| Some(share) == last).count()
        };
        let lists = [mean_ppm, low_ppm, high_ppm].into_iter().filter(|list| !list.is_empty());
        let end = lists.map(|list| list.len() + 1 - same(list)).max().unwrap_or(0);
        let cut = |list: &'a [u32]| &list[..end.min(list.len())];
        Self { mean: cut(mean_ppm), low: cut(low_ppm), high: cut(high_ppm) }
    }
}

fn ages_ms<'a>(curves: impl Iterator<Item = &'a Coverage>) -> Vec<u64> {
    let longest = curves.map(|curve| curve.mean_ppm.len()).max().unwrap_or(0);
    Coverage::ages_ms().take(longest).collect()
}

fn latency_words(latency: Latency) -> String {
    match latency.distribution {
        Distribution::Constant => format!("{} ms", latency.mean_ms),
        Distribution::World => "as between places all over the world".into(),
        Distribution::Range { least_ms, most_ms } => format!("{least_ms} to {most_ms} ms"),
        other => format!("{} ms, {other}", latency.mean_ms),
    }
}

fn time(time: std::time::Duration) -> String {
    humantime::format_duration(time).to_string()
}

fn html(data: &Data<'_>) -> String {
    let json = serde_json::to_string(data).expect("names, numbers and lists of them are JSON");
    let page = Page {
        title: "A run of gossiper sim",
        styles: &STYLES,
        plain: "The charts and tables of this page need JavaScript; <code>gossiper sim</code> \
                prints the figures as text, and as JSON with <code>--json</code>.",
        json: &json,
        scripts: &SCRIPTS,
    };
    page.html()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::frame::expect_harmless;

    #[test]
    fn no_asset_ends_its_element_or_makes_html_of_text() {
        expect_harmless(&STYLES, &SCRIPTS);
    }

    #[test]
    fn curves_end_where_they_stay_as_they_are() {
        let coverage = Coverage {
            mean_ppm: vec![1, 5, 9, 9, 9],
            low_ppm: vec![0, 5, 5, 5, 5],
            high_ppm: vec![1, 9, 9, 9, 9],
        };
        let curve = Curve::of(&coverage);
        assert_eq!((curve.mean, curve.low), (&[1, 5, 9][..], &[0, 5, 5][..]));
        let nothing = Coverage::default();
        assert!(Curve::of(&nothing).mean.is_empty());
    }
}
