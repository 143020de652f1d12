//! The protocols side by side, for one thing that goes wrong after another.

use gossiper_core::{Config, Strategy};

use super::played::Played;
use crate::fault::FaultPlan;
use crate::simulation::{Crash, Results, Scenario, ScenarioError, Span, Trouble, Victims};

/// The share of messages that is lost in the case of loss, where nothing else is asked for.
const LOSS: f64 = 0.05;

/// What is to go wrong.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// Nothing is asked for: without faults, with loss, and with a crashed inner node are compared.
    Unasked,
    /// This is.
    Trouble(Trouble),
    /// This plan is, which names the nodes of a cluster of its own size.
    Plan(FaultPlan),
}

/// One thing that goes wrong, and what came of it for each protocol.
#[derive(Debug)]
pub struct Case {
    /// What goes wrong.
    pub name: String,
    /// What has to be said to the command besides, to play this case alone.
    pub arguments: String,
    /// By protocol.
    pub runs: Vec<Results>,
    pub(super) played: Option<Played>,
}

/// The protocols side by side on one cluster.
#[derive(Debug)]
pub struct Comparison {
    /// The first is what was asked for.
    pub cases: Vec<Case>,
    pub(super) scenario: Scenario,
    /// Those of the protocols.
    pub(super) configs: Vec<Config>,
}

/// A case that is to be played.
struct Plan {
    name: String,
    arguments: String,
    wrong: Wrong,
}

impl Comparison {
    /// Has a scenario played with each of the protocols, for each case, and plays the small cluster.
    /// Of the scenario's own the strategy and the faults do not count.
    ///
    /// # Errors
    ///
    /// If it cannot be played.
    pub fn play(
        scenario: &Scenario,
        strategies: &[Strategy],
        wrong: &Wrong,
        play: impl Fn(Scenario) -> Result<Results, ScenarioError>,
    ) -> Result<Self, ScenarioError> {
        let plans = plans(scenario, wrong);
        let config = |&strategy: &Strategy| Config { strategy, ..scenario.config.clone() };
        let configs: Vec<Config> = strategies.iter().map(config).collect();
        let of = |plan: &Plan, scenario: &Scenario| {
            let faults = plan.wrong.draw(scenario.nodes, scenario.seed)?;
            let each = |config: &Config| Scenario {
                config: config.clone(),
                faults: faults.clone(),
                ..scenario.clone()
            };
            let scenarios: Vec<Scenario> = configs.iter().map(each).collect();
            scenarios.iter().try_for_each(Scenario::check)?;
            Ok(scenarios)
        };
        // All are looked at before the first is played.
        let scenarios = plans.iter().map(|plan| of(plan, scenario));
        let scenarios: Vec<Vec<Scenario>> = scenarios.collect::<Result<_, ScenarioError>>()?;
        let case = |(plan, scenarios): (Plan, Vec<Scenario>)| {
            let runs = scenarios.into_iter().map(&play).collect::<Result<Vec<_>, _>>()?;
            let played = Played::of(scenario, strategies, &plan.wrong);
            Ok(Case { name: plan.name, arguments: plan.arguments, runs, played })
        };
        let cases = plans.into_iter().zip(scenarios).map(case);
        Ok(Self { cases: cases.collect::<Result<_, _>>()?, scenario: scenario.clone(), configs })
    }
}

/// What is played, one case after the other.
fn plans(scenario: &Scenario, wrong: &Wrong) -> Vec<Plan> {
    let plan = |name: String, arguments: String, trouble| Plan {
        name,
        arguments,
        wrong: Wrong::Trouble(trouble),
    };
    match wrong {
        Wrong::Unasked => {
            let from_ms = crash_ms(scenario);
            let crash = Crash { victims: Victims::Hub, span: Span { from_ms, until_ms: None } };
            let lossy = Trouble { loss: LOSS, ..Trouble::default() };
            let crashed = Trouble { crash: Some(crash), ..Trouble::default() };
            vec![
                plan("Without faults".into(), String::new(), Trouble::default()),
                plan(format!("{} % loss", LOSS * 100.0), format!("--loss {LOSS}"), lossy),
                plan("Crashed inner node".into(), format!("--crash hub@{from_ms}ms"), crashed),
            ]
        }
        asked => {
            let name = "With the faults asked for".into();
            vec![Plan { name, arguments: String::new(), wrong: asked.clone() }]
        }
    }
}

/// When the inner node crashes, in ms: once a tenth of the load has shown which one sends most, so
/// that most values meet the gap; and not before the first has come to it.
fn crash_ms(scenario: &Scenario) -> u64 {
    let last = scenario.broadcasts.last().map_or(0, |last| last.at.0 / 1_000_000);
    let hops_ms = 2 * u64::from(scenario.latency.mean_ms);
    (last / 10).max(hops_ms).div_ceil(50) * 50
}

impl Wrong {
    /// The plan of faults for a cluster of this size.
    ///
    /// # Errors
    ///
    /// If it cannot be for one; see [`Trouble::draw`].
    pub fn draw(&self, nodes: usize, seed: u64) -> Result<FaultPlan, ScenarioError> {
        match self {
            Self::Unasked => Trouble::default().draw(nodes, seed),
            Self::Trouble(trouble) => trouble.draw(nodes, seed),
            Self::Plan(plan) if plan.nodes() == nodes => Ok(plan.clone()),
            Self::Plan(plan) => Err(ScenarioError::new(format!(
                "the plan of faults is for {} nodes, and not {nodes}",
                plan.nodes()
            ))),
        }
    }
}
