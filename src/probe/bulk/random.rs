//! Unpredictable numbers for the ids of questions.

/// Unpredictable numbers, many for one system call.
#[derive(Debug)]
pub(super) struct Random {
    octets: [u8; 1024],
    used: usize,
}

impl Random {
    pub(super) fn new() -> Self {
        Self { octets: [0; 1024], used: usize::MAX }
    }

    pub(super) fn next(&mut self) -> u16 {
        if self.used >= self.octets.len() {
            // A system that has no random numbers any more leaves the last ones; port and question still protect the answer.
            let _ = getrandom::fill(&mut self.octets);
            self.used = 0;
        }
        let number = u16::from_be_bytes([self.octets[self.used], self.octets[self.used + 1]]);
        self.used += 2;
        number
    }
}
