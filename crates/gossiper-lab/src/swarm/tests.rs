use super::*;

fn nothing() {}

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
        let hunt = hunt(1, 40, threads, &core_node, &nothing);
        format!("{hunt:?}")
    };
    let one = told(1);
    assert_eq!(one, told(3));
    assert_eq!(one, told(16));
}

/// What the swarm has found, shrunk: nodes without digests that did not answer who compares with one,
/// and nodes that started anew and asked only each other.
const MENDED: [&str; 4] = [
    r#"{"seed":160,"nodes":2,"topology":"total","latency":"10","settings":{"strategy":"hybrid","pace_ms":100,"fanout":2,"gossip_interval_ms":1000,"ack_timeout_ms":500,"awaited_max":65536},"other_settings":{"1":{"strategy":"hybrid","pace_ms":100,"fanout":5,"gossip_interval_ms":1000,"ack_timeout_ms":500,"awaited_max":65536,"without":["push","fallback","digest","relay","riding","repair","comparison"]}},"broadcasts":[{"at_ms":2655,"node":0,"value":0}],"faults":[],"jolts":[{"at_ms":2164,"node":1,"down_ms":700}],"calm_at_ms":3624}"#,
    r#"{"seed":76,"nodes":2,"topology":"total","latency":"10","settings":{"strategy":"hybrid","pace_ms":100,"fanout":2,"gossip_interval_ms":1000,"ack_timeout_ms":500,"awaited_max":65536},"other_settings":{"1":{"strategy":"hybrid","pace_ms":100,"fanout":3,"gossip_interval_ms":1000,"ack_timeout_ms":1000,"awaited_max":65536,"without":["push","fallback","digest","repair","comparison","skipping"]}},"broadcasts":[{"at_ms":5653,"node":0,"value":0}],"faults":[{"at_ms":1897,"start":"partition","shape":"majorities-ring","sees":[[0,1],[1]]}],"calm_at_ms":5654}"#,
    r#"{"seed":83,"nodes":2,"topology":"total","latency":"10","settings":{"strategy":"hybrid","pace_ms":100,"fanout":2,"gossip_interval_ms":1000,"ack_timeout_ms":500,"awaited_max":65536},"other_settings":{"1":{"strategy":"gossip","pace_ms":20,"fanout":2,"gossip_interval_ms":1000,"ack_timeout_ms":2000,"awaited_max":65536,"without":["digest","comparison","skipping"]}},"broadcasts":[{"at_ms":4429,"node":1,"value":0},{"at_ms":4449,"node":1,"value":1},{"at_ms":4511,"node":0,"value":2},{"at_ms":4523,"node":1,"value":3},{"at_ms":4595,"node":1,"value":4}],"faults":[],"jolts":[{"at_ms":604,"node":1,"down_ms":4000}],"calm_at_ms":4596}"#,
    r#"{"seed":6017,"nodes":3,"topology":"total","latency":"40","settings":{"strategy":"hybrid","pace_ms":100,"fanout":2,"gossip_interval_ms":1000,"ack_timeout_ms":500,"awaited_max":65536},"broadcasts":[{"at_ms":0,"node":1,"value":0},{"at_ms":0,"node":2,"value":1},{"at_ms":0,"node":1,"value":2},{"at_ms":0,"node":1,"value":3},{"at_ms":0,"node":2,"value":4},{"at_ms":0,"node":2,"value":5},{"at_ms":0,"node":1,"value":6},{"at_ms":0,"node":1,"value":7},{"at_ms":0,"node":2,"value":8},{"at_ms":0,"node":2,"value":9}],"faults":[{"at_ms":56,"start":"slow","factor":5.0},{"at_ms":252,"start":"slow","factor":20.0},{"at_ms":1148,"start":"slow","factor":2.0},{"at_ms":1450,"start":"kill","nodes":[2],"target":"hub"},{"at_ms":2710,"stop":"slow"},{"at_ms":3186,"start":"one-way","direction":"in","side":[1]},{"at_ms":3458,"start":"kill","nodes":[1],"target":"hub"},{"at_ms":3547,"stop":"kill"},{"at_ms":4756,"start":"kill","nodes":[1],"target":"hub"}],"jolts":[{"at_ms":232,"node":1,"down_ms":50},{"at_ms":3262,"node":1,"down_ms":700}],"calm_at_ms":4757}"#,
];

#[test]
fn what_was_found_and_mended_stays_mended() {
    for case in MENDED {
        let scenario = Scenario::from_json(case).unwrap();
        assert_eq!(play(&scenario, &core_node).unwrap().breach, None, "{case}");
    }
}

/// That a cluster which agrees falls silent, and awaits nothing, does not hold of every seed yet:
/// see the open ends in docs/simulation.md.
#[test]
fn no_seed_breaks_safety_or_leaves_anybody_out() {
    let hunt = hunt(1, 60, 2, &core_node, &nothing);
    let is_open = |check| matches!(check, Check::Idle | Check::Remainder);
    let broken: Vec<_> = hunt.failures.iter().filter(|(_, it)| !is_open(it.check)).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let tally = hunt.tally;
    assert!(tally.seeds == 60 && tally.lost > 0 && tally.deaths > 0 && tally.promised > 30);
}
