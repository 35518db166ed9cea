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
    messages: HashMap<u64, Message>,
    /// When each message came, the oldest first; a message that was taken off meanwhile may still stand in it.
    order: VecDeque<(u64, u64)>,
    /// So many messages have come.
    came: u64,
}

/// A message, with the recipients for whom it waits.
#[derive(Debug)]
struct Message {
    /// Its place among all that came.
    number: u64,
    recipients: Vec<(u64, Place)>,
}

impl Waiting {
    /// Takes a recipient of a message off, if it waited.
    pub(super) fn take(&mut self, id: &[u8], recipient: &str) -> Option<Place> {
        let key = self.hasher.hash_one(id);
        let recipients = &mut self.messages.get_mut(&key)?.recipients;
        let recipient = self.hasher.hash_one(recipient);
        let at = recipients.iter().position(|(known, _)| *known == recipient)?;
        let (_, place) = recipients.swap_remove(at);
        if recipients.is_empty() {
            self.messages.remove(&key);
        }
        Some(place)
    }

    /// Takes all recipients of a message off.
    pub(super) fn take_all(&mut self, id: &[u8]) -> Vec<Place> {
        let message = self.messages.remove(&self.hasher.hash_one(id));
        message.into_iter().flat_map(|message| message.recipients).map(|(_, place)| place).collect()
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
            if self.messages.len() == MOST_MESSAGES {
                self.forget_oldest();
            }
            self.came += 1;
            self.order.push_back((key, self.came));
            self.messages.insert(key, Message { number: self.came, recipients: Vec::new() });
            // A message that is tried again stands in the order once for each try.
            if self.order.len() > 2 * MOST_MESSAGES {
                let messages = &self.messages;
                self.order.retain(|(key, number)| messages.get(key).is_some_and(|one| one.number == *number));
            }
        }
        if let Some(message) = self.messages.get_mut(&key)
            && message.recipients.len() < MOST_RECIPIENTS
        {
            message.recipients.push((recipient, place));
        }
    }

    fn forget_oldest(&mut self) {
        while let Some((key, number)) = self.order.pop_front() {
            if self.messages.get(&key).is_some_and(|message| message.number == number) {
                self.messages.remove(&key);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lost if it fails: in a long log a message that waits would be forgotten because others are tried often, and count again.
    #[test]
    fn tries_push_nobody_out() {
        let mut waiting = Waiting::default();
        let place = Place { group: 1, since: true };
        waiting.put(b"quiet", "a@b", place);
        for _ in 0..3 * MOST_MESSAGES {
            waiting.put(b"tried", "a@b", place);
            assert_eq!(waiting.take(b"tried", "a@b"), Some(place));
        }
        assert!(waiting.order.len() <= 2 * MOST_MESSAGES + 1);
        assert_eq!(waiting.take(b"quiet", "a@b"), Some(place));
    }

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
