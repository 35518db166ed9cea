//! Messages that were put off and are not settled yet: a bounded number of them, so that each counts once however often it is tried.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

/// So many messages are remembered; of more, the oldest are forgotten, and count again if they are tried again.
const MOST_MESSAGES: usize = 1 << 17;
/// So many recipients of one message are remembered.
const MOST_RECIPIENTS: usize = 1000;

/// Where a message that waits was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of the group.
    pub(super) group: usize,
    /// Since the cutover.
    pub(super) since: bool,
}

/// Who waits.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    hasher: RandomState,
    messages: HashMap<u64, Vec<(u64, Place)>>,
    order: VecDeque<u64>,
}

impl Waiting {
    /// Takes a recipient of a message off, if it waited.
    pub(super) fn take(&mut self, id: &[u8], recipient: &str) -> Option<Place> {
        let key = self.hasher.hash_one(id);
        let of_message = self.messages.get_mut(&key)?;
        let recipient = self.hasher.hash_one(recipient);
        let at = of_message.iter().position(|(known, _)| *known == recipient)?;
        let (_, place) = of_message.swap_remove(at);
        if of_message.is_empty() {
            self.messages.remove(&key);
        }
        Some(place)
    }

    /// Takes all recipients of a message off.
    pub(super) fn take_all(&mut self, id: &[u8]) -> Vec<Place> {
        let places = self.messages.remove(&self.hasher.hash_one(id)).unwrap_or_default();
        places.into_iter().map(|(_, place)| place).collect()
    }

    /// Whether a message waits for any recipient.
    pub(super) fn has(&self, id: &[u8]) -> bool {
        !self.messages.is_empty() && self.messages.contains_key(&self.hasher.hash_one(id))
    }

    /// Remembers that a message waits.
    pub(super) fn put(&mut self, id: &[u8], recipient: &str, place: Place) {
        let key = self.hasher.hash_one(id);
        let recipient = self.hasher.hash_one(recipient);
        if !self.messages.contains_key(&key) {
            if self.order.len() == MOST_MESSAGES
                && let Some(oldest) = self.order.pop_front()
            {
                self.messages.remove(&oldest);
            }
            self.order.push_back(key);
        }
        let of_message = self.messages.entry(key).or_default();
        if of_message.len() < MOST_RECIPIENTS {
            of_message.push((recipient, place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: a flood of deferrals would fill the memory, or be counted as settled.
    #[test]
    fn a_bounded_number_is_remembered() {
        let mut waiting = Waiting::default();
        let place = Place { group: 1, since: true };
        for number in 0..MOST_MESSAGES + 10 {
            waiting.put(number.to_string().as_bytes(), "a@b", place);
        }
        assert_eq!((waiting.messages.len(), waiting.order.len()), (MOST_MESSAGES, MOST_MESSAGES));
        assert!(!waiting.has(b"0") && waiting.has(b"10"));
        assert_eq!(waiting.take(b"10", "a@b"), Some(place));
        assert_eq!(waiting.take(b"10", "a@b"), None);
        for number in 0..MOST_RECIPIENTS + 10 {
            waiting.put(b"many", &number.to_string(), place);
        }
        assert_eq!(waiting.take_all(b"many").len(), MOST_RECIPIENTS);
        assert!(!waiting.has(b"many"));
    }
}
