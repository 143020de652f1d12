//! The case format: what a file may say, and what is wrong with one that says something else.
//!
//! `cases/README.md` describes the format for those who write cases; the two must agree.

mod field;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use self::field::{boolean, bytes_of_hex, list, millis, number, text, texts};
use super::json::Json;
use super::pattern::Pattern;

/// Longest line that `send_repeat` may make. Far above any sane limit of a node, far below memory.
const REPEATED_BYTES_MAX: u64 = 256 << 20;

/// The cases of one file, in its order.
#[derive(Clone, Debug)]
pub struct CaseFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

/// One transcript, to be played to a fresh process.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it belongs to; a label for people, may be empty.
    pub task: String,
    /// A sentence that says what is checked.
    pub name: String,
    pub(super) args: Vec<String>,
    pub(super) time_limit: Option<Duration>,
    pub(super) exact: bool,
    pub(super) steps: Vec<Step>,
}

/// One step of a dialogue.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Outgoing),
    Expect(Expected),
    ExpectAnyOrder(Vec<Expected>),
    SkipUntil(Expected),
    Silence(Duration),
    Wait(Duration),
    Close,
    Exit(i32),
    ExpectStderr(String),
}

/// A line for the node, still without its line feed.
#[derive(Clone, Debug)]
pub(super) enum Outgoing {
    Bytes(Vec<u8>),
    /// Holds no patterns but variables, all bound by an earlier step.
    Template(Pattern),
    /// Made only when it is sent, since it may be huge.
    Repeat {
        prefix: String,
        text: String,
        times: usize,
        suffix: String,
    },
}

/// A line that the node must print.
#[derive(Clone, Debug)]
pub(super) enum Expected {
    /// Verbatim.
    Line(String),
    /// By its parts.
    Pattern(Pattern),
}

/// Why a case file cannot be used.
#[derive(Clone, Debug)]
pub struct LoadError {
    path: PathBuf,
    /// Which case, where it is about one.
    place: Option<String>,
    problem: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl Error for LoadError {}

impl CaseFile {
    /// Reads and checks a whole file; one bad case spoils it, so that no slip passes for a green
    /// run.
    pub fn load(path: &Path) -> Result<CaseFile, LoadError> {
        let error = |place, problem| LoadError { path: path.to_owned(), place, problem };
        let text = fs::read_to_string(path)
            .map_err(|cause| error(None, format!("cannot be read: {cause}")))?;
        let json = Json::parse(&text)
            .map_err(|cause| error(None, format!("is not JSON: {cause}; mend the file there")))?;
        let Json::List(elements) = json else {
            let problem = format!("holds {}; put the cases in a list: [ ... ]", json.kind());
            return Err(error(None, problem));
        };
        let mut cases = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            let case = Case::of_json(element).map_err(|problem| {
                let name = match element.field("name") {
                    Some(Json::Text(name)) => format!(" \"{}\"", name.plain),
                    _ => String::new(),
                };
                error(Some(format!("case {}{name}", index + 1)), problem)
            })?;
            cases.push(case);
        }
        Ok(CaseFile { path: path.to_owned(), cases })
    }
}

