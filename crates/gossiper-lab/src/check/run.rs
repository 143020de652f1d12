//! The player: one case on one process, and whole files in order.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::case::{Case, CaseFile, Expected, Outgoing, Step};
use super::compare::cut;
use super::difference::Pairing;
use super::pattern::Variables;
use super::process::{PIPES_GRACE, Printed, Process};
use super::report::{Failure, Outcome, Summary};
use super::{Options, Program};

/// Lines of stderr shown with a failure.
const STDERR_LINES_SHOWN: usize = 20;
/// Printed lines that no step has looked at, shown with a failure.
const UNREAD_LINES_SHOWN: usize = 3;
/// How long a failure waits for them: long enough for what the node is just printing.
const UNREAD_GRACE: Duration = Duration::from_millis(20);

/// Plays one case to a fresh process. The process is gone when this returns.
pub fn run(case: &Case, program: &Program, options: &Options) -> Outcome {
    if !case.args.is_empty() && !program.takes_flags {
        return Outcome::Skip(format!(
            "it needs the flags {}, which only gossiper node is known to take",
            case.args.join(" ")
        ));
    }
    let started = Instant::now();
    let process = match Process::start(&program.command, &case.args) {
        Ok(process) => process,
        Err(cause) => {
            let command = program.command.join(" ");
            return Outcome::NotStarted(format!("`{command}` cannot be started: {cause}"));
        }
    };
    let limit = case.time_limit.unwrap_or(options.time_limit);
    let mut session = Session {
        process,
        bytes: options.bytes,
        limit,
        deadline: started + limit,
        variables: Variables::new(),
        transcript: Vec::new(),
    };
    for (index, step) in case.steps.iter().enumerate() {
        if let Err(problem) = session.play(step) {
            let step = format!("step {} of {}, {}", index + 1, case.steps.len(), step.describe());
            return Outcome::Fail(Box::new(session.fail(case, step, problem)));
        }
    }
    if case.exact
        && let Err(problem) = session.finish()
    {
        let step = "after the last step (the case is exact)".to_owned();
        return Outcome::Fail(Box::new(session.fail(case, step, problem)));
    }
    Outcome::Pass { took: started.elapsed() }
}

