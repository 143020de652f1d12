//! All transcripts of `cases/`, against the node as a process.

use std::path::{Path, PathBuf};

use gossiper_lab::check::{CaseFile, Options, Program, Verdict, run_files};

fn case_files() -> Vec<CaseFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
    let entries = std::fs::read_dir(&folder).expect("there is a folder of cases");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    paths.iter().map(|path| CaseFile::load(path).unwrap_or_else(|why| panic!("{why}"))).collect()
}

fn check(files: &[CaseFile], bytes: bool) {
    let program = Program::own(vec![env!("CARGO_BIN_EXE_gossiper").into(), "node".into()]);
    let options = Options { bytes, ..Options::default() };
    let mut out = Vec::new();
    let summary = run_files(files, &program, &options, &mut out).unwrap();
    let report = String::from_utf8(out).unwrap();
    assert_eq!(summary.verdict(), Verdict::Pass, "{report}");
    assert_eq!(summary.skipped, 0, "{report}");
}

#[test]
fn every_case_passes_byte_for_byte() {
    let files = case_files();
    assert!(files.iter().map(|file| file.cases.len()).sum::<usize>() > 50);
    check(&files, true);
}

#[test]
fn the_published_cases_pass_by_value_too() {
    let mut files = case_files();
    files.retain(|file| file.path.ends_with("seed.json"));
    assert_eq!(files[0].cases.len(), 8);
    check(&files, false);
}
