//! The rungs of the ladder, each of use without the others.

pub(crate) mod ack;
pub(crate) mod digest;
pub(crate) mod eager;
pub(crate) mod rounds;
