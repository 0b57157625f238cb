//! The wall clock beside the one that only goes on: a run whose wall clock was set, or whose machine slept, has
//! times that cannot be trusted.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::text::duration;

/// Smaller differences come from a clock that is being adjusted, or from a busy machine.
const JUMP: Duration = Duration::from_secs(1);

/// Both clocks at the start of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    wall: Timestamp,
    steady: Instant,
}

impl Clocks {
    /// Both clocks now.
    pub(crate) fn now() -> Self {
        Self { wall: Timestamp::now(), steady: Instant::now() }
    }

    /// W12, if the clocks went apart since then.
    pub(crate) fn warning(self) -> Option<String> {
        self.apart(Self::now()).map(|(way, jump)| {
            format!(
                "warning[W12]: the clock jumped {way} by {} meanwhile; times of this run may be wrong",
                duration(jump)
            )
        })
    }

    fn apart(self, later: Self) -> Option<(&'static str, Duration)> {
        let steady = i128::try_from((later.steady - self.steady).as_nanos()).unwrap_or(i128::MAX);
        let jump = later.wall.duration_since(self.wall).as_nanos() - steady;
        let size = Duration::from_nanos(u64::try_from(jump.unsigned_abs()).unwrap_or(u64::MAX));
        (size >= JUMP).then_some((if jump > 0 { "forward" } else { "back" }, size))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn clocks_that_go_apart_are_told_with_the_way_and_the_size() {
        let start = Clocks::now();
        let after = |wall: i64, steady: u64| Clocks {
            wall: start.wall + SignedDuration::from_millis(wall),
            steady: start.steady + Duration::from_millis(steady),
        };
        assert_eq!(start.apart(after(5000, 5000)), None);
        assert_eq!(start.apart(after(5900, 5000)), None, "clocks are adjusted in small steps");
        assert_eq!(start.apart(after(65_000, 5000)), Some(("forward", Duration::from_secs(60))));
        assert_eq!(start.apart(after(-3000, 5000)), Some(("back", Duration::from_secs(8))));
    }
}
