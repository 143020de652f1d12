//! The command line of gossiper: it reads arguments, and hands on to the crates that do the work.

mod check;
mod cli;
mod node;
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
    }
}

/// Shows the help that was asked for, or what is wrong with the arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done if there is nobody to read it.
    let _ = error.print();
    let is_test = std::env::args().nth(1).is_some_and(|word| word == "test");
    match (error.use_stderr(), is_test) {
        (false, _) => ExitCode::SUCCESS,
        (true, true) => ExitCode::from(test::BAD_ARGUMENTS),
        (true, false) => ExitCode::from(2),
    }
}