impl Case {
    fn of_json(json: &Json) -> Result<Case, String> {
        let keys = "task, name, note, args, time_limit_ms, exact, and either steps or input and \
                    expected";
        let Json::Object(fields) = json else {
            return Err(format!("is {}; a case is an object with {keys}", json.kind()));
        };
        let mut case = Case {
            task: String::new(),
            name: String::new(),
            args: Vec::new(),
            time_limit: None,
            exact: false,
            steps: Vec::new(),
        };
        let (mut input, mut expected, mut steps) = (None, None, None);
        for (key, value) in fields {
            let in_field = |problem: String| format!("\"{}\": {problem}", key.plain);
            match key.plain.as_str() {
                "task" => case.task = text(value).map_err(in_field)?,
                "name" => case.name = text(value).map_err(in_field)?,
                "note" => drop(text(value).map_err(in_field)?),
                "args" => case.args = texts(value).map_err(in_field)?,
                "time_limit_ms" => case.time_limit = Some(millis(value).map_err(in_field)?),
                "exact" => case.exact = boolean(value).map_err(in_field)?,
                "input" => input = Some(texts(value).map_err(in_field)?),
                "expected" => expected = Some(texts(value).map_err(in_field)?),
                "steps" => steps = Some(list(value).map_err(in_field)?),
                other => return Err(format!("unknown key \"{other}\"; a case has {keys}")),
            }
        }
        if case.name.is_empty() {
            return Err("has no name; give it \"name\": a sentence that says what it checks".into());
        }
        case.steps = match (input, expected, steps) {
            (Some(input), Some(expected), None) => {
                let sends = input.into_iter().map(send_line).collect::<Result<Vec<_>, _>>()?;
                let expects = expected.into_iter().map(|line| Step::Expect(Expected::Line(line)));
                sends.into_iter().chain(expects).collect()
            }
            (None, None, Some(steps)) => parse_steps(steps)?,
            _ => return Err("needs either \"steps\", or both \"input\" and \"expected\"".into()),
        };
        let is_check = |step: &Step| !matches!(step, Step::Send(_) | Step::Wait(_) | Step::Close);
        if !case.exact && !case.steps.iter().any(is_check) {
            return Err("expects nothing, so it would check nothing".into());
        }
        Ok(case)
    }
}

impl Step {
    /// The step in the words of the case file, for reports.
    pub(super) fn describe(&self) -> String {
        match self {
            Step::Send(_) => "send".into(),
            Step::Expect(_) => "expect".into(),
            Step::ExpectAnyOrder(lines) => format!("expect_any_order, {} lines", lines.len()),
            Step::SkipUntil(_) => "skip_until".into(),
            Step::Silence(time) => format!("silence_ms {}", time.as_millis()),
            Step::Wait(time) => format!("wait_ms {}", time.as_millis()),
            Step::Close => "close".into(),
            Step::Exit(code) => format!("exit {code}"),
            Step::ExpectStderr(text) => format!("expect_stderr {text:?}"),
        }
    }

    fn of_json(json: &Json) -> Result<Step, String> {
        let Json::Object(fields) = json else {
            return Err(format!("is {}; a step is an object with one key", json.kind()));
        };
        let [(key, value)] = fields.as_slice() else {
            return Err(format!("has {} keys; a step has one", fields.len()));
        };
        let key = key.plain.as_str();
        let step = match key {
            "send" => match value {
                Json::Text(line) => send_line(line.plain.clone()),
                value => template(value).map(Step::Send),
            },
            "send_bytes_hex" => {
                text(value).and_then(|hex| Ok(Step::Send(Outgoing::Bytes(bytes_of_hex(&hex)?))))
            }
            "send_repeat" => repeat(value).map(Step::Send),
            "expect" => expected(value).map(Step::Expect),
            "expect_any_order" => list(value).and_then(|lines| {
                lines.iter().map(expected).collect::<Result<_, _>>().map(Step::ExpectAnyOrder)
            }),
            "skip_until" => expected(value).map(Step::SkipUntil),
            "silence_ms" => millis(value).map(Step::Silence),
            "wait_ms" => millis(value).map(Step::Wait),
            "close" => match value {
                Json::Bool(true) => Ok(Step::Close),
                _ => Err("must be true".into()),
            },
            "exit" => number(value).map(Step::Exit),
            "expect_stderr" => text(value).map(Step::ExpectStderr),
            other => {
                return Err(format!(
                    "unknown step \"{other}\"; there are send, send_bytes_hex, send_repeat, \
                     expect, expect_any_order, skip_until, silence_ms, wait_ms, close, exit and \
                     expect_stderr"
                ));
            }
        };
        step.map_err(|problem| format!("\"{key}\": {problem}"))
    }
}

