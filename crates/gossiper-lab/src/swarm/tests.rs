use std::fs;
use std::path::Path;

use super::*;

fn nothing(_: u64, _: Option<&Breach>) {}

#[test]
fn what_is_drawn_can_be_played_written_and_read() {
    for seed in 0..500 {
        let scenario = Scenario::draw(seed);
        assert_eq!(scenario.check(), Ok(()), "seed {seed}");
        let text = scenario.to_json();
        let again = Scenario::from_json(&text).unwrap();
        assert_eq!(again.to_json(), text);
        assert_eq!(format!("{again:?}"), format!("{scenario:?}"));
    }
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let told = |threads| {
        let hunt = hunt(1, 24, threads, &core_node, &nothing);
        format!("{hunt:?}")
    };
    let one = told(1);
    assert_eq!(one, told(3));
    assert_eq!(one, told(16));
}

/// What the swarm has found, shrunk: one file for each cause at least.
#[test]
fn what_was_found_and_mended_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/swarm");
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let scenario = Scenario::from_json(&fs::read_to_string(&path).unwrap()).unwrap();
        let breach = play(&scenario, &core_node).unwrap().breach;
        assert_eq!(breach, None, "gossiper sim --swarm --replay {}", path.display());
        files += 1;
    }
    assert!(files > 0, "there are such files");
}

#[test]
fn the_first_seeds_keep_every_promise() {
    let hunt = hunt(1, 60, 2, &core_node, &nothing);
    assert!(hunt.failures.is_empty(), "{:?}", hunt.failures);
    let tally = hunt.tally;
    assert!(tally.seeds == 60 && tally.lost > 0 && tally.deaths > 0 && tally.promised > 30);
}
