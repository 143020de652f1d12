//! The names of nodes on the wire, and their numbers in the core.

use std::collections::HashMap;

use gossiper_core::NodeId;

/// The most nodes that may be named besides the members: neighbors in a topology or origins in a
/// digest that do not stand in `node_ids`. It keeps a stranger from filling the memory.
const STRANGERS_MAX: usize = 65_536;

/// Gives the members their places in sorted order, which are the same on every node, and further
/// nodes the numbers after them.
#[derive(Debug)]
pub(crate) struct Names {
    names: Vec<String>,
    numbers: HashMap<String, NodeId>,
    members: usize,
}

impl Names {
    pub(crate) fn new(mut members: Vec<String>) -> Self {
        members.sort_unstable();
        members.dedup();
        let numbers = members.iter().cloned().zip((0..).map(NodeId)).collect();
        Self { members: members.len(), names: members, numbers }
    }

    pub(crate) fn members(&self) -> &[String] {
        &self.names[..self.members]
    }

    pub(crate) fn member_ids(&self) -> Vec<NodeId> {
        (0..self.members as u64).map(NodeId).collect()
    }

    /// The number of a node that is known by name.
    pub(crate) fn find(&self, name: &str) -> Option<NodeId> {
        self.numbers.get(name).copied()
    }

    /// The number of a node, which is known from now on; `None` if too many are.
    pub(crate) fn number(&mut self, name: &str) -> Option<NodeId> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        if self.names.len() - self.members == STRANGERS_MAX {
            return None;
        }
        let number = NodeId(self.names.len() as u64);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// Whether the node stands in `node_ids`.
    pub(crate) fn is_member(&self, id: NodeId) -> bool {
        id.0 < self.members as u64
    }

    /// The name of a node that has a number from here.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        &self.names[id.0 as usize]
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
    fn strangers_get_numbers_until_there_are_too_many() {
        let mut names = Names::new(vec!["n1".into()]);
        assert_eq!(names.find("x"), None);
        let stranger = names.number("x").unwrap();
        assert!(!names.is_member(stranger) && names.is_member(NodeId(0)));
        assert_eq!(names.number("x"), Some(stranger));
        for number in 1..STRANGERS_MAX {
            assert!(names.number(&number.to_string()).is_some());
        }
        assert_eq!(names.number("one too many"), None);
    }
}
