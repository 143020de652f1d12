//! Which stretches of a run the diagram shows, when it cannot show all.

use serde::Serialize;

use super::faults::Faults;
use super::messages::Fine;
use super::thin::rounded;
use super::values::Values;

/// Starts and stops of faults that are shown.
const FAULT_ANCHORS_MAX: usize = 16;

/// Slow values that are shown.
const SLOW_ANCHORS_MAX: usize = 3;

/// Slow values whose broadcasts are closer than this, in ms, are slow for the same reason: one of
/// them is shown.
const SLOW_APART_MS: f64 = 500.0;

/// How long before the moment of interest a stretch begins, in ms.
const LEAD_MS: f64 = 50.0;

/// A moment that a reader wants to look at.
struct Anchor {
    at_ms: f64,
    why: String,
}

/// What is shown.
#[derive(Serialize)]
pub(super) struct Selection {
    /// The stretches, in the order of time; they do not overlap.
    stretches: Vec<Stretch>,
    /// Where to look first, in the order of time.
    moments: Vec<(f64, String)>,
    #[serde(skip)]
    is_shown: Vec<bool>,
    #[serde(skip)]
    width_ms: f64,
}

#[derive(Serialize)]
struct Stretch {
    from_ms: f64,
    to_ms: f64,
}

impl Selection {
    /// Chooses stretches around what is interesting, with at most `max` messages, save that the
    /// first bin of the first moment is taken even if it alone holds more. All moments get
    /// stretches of about the same length: each grows in turn until there is no room.
    pub(super) fn of(
        fine: &Fine,
        faults: &Faults,
        values: Option<&Values>,
        drain_ms: Option<f64>,
        max: u64,
    ) -> Self {
        let mut anchors = anchors(faults, values, drain_ms);
        let total: u64 = fine.counts.iter().copied().map(u64::from).sum();
        let is_shown = match total <= max {
            true => vec![true; fine.counts.len()],
            false => grown(fine, &anchors, max),
        };
        anchors.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
        let moments = anchors.into_iter().map(|anchor| (rounded(anchor.at_ms), anchor.why));
        let stretches = is_shown.chunk_by(|one, next| one == next).scan(0, |from, chunk| {
            let (begin, end) = (*from, *from + chunk.len());
            *from = end;
            Some((chunk[0], begin as f64 * fine.width_ms, end as f64 * fine.width_ms))
        });
        Self {
            stretches: stretches
                .filter(|(is_shown, ..)| *is_shown)
                .map(|(_, from, to)| Stretch { from_ms: rounded(from), to_ms: rounded(to) })
                .collect(),
            moments: moments.collect(),
            is_shown,
            width_ms: fine.width_ms,
        }
    }

    /// Whether what happened then is shown.
    pub(super) fn is_shown(&self, at_ms: f64) -> bool {
        let bin = (at_ms.max(0.0) / self.width_ms) as usize;
        self.is_shown[bin.min(self.is_shown.len() - 1)]
    }
}

/// What is interesting, most so first.
fn anchors(faults: &Faults, values: Option<&Values>, drain_ms: Option<f64>) -> Vec<Anchor> {
    let mut anchors = vec![Anchor { at_ms: 0.0, why: "the start".into() }];
    let mut slow: Vec<f64> = Vec::new();
    for value in values.iter().flat_map(|values| &values.slowest) {
        let is_apart = |at_ms: &f64| (at_ms - value.at_ms).abs() >= SLOW_APART_MS;
        if slow.len() == SLOW_ANCHORS_MAX || !slow.iter().all(is_apart) {
            continue;
        }
        slow.push(value.at_ms);
        let name = value.value;
        anchors.push(Anchor { at_ms: value.at_ms, why: format!("slow value {name} begins") });
        if let Some(propagation_ms) = value.propagation_ms {
            // The messages that brought it to the last node were sent before it had it.
            let at_ms = (value.at_ms + propagation_ms - 4.0 * LEAD_MS).max(value.at_ms);
            anchors.push(Anchor { at_ms, why: format!("slow value {name} ends") });
        }
    }
    let mut of_faults = Vec::new();
    for span in &faults.spans {
        let kind = span.kind;
        of_faults.push(Anchor { at_ms: span.from_ms, why: format!("{kind} starts") });
        if let Some(to_ms) = span.to_ms {
            of_faults.push(Anchor { at_ms: to_ms, why: format!("{kind} stops") });
        }
    }
    of_faults.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
    anchors.extend(of_faults.into_iter().take(FAULT_ANCHORS_MAX));
    let drain = drain_ms.map(|at_ms| Anchor { at_ms, why: "the load ends".into() });
    anchors.extend(drain);
    anchors
}

/// Lets a stretch grow from each anchor, a bin in turn, as long as `max` messages are not reached.
fn grown(fine: &Fine, anchors: &[Anchor], max: u64) -> Vec<bool> {
    let mut is_shown = vec![false; fine.counts.len()];
    let mut fronts: Vec<usize> =
        anchors.iter().map(|anchor| fine.bin(anchor.at_ms - LEAD_MS)).collect();
    let mut shown: u64 = 0;
    while !fronts.is_empty() {
        fronts.retain_mut(|front| {
            let Some(count) = fine.counts.get(*front) else {
                return false;
            };
            if !is_shown[*front] {
                let with_it = shown + u64::from(*count);
                if with_it > max && shown > 0 {
                    return false;
                }
                shown = with_it;
                is_shown[*front] = true;
            }
            *front += 1;
            true
        });
    }
    is_shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(at_ms: f64) -> Anchor {
        Anchor { at_ms, why: String::new() }
    }

    #[test]
    fn stretches_grow_evenly_until_there_is_no_room() {
        let fine = Fine { width_ms: 100.0, counts: vec![10; 100] };
        let is_shown = grown(&fine, &[anchor(50.0), anchor(5_050.0)], 100);
        let shown: Vec<usize> = (0..100).filter(|&bin| is_shown[bin]).collect();
        assert_eq!(shown, [0, 1, 2, 3, 4, 50, 51, 52, 53, 54]);
    }

    #[test]
    fn a_bin_with_too_many_messages_is_shown_in_part_rather_than_nothing() {
        let fine = Fine { width_ms: 100.0, counts: vec![1_000_000; 3] };
        assert_eq!(grown(&fine, &[anchor(0.0)], 20), [true, false, false]);
    }

    #[test]
    fn all_is_shown_when_it_fits() {
        let fine = Fine { width_ms: 10.0, counts: vec![5; 4] };
        let selection = Selection::of(&fine, &Faults::default(), None, Some(20.0), 20);
        assert_eq!(selection.stretches.len(), 1);
        assert_eq!((selection.stretches[0].from_ms, selection.stretches[0].to_ms), (0.0, 40.0));
        assert_eq!(selection.moments, [(0.0, "the start".into()), (20.0, "the load ends".into())]);
    }

    #[test]
    fn empty_stretches_between_cost_nothing_and_end_nowhere() {
        let fine = Fine { width_ms: 10.0, counts: vec![0, 7, 0, 7, 0, 7] };
        let selection = Selection::of(&fine, &Faults::default(), None, None, 14);
        assert!(selection.is_shown(0.0) && selection.is_shown(49.0));
        assert!(!selection.is_shown(50.0));
    }
}
