//! What befalls one message.

use super::{Conditions, Distribution, Latency};
use crate::seed::Stream;

/// What befalls one message between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chance {
    pub(crate) latency_ms: u64,
    pub(crate) is_lost: bool,
    /// Its latency is from the wide range.
    pub(crate) is_reordered: bool,
    /// The latency of the copy that the network makes, if it makes one.
    pub(crate) copy_latency_ms: Option<u64>,
}

impl Chance {
    /// Draws what befalls the message at `place` of a sub-stream: of one link, or one sender.
    ///
    /// Each question has its draw whether it is asked or not, so that switching one fault off
    /// leaves the others as they were.
    pub(crate) fn draw(
        latency: Latency,
        conditions: &impl Conditions,
        stream: &mut Stream,
        substream: u64,
        place: u64,
    ) -> Self {
        let (loss, duplicate, reorder) =
            (conditions.loss(), conditions.duplicate(), conditions.reorder());
        let factor = conditions.latency_factor();
        let is_certain = loss <= 0.0 && duplicate <= 0.0 && reorder <= 0.0;
        if !is_certain || latency.distribution != Distribution::Constant {
            // To seek is the dearest step, and a network without chance does without.
            stream.seek(substream, place);
        }
        let usual_ms = latency.draw(factor, stream);
        let mut chance = Self {
            latency_ms: usual_ms,
            is_lost: false,
            is_reordered: false,
            copy_latency_ms: None,
        };
        if is_certain {
            return chance;
        }
        if latency.distribution == Distribution::Constant {
            stream.next_u64();
        }
        chance.is_lost = stream.chance(loss);
        let is_copied = stream.chance(duplicate);
        chance.is_reordered = stream.chance(reorder);
        let reordered_ms = latency.draw_reordered(factor, stream);
        if chance.is_reordered {
            chance.latency_ms = reordered_ms;
        }
        if is_copied {
            chance.copy_latency_ms = Some(latency.draw(factor, stream));
        }
        chance
    }
}