/// Reads the steps and checks what only shows across them: use before binding, and sending after
/// closing.
fn parse_steps(steps: &[Json]) -> Result<Vec<Step>, String> {
    let mut bound = BTreeSet::new();
    let mut is_closed = false;
    let mut parsed = Vec::with_capacity(steps.len());
    for (index, json) in steps.iter().enumerate() {
        let in_step = |problem: String| format!("step {}: {problem}", index + 1);
        let step = Step::of_json(json).map_err(in_step)?;
        match &step {
            Step::Send(_) if is_closed => {
                return Err(in_step("sends after \"close\"; move it before".into()));
            }
            Step::Send(Outgoing::Template(pattern)) => {
                for name in pattern.variable_names() {
                    if !bound.contains(name) {
                        return Err(in_step(format!(
                            "sends <${name}>, which no expected line before it binds"
                        )));
                    }
                }
            }
            Step::Expect(line) | Step::SkipUntil(line) => bound.extend(line.variable_names()),
            Step::ExpectAnyOrder(lines) => {
                bound.extend(lines.iter().flat_map(Expected::variable_names));
            }
            Step::Close => is_closed = true,
            _ => {}
        }
        parsed.push(step);
    }
    Ok(parsed)
}

impl Expected {
    fn variable_names(&self) -> Vec<String> {
        match self {
            Expected::Line(_) => Vec::new(),
            Expected::Pattern(pattern) => {
                pattern.variable_names().into_iter().map(str::to_owned).collect()
            }
        }
    }
}

fn expected(json: &Json) -> Result<Expected, String> {
    match json {
        Json::Text(line) => Ok(Expected::Line(line.plain.clone())),
        json => Pattern::compile(json).map(Expected::Pattern),
    }
}

fn send_line(line: String) -> Result<Step, String> {
    match line.contains('\n') {
        true => Err("a line to send holds a line feed; make it two lines".into()),
        false => Ok(Step::Send(Outgoing::Bytes(line.into_bytes()))),
    }
}

fn template(json: &Json) -> Result<Outgoing, String> {
    fn is_sendable(pattern: &Pattern) -> bool {
        match pattern {
            Pattern::Scalar(_) | Pattern::Variable(_) => true,
            Pattern::List(elements) => elements.iter().all(is_sendable),
            Pattern::Object { fields, more } => {
                !more && fields.iter().all(|(_, value)| is_sendable(value))
            }
            _ => false,
        }
    }

    let pattern = Pattern::compile(json)?;
    match is_sendable(&pattern) {
        true => Ok(Outgoing::Template(pattern)),
        false => Err("holds a pattern; of these only <$name> can be sent, and \"<<any>\" is the \
                      text <any>"
            .into()),
    }
}

fn repeat(json: &Json) -> Result<Outgoing, String> {
    let keys = "prefix, text, times and suffix";
    let Json::Object(fields) = json else {
        return Err(format!("is {}; it takes an object with {keys}", json.kind()));
    };
    let (mut prefix, mut repeated, mut suffix) = (String::new(), String::new(), String::new());
    let mut times: u32 = 0;
    for (key, value) in fields {
        match key.plain.as_str() {
            "prefix" => prefix = text(value)?,
            "text" => repeated = text(value)?,
            "times" => times = number(value)?,
            "suffix" => suffix = text(value)?,
            other => return Err(format!("unknown key \"{other}\"; it takes {keys}")),
        }
    }
    if repeated.len() as u64 * u64::from(times) > REPEATED_BYTES_MAX {
        return Err(format!("makes more than {} MiB; take fewer times", REPEATED_BYTES_MAX >> 20));
    }
    Ok(Outgoing::Repeat { prefix, text: repeated, times: times as usize, suffix })
}

#[cfg(test)]
mod tests;
