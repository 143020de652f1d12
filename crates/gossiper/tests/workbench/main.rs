//! `gossiper test` as a user has it: the real command with real node processes, the nodes of
//! known behavior among them, held to what examples/fixture/README.md says of each.
//!
//! A run takes ten seconds of quiet whatever it is about, so each test starts all its runs at once
//! and then judges one after the other. No time is bounded from above: the machine may be slow.

mod arguments;
mod broken;
mod command;
mod faults;
#[path = "../fixture_path/mod.rs"]
mod fixture_path;
mod folder;
mod parity;
mod results;
mod scripts;
mod seeds;
mod signals;
mod sound;
