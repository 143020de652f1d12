//! What the lab's clients have asked, and which answers they wait for.

use std::collections::{BTreeSet, HashMap, HashSet};

use gossiper_core::Instant;

use crate::load::Ask;

/// What was asked of a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asked {
    /// To take its name.
    Init,
    /// To take its neighbors.
    Topology,
    /// What a worker's operation is about.
    Operation(Ask),
    /// All values, for the lab itself.
    Probe,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    id: u64,
    pub(super) client: usize,
    pub(super) node: usize,
    pub(super) asked: Asked,
    deadline: Instant,
}

/// What an answer is to.
#[derive(Debug)]
pub(super) enum Answered {
    /// To a request that waited for it.
    Open(Request),
    /// To one that was given up; it comes too late.
    Late,
}

/// The clients: the workers, then the one that sets up, then the one that probes. Each numbers its
/// requests from 1.
#[derive(Debug)]
pub(super) struct Clients {
    next_ids: Vec<u64>,
    open: HashMap<(usize, u64), Request>,
    deadlines: BTreeSet<(Instant, usize, u64)>,
    /// Given up, and not answered since.
    given_up: HashSet<(usize, u64)>,
}

impl Clients {
    pub(super) fn new(clients: usize) -> Self {
        Self {
            next_ids: vec![1; clients],
            open: HashMap::new(),
            deadlines: BTreeSet::new(),
            given_up: HashSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.next_ids.len()
    }

    /// Notes a request and gives it a number.
    pub(super) fn ask(
        &mut self,
        client: usize,
        node: usize,
        asked: Asked,
        deadline: Instant,
    ) -> u64 {
        let id = self.next_ids[client];
        self.next_ids[client] += 1;
        self.open.insert((client, id), Request { id, client, node, asked, deadline });
        self.deadlines.insert((deadline, client, id));
        id
    }

    /// Takes an answer, or says why it is none.
    pub(super) fn answer(
        &mut self,
        client: usize,
        node: usize,
        in_reply_to: Option<u64>,
    ) -> Result<Answered, String> {
        let Some(id) = in_reply_to else {
            return Err("it has no `in_reply_to`, so it answers nothing".into());
        };
        let Some(request) = self.open.get(&(client, id)).copied() else {
            if self.given_up.remove(&(client, id)) {
                return Ok(Answered::Late);
            }
            return Err(match (1..self.next_ids[client]).contains(&id) {
                true => format!("request {id} of c{client} has been answered before"),
                false => format!("c{client} has asked nothing under the number {id}"),
            });
        };
        if request.node != node {
            return Err(format!("request {id} of c{client} was for another node"));
        }
        self.close(client, id, request.deadline);
        Ok(Answered::Open(request))
    }

    /// When the next request is given up.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, ..)| at)
    }

    /// Gives one request up whose time has come.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Request> {
        let &(deadline, client, id) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        self.given_up.insert((client, id));
        self.close(client, id, deadline)
    }

    /// Waits longer for an answer that was given up just now.
    pub(super) fn wait_on(&mut self, request: Request, deadline: Instant) {
        let Request { id, client, .. } = request;
        self.given_up.remove(&(client, id));
        self.open.insert((client, id), Request { deadline, ..request });
        self.deadlines.insert((deadline, client, id));
    }

    /// The node has died: the lab's own requests to it are void. Workers wait for theirs as they
    /// would for any lost message.
    pub(super) fn forget_node(&mut self, node: usize) {
        let is_void = |request: &Request| {
            request.node == node && !matches!(request.asked, Asked::Operation(_))
        };
        let void: Vec<_> = self.open.iter().filter(|(_, request)| is_void(request)).collect();
        let mut void: Vec<_> = void.into_iter().map(|(&key, r)| (key, r.deadline)).collect();
        void.sort_unstable();
        for ((client, id), deadline) in void {
            self.given_up.insert((client, id));
            self.close(client, id, deadline);
        }
    }

    fn close(&mut self, client: usize, id: u64, deadline: Instant) -> Option<Request> {
        self.deadlines.remove(&(deadline, client, id));
        self.open.remove(&(client, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        Clients::new(2)
    }

    const READ: Asked = Asked::Operation(Ask::Read);

    #[test]
    fn an_answer_closes_its_request_and_a_second_one_is_none() {
        let mut clients = clients();
        let id = clients.ask(1, 0, READ, Instant(9));
        assert!(matches!(clients.answer(1, 0, Some(id)), Ok(Answered::Open(_))));
        let error = clients.answer(1, 0, Some(id)).unwrap_err();
        assert!(error.contains("answered before"), "{error}");
        assert_eq!(clients.next_deadline(), None);
    }

    #[test]
    fn what_answers_nothing_is_told_so() {
        let mut clients = clients();
        let id = clients.ask(0, 0, READ, Instant(9));
        for (node, in_reply_to, told) in
            [(0, None, "no `in_reply_to`"), (0, Some(7), "asked nothing"), (1, Some(id), "another")]
        {
            let error = clients.answer(0, node, in_reply_to).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        assert!(matches!(clients.answer(0, 0, Some(id)), Ok(Answered::Open(_))));
    }

    #[test]
    fn a_request_given_up_may_be_answered_late_once() {
        let mut clients = clients();
        let id = clients.ask(0, 1, READ, Instant(9));
        assert!(clients.expire(Instant(8)).is_none());
        assert_eq!(clients.expire(Instant(9)).unwrap().node, 1);
        assert!(clients.expire(Instant(9)).is_none());
        assert!(matches!(clients.answer(0, 1, Some(id)), Ok(Answered::Late)));
        assert!(clients.answer(0, 1, Some(id)).is_err());
    }

    #[test]
    fn a_request_that_is_waited_on_is_open_again() {
        let mut clients = clients();
        let id = clients.ask(0, 1, READ, Instant(9));
        let expired = clients.expire(Instant(9)).unwrap();
        clients.wait_on(expired, Instant(12));
        assert_eq!(clients.next_deadline(), Some(Instant(12)));
        assert!(matches!(clients.answer(0, 1, Some(id)), Ok(Answered::Open(_))));
    }

    #[test]
    fn the_death_of_a_node_voids_only_what_the_lab_asked_of_it() {
        let mut clients = clients();
        clients.ask(0, 1, READ, Instant(9));
        let probe = clients.ask(1, 1, Asked::Probe, Instant(5));
        clients.ask(1, 0, Asked::Probe, Instant(6));
        clients.forget_node(1);
        assert_eq!(clients.next_deadline(), Some(Instant(6)));
        assert!(matches!(clients.answer(1, 1, Some(probe)), Ok(Answered::Late)));
    }
}
