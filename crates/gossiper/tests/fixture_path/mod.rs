//! Where the nodes of examples/fixture are built.

use std::path::{Path, PathBuf};

/// The program `fixture` of the same build as the tests.
pub(crate) fn fixture_path() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_gossiper")).with_file_name("examples/fixture");
    assert!(program.exists(), "{} is missing: cargo build --examples", program.display());
    program
}
