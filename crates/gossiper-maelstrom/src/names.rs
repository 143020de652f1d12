//! The names of nodes on the wire, and their numbers in the core.

use std::collections::HashMap;

use gossiper_core::NodeId;
use siphasher::sip::SipHasher13;

/// The most nodes that may be named besides the members: neighbors in a topology, origins in a
/// digest or blocked nodes that do not stand in `node_ids`. It keeps a stranger from filling the
/// memory, together with [`NAME_BYTES_MAX`].
const STRANGERS_MAX: usize = 65_536;

/// The longest name of a node besides the members.
const NAME_BYTES_MAX: usize = 256;

/// The bit that tells the numbers of strangers from those of members.
const STRANGER_BIT: u64 = 1 << 63;

/// Gives the members their places in sorted order, and strangers a hash of their names: both are
/// the same on every node, whatever else it has heard of.
#[derive(Debug)]
pub(crate) struct Names {
    members: Vec<String>,
    numbers: HashMap<String, NodeId>,
    strangers: HashMap<NodeId, String>,
}

impl Names {
    pub(crate) fn new(mut members: Vec<String>) -> Self {
        members.sort_unstable();
        members.dedup();
        let numbers = members.iter().cloned().zip((0..).map(NodeId)).collect();
        Self { members, numbers, strangers: HashMap::new() }
    }

    pub(crate) fn members(&self) -> &[String] {
        &self.members
    }

    pub(crate) fn member_ids(&self) -> Vec<NodeId> {
        (0..self.members.len() as u64).map(NodeId).collect()
    }

    /// The number of a node that is known by name.
    pub(crate) fn find(&self, name: &str) -> Option<NodeId> {
        self.numbers.get(name).copied()
    }

    /// The number of a node, which is known from now on; `None` if too many are, or the name is too
    /// long.
    pub(crate) fn number(&mut self, name: &str) -> Option<NodeId> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        if self.strangers.len() == STRANGERS_MAX || name.len() > NAME_BYTES_MAX {
            return None;
        }
        let number = NodeId(SipHasher13::new().hash(name.as_bytes()) >> 1 | STRANGER_BIT);
        if number == NodeId::GUEST || self.strangers.contains_key(&number) {
            // One name in 2^63 has no number of its own.
            return None;
        }
        self.strangers.insert(number, name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// Whether the node stands in `node_ids`.
    pub(crate) fn is_member(&self, id: NodeId) -> bool {
        id.0 & STRANGER_BIT == 0
    }

    /// The name of a node that has a number from here.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        if self.is_member(id) { &self.members[id.0 as usize] } else { &self.strangers[&id] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_sorted_order_whatever_the_order_given() {
        let one = Names::new(vec!["n2".into(), "n10".into(), "n1".into(), "n2".into()]);
        assert_eq!(one.find("n1"), Some(NodeId(0)));
        assert_eq!(one.find("n10"), Some(NodeId(1)));
        assert_eq!(one.name(NodeId(2)), "n2");
        assert_eq!(one.members().len(), 3);
    }

    #[test]
    fn strangers_have_the_same_numbers_on_every_node() {
        let mut one = Names::new(vec!["n1".into()]);
        let mut other = Names::new(vec!["n1".into(), "n2".into()]);
        other.number("y");
        let stranger = one.number("x").unwrap();
        assert_eq!(other.number("x"), Some(stranger));
        assert_eq!(one.find("x"), Some(stranger));
        assert_eq!(one.name(stranger), "x");
        assert!(!one.is_member(stranger) && one.is_member(NodeId(0)));
    }

    #[test]
    fn strangers_get_numbers_until_there_are_too_many() {
        let mut names = Names::new(vec!["n1".into()]);
        assert_eq!(names.number(&"x".repeat(NAME_BYTES_MAX + 1)), None);
        for number in 0..STRANGERS_MAX {
            assert!(names.number(&number.to_string()).is_some());
        }
        assert_eq!(names.number("one too many"), None);
        assert!(names.number("7").is_some());
    }
}
