//! The command line of gossiper: it reads arguments, and hands on to the crates that do the work.

mod check;
mod cli;
mod node;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Cli::parse().command {
        cli::Command::Node(args) => node::run(&args),
        cli::Command::Check(args) => check::run(&args),
    }
}
