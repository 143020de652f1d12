//! Much data made small: rounding, time bins, points left out, quantiles of windows.

use serde::Serialize;

use crate::figures::Quantiles;

/// Points of a chart.
pub(super) const POINTS_MAX: usize = 5_000;

/// Bins of a chart over time.
pub(super) const BINS_MAX: usize = 400;

/// Windows over which quantiles are taken.
const WINDOWS_MAX: usize = 60;

/// A time in ms with its microseconds and no more, which keeps the page small.
pub(super) fn rounded(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0
}

/// The least of 1, 2 and 5 times a power of ten, in ms and at least 1, of which `count` cover
/// `span_ms`.
pub(super) fn width_ms(span_ms: f64, count: usize) -> f64 {
    let mut width = 1.0;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle() {
        if width * count as f64 >= span_ms {
            break;
        }
        width *= factor;
    }
    width
}

/// Which of the points with these heights are kept when there may be `max`: all if they fit, else
/// the highest fifth of `max`, since they are what a reader looks for, and of the others every
/// so-many-th. In the order in which they came.
pub(super) fn kept(heights: &[Option<f64>], max: usize) -> Vec<usize> {
    if heights.len() <= max {
        return (0..heights.len()).collect();
    }
    // A point without a height is one that never ended: higher than all.
    let height = |place: usize| heights[place].unwrap_or(f64::INFINITY);
    let mut by_height: Vec<usize> = (0..heights.len()).collect();
    by_height.sort_by(|&a, &b| height(b).total_cmp(&height(a)).then(a.cmp(&b)));
    let rest = by_height.split_off(max / 5);
    let mut kept = by_height;
    let mut rest = rest;
    rest.sort_unstable();
    let stride = rest.len().div_ceil(max - kept.len());
    kept.extend(rest.into_iter().step_by(stride));
    kept.sort_unstable();
    kept
}

/// Quantiles of windows of the same length, in columns. A window without a point is left out.
#[derive(Serialize, Default)]
pub(super) struct Windows {
    /// The length of a window.
    width_ms: f64,
    /// The middle of the window.
    at_ms: Vec<f64>,
    median: Vec<f64>,
    p95: Vec<f64>,
    max: Vec<f64>,
}

impl Windows {
    /// The windows of points, given as time and height, of a run of `span_ms`.
    pub(super) fn of(points: impl Iterator<Item = (f64, f64)>, span_ms: f64) -> Self {
        let width_ms = width_ms(span_ms, WINDOWS_MAX);
        let mut heights: Vec<Vec<f64>> = vec![Vec::new(); WINDOWS_MAX + 1];
        for (at_ms, height) in points {
            let window = (at_ms.max(0.0) / width_ms) as usize;
            heights[window.min(WINDOWS_MAX)].push(height);
        }
        let mut windows = Self { width_ms, ..Self::default() };
        for (index, mut heights) in heights.into_iter().enumerate() {
            heights.sort_by(f64::total_cmp);
            if let Some(quantiles) = Quantiles::of_sorted(&heights) {
                windows.at_ms.push((index as f64 + 0.5) * width_ms);
                windows.median.push(rounded(quantiles.median));
                windows.p95.push(rounded(quantiles.p95));
                windows.max.push(rounded(quantiles.max));
            }
        }
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_round_and_wide_enough() {
        assert_eq!(width_ms(30_050.0, 400), 100.0);
        assert_eq!(width_ms(20_000.0, 400), 50.0);
        assert_eq!(width_ms(0.0, 400), 1.0);
        assert_eq!(width_ms(900.0, 400), 5.0);
    }

    #[test]
    fn points_that_fit_are_all_kept() {
        assert_eq!(kept(&[Some(1.0), None, Some(3.0)], 3), [0, 1, 2]);
    }

    #[test]
    fn of_too_many_points_the_highest_are_kept_and_some_of_the_others() {
        let mut heights: Vec<Option<f64>> = (0..1000).map(|n| Some(f64::from(n % 10))).collect();
        heights[501] = None;
        heights[700] = Some(99.0);
        let kept = kept(&heights, 50);
        assert!(kept.len() <= 50 && kept.len() > 40, "{}", kept.len());
        assert!(kept.contains(&501) && kept.contains(&700));
        assert!(kept.is_sorted());
    }

    #[test]
    fn windows_have_the_quantiles_of_their_points_and_empty_ones_are_left_out() {
        let points = [(0.0, 5.0), (999.0, 7.0), (5_000.0, 1.0), (-3.0, 9.0)];
        let windows = Windows::of(points.into_iter(), 60_000.0);
        assert_eq!(windows.width_ms, 1000.0);
        assert_eq!(windows.at_ms, [500.0, 5500.0]);
        assert_eq!(windows.median, [7.0, 1.0]);
        assert_eq!(windows.max, [9.0, 1.0]);
    }
}
