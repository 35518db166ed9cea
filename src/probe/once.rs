//! One piece of work for each key of a run, whoever asks and how often.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;

/// Values by key, each made once; who asks while one is under way waits for it. Dropping it ends what is under way.
#[derive(Debug)]
pub(super) struct Once<K, V> {
    values: Mutex<HashMap<K, watch::Receiver<Option<Arc<V>>>>>,
    /// The work stands apart from the askers: one that gives up takes nothing from the others.
    tasks: Mutex<JoinSet<()>>,
}

impl<K, V> Default for Once<K, V> {
    fn default() -> Self {
        Self { values: Mutex::default(), tasks: Mutex::default() }
    }
}

impl<K: Hash + Eq, V: Send + Sync + 'static> Once<K, V> {
    /// The value for `key`: made by `work` in a task of its own when it is asked for the first time.
    ///
    /// # Panics
    /// If the work panicked.
    pub(super) async fn get<W, F>(&self, key: K, work: W) -> Arc<V>
    where
        W: FnOnce() -> F,
        F: Future<Output = V> + Send + 'static,
    {
        let mut receiver = {
            let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
            values
                .entry(key)
                .or_insert_with(|| {
                    let (sender, receiver) = watch::channel(None);
                    let work = work();
                    let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
                    while tasks.try_join_next().is_some() {}
                    tasks.spawn(async move {
                        sender.send_replace(Some(Arc::new(work.await)));
                    });
                    receiver
                })
                .clone()
        };
        let value = receiver.wait_for(Option::is_some).await.ok().and_then(|value| value.clone());
        value.expect("the work on a question does not panic")
    }
}
