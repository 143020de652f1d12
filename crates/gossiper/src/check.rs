//! `gossiper check`: from arguments to the lab's transcript checker.

use std::io::{self, Write as _};
use std::process::ExitCode;

use gossiper_lab::check::{self, CaseFile, Options, Program, Verdict};

use crate::cli::CheckArgs;

/// What the user has to mend before anything can be checked.
const UNUSABLE: u8 = 2;

pub(crate) fn run(args: &CheckArgs) -> ExitCode {
    match try_run(args) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "gossiper check: {message}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn try_run(args: &CheckArgs) -> Result<u8, String> {
    let program = program(args)?;
    let files = args.files.iter().map(|path| CaseFile::load(path));
    let files = files.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let options =
        Options { bytes: args.bytes, time_limit: args.time_limit, filter: args.filter.clone() };
    let mut out = io::stdout().lock();
    let summary = check::run_files(&files, &program, &options, &mut out)
        .and_then(|summary| out.flush().map(|()| summary))
        .map_err(|error| format!("cannot write the results: {error}"))?;
    Ok(match summary.verdict() {
        Verdict::Pass => 0,
        Verdict::Fail => 1,
        Verdict::Unknown => UNUSABLE,
    })
}

fn program(args: &CheckArgs) -> Result<Program, String> {
    let Some(bin) = &args.bin else {
        let own = std::env::current_exe()
            .map_err(|error| format!("cannot find this program's own file: {error}"))?;
        let own = own.to_str().ok_or("the path of this program's own file is not UTF-8")?;
        let mut command = vec![own.to_owned(), "node".to_owned()];
        command.extend(args.args.iter().cloned());
        return Ok(Program::own(command));
    };
    let mut command = shlex::split(bin)
        .filter(|words| !words.is_empty())
        .ok_or_else(|| format!("--bin is not a command: {bin:?} (empty, or a quote is open)"))?;
    command.extend(args.args.iter().cloned());
    Ok(Program::foreign(command))
}
