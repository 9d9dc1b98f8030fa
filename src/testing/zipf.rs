//! Zipf-like ranks: few things are seen often, most of them rarely. The exponent is 1, and the number of things may
//! change from one draw to the next.

use super::rng::Rng;

/// A rank in `0..len`, with a probability that falls as 1 / (rank + 1), in steps of octaves; 0 for a `len` of 0.
///
/// An octave is drawn, then a place in it: no table, no logarithm, no float. Ranks past the end of the last octave are
/// drawn again, which leaves that octave the share it should have.
pub fn rank(rng: &mut Rng, len: usize) -> usize {
    let octaves = u64::from(usize::BITS - len.leading_zeros());
    for _ in 0..REDRAWS_MAX {
        let first = 1_u64 << rng.below(octaves);
        let place = usize::try_from(first + rng.below(first)).unwrap_or(usize::MAX);
        if place <= len {
            return place - 1;
        }
    }
    0
}

// At worst half of one octave in two is past the end, so not even one draw in a million gets here.
const REDRAWS_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octave_gets_the_same_share() {
        let mut rng = Rng::new(3);
        let mut octaves = [0_u32; 10];
        for _ in 0..100_000 {
            let rank = rank(&mut rng, 1_023);
            octaves[(rank + 1).ilog2() as usize] += 1;
        }
        assert!(octaves.iter().all(|&count| (9_500..10_500).contains(&count)), "{octaves:?}");
    }

    #[test]
    fn ranks_stay_below_any_length() {
        let mut rng = Rng::new(5);
        for len in [0, 1, 2, 3, 5, 100, 1_000] {
            let highest = (0..5_000).map(|_| rank(&mut rng, len)).max();
            assert_eq!(highest, Some(len.saturating_sub(1)), "length {len}");
        }
    }
}
