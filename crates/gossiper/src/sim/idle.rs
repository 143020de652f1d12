//! Flags that would change nothing. They are refused: who gives one expects that it does something.

use std::path::Path;

use gossiper_core::OverlayKind;
use gossiper_lab::simulation::Overlay;
use gossiper_maelstrom::Strategy;

use super::SimArgs;

/// Why flags that were given cannot have an effect.
pub(super) fn check(args: &SimArgs) -> Result<(), String> {
    for_other_commands(args)?;
    if !args.swarm && args.plan.is_none() {
        for_other_strategies(args)?;
    }
    Ok(())
}

fn for_other_commands(args: &SimArgs) -> Result<(), String> {
    if args.swarm {
        return match &args.plan {
            Some(path) => Err(with_swarm(path)),
            None => Ok(()),
        };
    }
    for (flag, is_given) in [
        ("--seeds", args.seeds.is_some()),
        ("--replay", args.replay.is_some()),
        ("--out", args.out.is_some()),
    ] {
        if is_given {
            return Err(format!("{flag} is for a --swarm: add that, or leave {flag} out"));
        }
    }
    Ok(())
}

fn with_swarm(path: &Path) -> String {
    let path = path.display();
    format!(
        "a --swarm draws all that it plays from its seeds, and reads no plan: leave out {path}, or \
         leave out --swarm to play that plan; what a failure was shrunk to is played with --replay \
         {path}"
    )
}

fn for_other_strategies(args: &SimArgs) -> Result<(), String> {
    let all = args.strategy.list();
    if let Some(senders) = args.senders.filter(|&senders| senders > args.nodes) {
        let nodes = args.nodes;
        return Err(format!(
            "--senders {senders}: the cluster has {nodes} --nodes, and no more send"
        ));
    }
    let is_learned = args.overlay.pick(args.nodes) == OverlayKind::Learned;
    let is_given_tree = args.topology.is_some_and(|topology| topology.is_tree(args.nodes));
    let awaits = |strategy: &Strategy| matches!(strategy, Strategy::Tree | Strategy::Hybrid);
    let has_rounds = |strategy: &Strategy| matches!(strategy, Strategy::Gossip | Strategy::Hybrid);
    let is_hybrid = |strategy: &Strategy| *strategy == Strategy::Hybrid;
    let learns = |strategy: &Strategy| is_hybrid(strategy) && is_learned;
    let has_links = |strategy: &Strategy| *strategy != Strategy::Gossip && !learns(strategy);
    let has_fanout = |strategy: &Strategy| has_rounds(strategy) && !learns(strategy);
    let has_pace = |strategy: &Strategy| is_hybrid(strategy) && (is_learned || !is_given_tree);
    let asks_to_learn = args.overlay == Overlay::Learned;
    let rounds = "gossip and hybrid have rounds";
    let fanout = "gossip has one, and hybrid unless it learns its overlay";
    let pace = "hybrid has one, unless it is given a tree";
    type Uses<'a> = &'a dyn Fn(&Strategy) -> bool;
    let flags: [(&str, bool, Uses<'_>, &str); 7] = [
        ("--overlay learned", asks_to_learn, &is_hybrid, "hybrid alone learns its overlay"),
        ("--topology", args.topology.is_some(), &has_links, "none that is played uses it"),
        ("--warmup", args.warmup.is_some(), &has_rounds, rounds),
        ("--fanout", args.fanout.is_some(), &has_fanout, fanout),
        ("--gossip-interval", args.gossip_interval.is_some(), &has_rounds, rounds),
        ("--ack-timeout", args.ack_timeout.is_some(), &awaits, "tree and hybrid have one"),
        ("--pace", args.pace.is_some(), &has_pace, pace),
    ];
    for (flag, is_given, uses, why) in flags {
        if is_given && !all.iter().any(uses) {
            return Err(format!(
                "{flag} changes nothing in what is asked for: {why}; leave it out"
            ));
        }
    }
    Ok(())
}
