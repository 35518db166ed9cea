//! A file of rows belongs to one run at a time.

use std::fs::File;
use std::io;

/// Keeps other runs away from a file until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    #[cfg(unix)]
    _held: Option<nix::fcntl::Flock<File>>,
}

impl Lock {
    /// Takes the file; nothing if another run has it. A file system that knows no locks keeps nobody away.
    ///
    /// # Errors
    /// What the system said.
    #[cfg(unix)]
    pub(super) fn take(file: &File) -> io::Result<Option<Self>> {
        use nix::errno::Errno;
        use nix::fcntl::{Flock, FlockArg};
        match Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Some(Self { _held: Some(held) })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err(_) => Ok(Some(Self { _held: None })),
        }
    }

    /// Takes the file; other systems keep nobody away.
    #[cfg(not(unix))]
    pub(super) fn take(_file: &File) -> io::Result<Option<Self>> {
        Ok(Some(Self {}))
    }
}
