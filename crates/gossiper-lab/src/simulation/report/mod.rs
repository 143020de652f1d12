//! What came of a run, or of a plan, as one page that a browser shows without a network.
//!
//! The page of a run shows coverage over time for each protocol, side by side for what goes wrong,
//! and plays a small cluster in which one sees a value spread. The page of a plan shows time and
//! messages against what is swept. Neither holds the time of day or anything else of the machine:
//! the same runs give the same bytes.
//!
//! | what | bound | beyond it |
//! | --- | --- | --- |
//! | nodes of the cluster that is played | [`PLAYED_NODES_MAX`] | a smaller one with the same settings |
//! | values broadcast there | [`PLAYED_VALUES_MAX`] | some of its own, around the faults |
//! | messages of each run there | [`TRACE_MESSAGES_MAX`](super::TRACE_MESSAGES_MAX) | left out, and the page says so |
//! | rows of a plan that have curves | 2,000 | they have figures only |

mod comparison;
mod page;
mod played;
mod summary;
#[cfg(test)]
mod tests;

pub use self::comparison::{Case, Comparison, Wrong};
pub use self::page::{comparison_page, plan_page};
pub use self::played::{PLAYED_NODES_MAX, PLAYED_VALUES_MAX};
pub use self::summary::Summary;
