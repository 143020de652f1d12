//! Clusters of nodes that differ.
#![allow(clippy::print_stdout, reason = "the seed is printed first")]

mod virtual_time;

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{Config, Strategy};
use virtual_time::{Knows, Plan, Played, Program, play};

fn held(played: &mut Played) -> Vec<BTreeSet<u64>> {
    let ended = played.ended;
    let list = |member: &mut virtual_time::Member| {
        let answer = member.ask(ended, "read");
        answer["messages"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect()
    };
    played.members.iter_mut().map(list).collect()
}

fn show(name: &str, plan: &Plan, seed: u64) {
    let mut played = play(plan, seed);
    let held = held(&mut played);
    let all: BTreeSet<u64> = held.iter().flatten().copied().collect();
    let lacks: Vec<(usize, usize, bool)> = held
        .iter()
        .enumerate()
        .filter(|(_, h)| h.len() < all.len())
        .map(|(p, h)| (p, all.len() - h.len(), played.members[p].is_ours()))
        .collect();
    let f = &played.results.figures;
    let mut types: Vec<_> = played
        .results
        .types
        .iter()
        .map(|t| (t.r#type.as_str(), t.messages, t.bytes / 1000))
        .collect();
    types.sort_by_key(|t| std::cmp::Reverse(t.1));
    println!(
        "{name} seed {seed}: {} values, {:?} msgs/op, prop {:?} excess {:?} lacks {lacks:?} types {types:?}",
        all.len(),
        f.net.servers.msgs_per_op,
        f.propagation_ms.map(|q| (q.median, q.p99, q.max)),
        f.excess_ms.map(|q| (q.median, q.p99, q.max))
    );
    let stats: Vec<_> = played
        .members
        .iter_mut()
        .filter(|m| m.is_ours())
        .map(|m| {
            let e = played.ended;
            let a = m.ask(e, "failure_stats");
            (a["total_failures"].as_u64().unwrap(), a["direct_deliveries"].as_u64().unwrap())
        })
        .collect();
    println!("   failures {stats:?}");
}

fn ours(strategy: Strategy, pace_ms: u64) -> Program {
    Program::Ours(Config { strategy, pace: Duration::from_millis(pace_ms), ..Config::default() })
}

#[test]
fn explore() {
    let h = || ours(Strategy::Hybrid, 100);
    let base = Plan {
        nodes: 25,
        rate_hz: 30.0,
        time_limit: Duration::from_secs(10),
        faults_until: Duration::from_secs(10),
        ..Plan::default()
    };
    for knows in [Knows::Gossip, Knows::Broadcast, Knows::Rounds] {
        let f = || Program::Foreign(knows);
        let mut half: Vec<_> = (0..25).map(|p| if p % 2 == 0 { h() } else { f() }).collect();
        show(&format!("half {knows:?}"), &Plan { programs: half.clone(), ..base.clone() }, 1);
        half[0] = f();
        show(
            &format!("half, n0 foreign {knows:?}"),
            &Plan { programs: half.clone(), ..base.clone() },
            1,
        );
        show(&format!("n0 foreign {knows:?}"), &Plan { programs: vec![f()], ..base.clone() }, 1);
        let one: Vec<_> = (0..25).map(|p| if p == 12 { h() } else { f() }).collect();
        show(&format!("one ours {knows:?}"), &Plan { programs: one.clone(), ..base.clone() }, 1);
    }
    for s in [Strategy::Flood, Strategy::Tree, Strategy::Gossip] {
        let mut half: Vec<_> =
            (0..25).map(|p| if p % 2 == 0 { h() } else { ours(s, 100) }).collect();
        show(&format!("half {s:?}"), &Plan { programs: half.clone(), ..base.clone() }, 1);
        half[0] = ours(s, 100);
        show(&format!("half, n0 {s:?}"), &Plan { programs: half.clone(), ..base.clone() }, 1);
    }
    let paces: Vec<_> = (0..25).map(|p| ours(Strategy::Hybrid, [0, 100, 1000][p % 3])).collect();
    show("paces 0", &Plan { programs: paces.clone(), ..base.clone() }, 1);
    show("paces 100", &Plan { programs: paces[1..].to_vec(), ..base.clone() }, 1);
    show("paces 1000", &Plan { programs: paces[2..].to_vec(), ..base.clone() }, 1);
    show("pace 0 at n0", &Plan { programs: vec![paces[0].clone()], ..base.clone() }, 1);
    show("pace 1000 at n0", &Plan { programs: vec![paces[2].clone()], ..base.clone() }, 1);
    show(
        "pace 1000 at n5",
        &Plan { programs: vec![h(), h(), h(), h(), h(), paces[2].clone()], ..base.clone() },
        1,
    );
}
