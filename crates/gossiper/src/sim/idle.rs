//! Flags that would change nothing. They are refused: who gives one expects that it does something.

use std::path::Path;

use gossiper_lab::simulation::{Overlay, idle_setting};
use gossiper_lab::topology::Topology;
use gossiper_maelstrom::Config;

use super::{SimArgs, config};

/// Why flags that were given cannot have an effect.
pub(super) fn check(args: &SimArgs) -> Result<(), String> {
    for_other_commands(args)?;
    if !args.swarm && args.plan.is_none() {
        for_other_runs(args)?;
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

fn for_other_runs(args: &SimArgs) -> Result<(), String> {
    for (flag, times) in [("--crash", args.crash.len()), ("--partition", args.partition.len())] {
        if times > 1 {
            return Err(format!(
                "{flag} is given {times} times, and once is the most: a plan of faults has as many \
                 as one likes, see --fault-plan"
            ));
        }
    }
    if let Some(senders) = args.senders.filter(|&senders| senders > args.nodes) {
        let nodes = args.nodes;
        return Err(format!(
            "--senders {senders}: the cluster has {nodes} --nodes, and no more send"
        ));
    }
    let given = [
        ("overlay", args.overlay != Overlay::Auto),
        ("topology", args.topology.is_some()),
        ("warmup", args.warmup.is_some()),
        ("fanout", args.fanout.is_some()),
        ("gossip_interval", args.gossip_interval.is_some()),
        ("ack_timeout", args.ack_timeout.is_some()),
        ("pace", args.pace.is_some()),
    ];
    let topology = args.topology.unwrap_or(Topology::Grid);
    let all = args.strategy.list().iter();
    let configs: Vec<Config> = all.map(|&strategy| config(args, strategy)).collect();
    if let Some((key, why)) = idle_setting(&given, configs.iter(), topology) {
        let flag = key.replace('_', "-");
        return Err(format!("--{flag} changes nothing in what is asked for: {why}; leave it out"));
    }
    Ok(())
}
