//! minka and its peer take turns, so that whatever else the machine does hits both.

use crate::Outcome;

/// What came out of the turns.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    minka: Vec<f64>,
    peer: Vec<f64>,
}

impl Figures {
    /// One figure for each turn; `peer` is as long as `minka`, or empty.
    pub(crate) fn new(minka: Vec<f64>, peer: Vec<f64>) -> Self {
        Self { minka, peer }
    }

    /// Figures without a peer.
    pub(crate) fn alone(minka: Vec<f64>) -> Self {
        Self::new(minka, Vec::new())
    }

    /// minka's median.
    pub(crate) fn minka(&self) -> f64 {
        median(self.minka.clone())
    }

    /// The peer's median.
    pub(crate) fn peer(&self) -> Option<f64> {
        (!self.peer.is_empty()).then(|| median(self.peer.clone()))
    }

    /// The median of the turns' ratios.
    pub(crate) fn ratio(&self) -> Option<f64> {
        (!self.peer.is_empty()).then(|| median(self.ratios()))
    }

    /// The smallest and the largest of the turns' ratios.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let ratios = self.ratios();
        let low = ratios.iter().copied().reduce(f64::min)?;
        let high = ratios.iter().copied().reduce(f64::max)?;
        Some((low, high))
    }

    fn ratios(&self) -> Vec<f64> {
        let pairs = self.minka.iter().zip(&self.peer);
        pairs.map(|(minka, peer)| minka / peer).collect()
    }
}

/// Lets minka and its peer take `turns` turns, every other time the peer first, after one that
/// does not count. Each turn gives `N` figures, of which each comes back with its peer's.
///
/// A turn leaves no files behind: memory that a virtual machine uses for the first time is several
/// times slower than memory that it had before, and whoever leaves less of it free would lose.
pub(crate) fn take<const N: usize>(
    turns: usize,
    mut minka: impl FnMut() -> Outcome<[f64; N]>,
    mut peer: impl FnMut() -> Outcome<[f64; N]>,
) -> Outcome<[Figures; N]> {
    let mut all = [const { (Vec::new(), Vec::new()) }; N];
    minka()?;
    peer()?;
    for turn in 0..turns {
        let (ours, theirs) = if turn % 2 == 0 {
            let ours = minka()?;
            (ours, peer()?)
        } else {
            let theirs = peer()?;
            (minka()?, theirs)
        };
        for (at, (minka, peer)) in all.iter_mut().enumerate() {
            minka.push(ours[at]);
            peer.push(theirs[at]);
        }
    }
    Ok(all.map(|(minka, peer)| Figures::new(minka, peer)))
}

/// The middle value; NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_turn_is_compared_with_its_own_peer() {
        let mut speed: f64 = 0.0;
        let mut steps = [0.0, 20.0, 30.0, 40.0].into_iter();
        let [figures] = take(
            3,
            || Ok([steps.next().unwrap_or_default()]),
            || {
                speed += 10.0;
                Ok([speed])
            },
        )
        .unwrap();
        assert_eq!((figures.minka(), figures.peer()), (30.0, Some(30.0)));
        assert_eq!((figures.ratio(), figures.range()), (Some(1.0), Some((1.0, 1.0))));
        assert_eq!(Figures::alone(vec![1.0]).range(), None);
    }
}
