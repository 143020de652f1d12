//! The command line of gossiper: it reads arguments, and hands on to the crates that do the work.

mod check;
mod cli;
mod node;
mod sim;
mod test;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.command {
        cli::Command::Node(args) => node::run(&args),
        cli::Command::Check(args) => check::run(&args),
        cli::Command::Test(args) => test::run(&args),
        cli::Command::Sim(args) => sim::run(&args),
    }
}

/// Shows the help that was asked for, or what is wrong with the arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done if there is nobody to read it.
    let _ = error.print();
    let bad_arguments = match std::env::args().nth(1).as_deref() {
        Some("test") => test::BAD_ARGUMENTS,
        Some("sim") => sim::BAD_ARGUMENTS,
        _ => 2,
    };
    if error.use_stderr() { ExitCode::from(bad_arguments) } else { ExitCode::SUCCESS }
}
