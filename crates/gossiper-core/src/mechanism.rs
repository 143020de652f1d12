//! The parts of the protocol that can be switched off, to see what each one buys.

use core::fmt;
use core::str::FromStr;

/// A part of the protocol that a node can do without.
///
/// Whatever is switched off, nothing is delivered twice and nothing invented, and every bound
/// holds. What is lost is certainty, speed or thrift, and each says which. A switch changes what
/// this node does; what its peers ask of it, it answers as ever, but for [`Self::Dialect`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mechanism {
    /// First rung: a new value is pushed at once. Costs n − 1 messages a value at most. Without it
    /// rounds alone spread values, in some gossip intervals.
    Push,
    /// Second rung: who does not acknowledge is gone around, and on a computed tree passed over
    /// until it answers. Costs the direct messages, and probes. Without it nobody is waited for:
    /// what should have come through a dead node comes with the rounds.
    Fallback,
    /// Third rung: rounds that a timer begins. Costs up to [`fanout`](crate::Config::fanout)
    /// messages an interval. Without it what the other rungs miss stays missing; a round that the
    /// host [asks for](crate::Input::Round) still comes.
    Rounds,
    /// Fourth rung: nodes that differ compare digests and send what is missing. Costs up to four
    /// messages an exchange. Without it a round sends all that is known, and a node that comes
    /// back is not shown what it lacks.
    Digest,
    /// Links move from the plain messages to this crate's own. Costs nothing. Without it a node
    /// says and believes only what any broadcast node does, so values go one by one, each is
    /// acknowledged alone, and there are no digests: nothing of [`Self::Digest`],
    /// [`Self::Riding`], [`Self::Repair`], [`Self::Comparison`] and [`Self::Skipping`] is left.
    Dialect,
    /// Hybrid's paced links on a computed tree. Costs up to a pace and a bit of latency a hop.
    /// Without it the computed tree is used as a given one is: each value goes at once and alone,
    /// acknowledged alone.
    Relay,
    /// On paced links, acknowledgements wait for a push to ride on. Costs a later notice of what
    /// is silent. Without it every push that is not answered by another at once is acknowledged
    /// alone.
    Riding,
    /// On paced links, a gap in the numbers is told, what was in it is sent again, and pushes
    /// repeat others while a link loses. Costs bytes, and a message a gap. Without it what was
    /// lost waits until the two ends are seen to differ.
    Repair,
    /// On paced links, pushes tell a hash, and a node that stays different from its uplink shows
    /// it a digest. Costs a digest now and then. Without it what differs waits for a round.
    Comparison,
    /// On paced links, rounds are skipped while all neighbors answer and agree. Costs nothing, and
    /// one round in twenty is made anyway, one in two hundred while values keep coming. Without it
    /// every round is made.
    Skipping,
}

impl Mechanism {
    /// All of them: the four rungs in their order, then what refines them.
    pub const ALL: [Self; 10] = [
        Self::Push,
        Self::Fallback,
        Self::Rounds,
        Self::Digest,
        Self::Dialect,
        Self::Relay,
        Self::Riding,
        Self::Repair,
        Self::Comparison,
        Self::Skipping,
    ];

    /// What it is called on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Fallback => "fallback",
            Self::Rounds => "rounds",
            Self::Digest => "digest",
            Self::Dialect => "dialect",
            Self::Relay => "relay",
            Self::Riding => "riding",
            Self::Repair => "repair",
            Self::Comparison => "comparison",
            Self::Skipping => "skipping",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No mechanism has this name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownMechanism;

impl fmt::Display for UnknownMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no mechanism has this name; there are")?;
        for (place, mechanism) in Mechanism::ALL.into_iter().enumerate() {
            write!(f, "{} {mechanism}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownMechanism {}

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Self, UnknownMechanism> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name).ok_or(UnknownMechanism)
    }
}

/// A set of mechanisms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Mechanisms(u16);

impl Mechanisms {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// Whether a mechanism is in the set.
    #[must_use]
    pub fn contains(self, mechanism: Mechanism) -> bool {
        self.0 & Self::bit(mechanism) != 0
    }

    /// Puts a mechanism into the set.
    pub fn insert(&mut self, mechanism: Mechanism) {
        self.0 |= Self::bit(mechanism);
    }

    /// Those in the set, in the order of [`Mechanism::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |&mechanism| self.contains(mechanism))
    }

    fn bit(mechanism: Mechanism) -> u16 {
        1 << mechanism as u16
    }
}

impl FromIterator<Mechanism> for Mechanisms {
    fn from_iter<I: IntoIterator<Item = Mechanism>>(mechanisms: I) -> Self {
        let mut all = Self::NONE;
        mechanisms.into_iter().for_each(|mechanism| all.insert(mechanism));
        all
    }
}

impl From<Mechanism> for Mechanisms {
    fn from(mechanism: Mechanism) -> Self {
        Self::from_iter([mechanism])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn every_mechanism_has_a_name_and_a_place_of_its_own() {
        let mut all = Mechanisms::NONE;
        for mechanism in Mechanism::ALL {
            assert_eq!(mechanism.name().parse(), Ok(mechanism));
            assert!(!all.contains(mechanism));
            all.insert(mechanism);
        }
        assert!(all.iter().eq(Mechanism::ALL));
        assert_eq!(Mechanisms::from(Mechanism::Relay).iter().count(), 1);
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "luck".parse::<Mechanism>().unwrap_err().to_string();
        assert!(error.contains("there are push, fallback"), "{error}");
    }
}