/// Plays all cases of all files in order, writes a line for each to `out` and more for a failed
/// one, and at the end the summary. Errors are those of `out`.
pub fn run_files(
    files: &[CaseFile],
    program: &Program,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Summary> {
    let filter = options.filter.as_ref().map(|text| text.to_lowercase());
    let is_chosen = |case: &&Case| match &filter {
        Some(text) => [&case.name, &case.task].iter().any(|s| s.to_lowercase().contains(text)),
        None => true,
    };
    let mut summary = Summary::default();
    let started = Instant::now();
    let mut is_startable = true;
    for file in files {
        let chosen: Vec<&Case> = file.cases.iter().filter(is_chosen).collect();
        summary.left_out += file.cases.len() - chosen.len();
        if chosen.is_empty() {
            continue;
        }
        writeln!(out, "{}", file.path.display())?;
        for case in chosen {
            let outcome = match is_startable {
                true => run(case, program, options),
                // Once is enough: the program is the same for all.
                false => Outcome::Skip("the program cannot be started".into()),
            };
            is_startable &= !matches!(outcome, Outcome::NotStarted(_));
            summary.add(&file.path, case, &outcome);
            summary.took = started.elapsed();
            outcome.write(case, out)?;
            out.flush()?;
        }
    }
    write!(out, "\n{summary}")?;
    out.flush()?;
    Ok(summary)
}

struct Session {
    process: Process,
    bytes: bool,
    limit: Duration,
    /// When the case has waited for the node long enough.
    deadline: Instant,
    variables: Variables,
    /// What was sent and printed, for the report.
    transcript: Vec<String>,
}

/// What is wrong, a line each.
type Problem = Vec<String>;

impl Session {
    fn play(&mut self, step: &Step) -> Result<(), Problem> {
        match step {
            Step::Send(outgoing) => {
                let line = self.outgoing(outgoing);
                self.note("> ", &line);
                self.process.send(line);
                Ok(())
            }
            Step::Expect(expected) => {
                let line = self.line(&[expected])?;
                expected.check(&line, self.bytes, &mut self.variables)
            }
            Step::ExpectAnyOrder(expected) => self.expect_any_order(expected),
            Step::SkipUntil(expected) => self.skip_until(expected),
            Step::Silence(time) => self.silence(*time),
            Step::Wait(time) => {
                std::thread::sleep(*time);
                self.deadline += *time;
                self.transcript.push(format!("- waited {} ms", time.as_millis()));
                Ok(())
            }
            Step::Close => {
                self.close();
                Ok(())
            }
            Step::Exit(code) => self.exit(*code),
            Step::ExpectStderr(text) => match self.process.wait_for_stderr(text, self.deadline) {
                true => Ok(()),
                false => Err(vec![format!("no line of stderr has {text:?} in it")]),
            },
        }
    }

    /// After the last step of an exact case: nothing more to stdout, and an orderly end.
    fn finish(&mut self) -> Result<(), Problem> {
        if self.process.is_open() {
            self.close();
        }
        self.exit(0)?;
        match self.process.rest().first() {
            None => Ok(()),
            Some(line) => {
                self.note("< ", line);
                Err(vec![
                    "expected  nothing more".into(),
                    format!("printed   {}", cut(&String::from_utf8_lossy(line))),
                ])
            }
        }
    }

    fn outgoing(&self, outgoing: &Outgoing) -> Vec<u8> {
        match outgoing {
            Outgoing::Bytes(bytes) => bytes.clone(),
            Outgoing::Template(pattern) => {
                let value = pattern.value(&self.variables);
                value.expect("checked at loading").to_string().into_bytes()
            }
            Outgoing::Repeat { prefix, text, times, suffix } => {
                [prefix, text.repeat(*times).as_str(), suffix].concat().into_bytes()
            }
        }
    }

    /// The next printed line. The expected lines are for the report only.
    fn line(&mut self, expected: &[&Expected]) -> Result<Vec<u8>, Problem> {
        let problem = match self.process.next_line(self.deadline) {
            Printed::Line(line) => {
                self.note("< ", &line);
                return Ok(line);
            }
            Printed::Nothing => {
                format!("nothing came within the time limit of {:?}", self.limit)
            }
            Printed::Closed => "nothing more will come: the node has closed its stdout".into(),
            Printed::TooLong => "the node printed a line without end".into(),
        };
        let mut report: Problem =
            expected.iter().map(|e| format!("expected  {}", cut(&e.shown()))).collect();
        report.push(problem);
        Err(report)
    }

    fn expect_any_order(&mut self, expected: &[Expected]) -> Result<(), Problem> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut pairing = Pairing::search(0, expected.len(), &self.variables, &|_, _, _| true);
        while let Some(found) = &pairing
            && lines.len() < expected.len()
        {
            let is_left = |(e, is_taken): (_, &bool)| (!is_taken).then_some(e);
            let left: Vec<&Expected> =
                expected.iter().zip(&found.is_taken).filter_map(is_left).collect();
            lines.push(self.line(&left)?);
            // All lines are paired anew, since an earlier one may have taken what only this one
            // fits.
            pairing = Pairing::search(
                lines.len(),
                expected.len(),
                &self.variables,
                &|line, pattern, variables| {
                    expected[pattern].check(&lines[line], self.bytes, variables).is_ok()
                },
            );
            if pairing.is_none() {
                return Err(self.nearest(&left, &lines[lines.len() - 1]));
            }
        }
        if let Some(found) = pairing {
            self.variables = found.variables;
        }
        Ok(())
    }

    /// Why `line` is none of the lines that are left.
    fn nearest(&self, left: &[&Expected], line: &[u8]) -> Problem {
        let mut report = vec![match left.len() {
            1 => "it is not the one line still expected:".to_owned(),
            count => format!("it is none of the {count} lines still expected; the nearest:"),
        }];
        if let Some(nearest) = left.iter().min_by_key(|e| e.distance(line, &self.variables)) {
            let difference = nearest.check(line, self.bytes, &mut self.variables.clone());
            report.extend(difference.err().unwrap_or_default());
        }
        report
    }

    fn skip_until(&mut self, expected: &Expected) -> Result<(), Problem> {
        let mut skipped = 0;
        loop {
            let line = self.line(&[expected]).map_err(|mut report| {
                report.push(format!("{skipped} other lines came"));
                report
            })?;
            if expected.check(&line, self.bytes, &mut self.variables).is_ok() {
                return Ok(());
            }
            skipped += 1;
        }
    }

    fn silence(&mut self, time: Duration) -> Result<(), Problem> {
        match self.process.next_line(Instant::now() + time) {
            Printed::Nothing => {}
            Printed::Closed if self.process.is_open() => {
                return Err(vec!["the node has closed its stdout while its stdin is open".into()]);
            }
            Printed::Closed => {}
            Printed::TooLong => return Err(vec!["the node printed a line without end".into()]),
            Printed::Line(line) => {
                self.note("< ", &line);
                return Err(vec![
                    format!("expected  nothing for {} ms", time.as_millis()),
                    format!("printed   {}", cut(&String::from_utf8_lossy(&line))),
                ]);
            }
        }
        self.deadline += time;
        self.transcript.push(format!("- silence for {} ms", time.as_millis()));
        Ok(())
    }

    fn close(&mut self) {
        self.process.close();
        self.transcript.push("- stdin closed".into());
    }

    fn exit(&mut self, code: i32) -> Result<(), Problem> {
        match self.process.wait_for_exit(self.deadline) {
            Some(status) if status.code() == Some(code) => {
                self.transcript.push(format!("- exited with {code}"));
                Ok(())
            }
            Some(status) => {
                Err(vec![format!("expected an exit with {code}, but it ended with {status}")])
            }
            None if self.process.is_open() => Err(vec![format!(
                "it did not exit within the time limit of {:?}; its stdin is still open",
                self.limit
            )]),
            None => Err(vec![format!(
                "it did not exit within the time limit of {:?} though its stdin was closed",
                self.limit
            )]),
        }
    }

    fn note(&mut self, mark: &str, line: &[u8]) {
        self.transcript.push(format!("{mark}{}", cut(&String::from_utf8_lossy(line))));
    }

    fn fail(mut self, case: &Case, step: String, problem: Problem) -> Failure {
        let status = self.process.ended();
        let ended = match status {
            Some(status) => format!("the process had ended ({status})"),
            None => "the process was still running and has been stopped".into(),
        };
        let grace = if status.is_some() { PIPES_GRACE } else { UNREAD_GRACE };
        let deadline = Instant::now() + grace;
        let mut unread = Vec::new();
        while unread.len() < UNREAD_LINES_SHOWN
            && let Printed::Line(line) = self.process.next_line(deadline)
        {
            unread.push(cut(&String::from_utf8_lossy(&line)));
        }
        Failure {
            name: case.name.clone(),
            step,
            problem,
            transcript: self.transcript,
            unread,
            stderr: self.process.stderr_tail(STDERR_LINES_SHOWN),
            ended,
        }
    }
}
