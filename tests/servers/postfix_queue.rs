//! What a Postfix with a queue of its own needs before it starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::process::{program, run};

/// Where Debian keeps the programs that the master starts.
pub(crate) const PROGRAMS: &str = "/usr/lib/postfix/sbin";

/// Where the program is that starts the others.
pub(crate) fn master() -> Option<PathBuf> {
    Some(Path::new(PROGRAMS).join("master")).filter(|file| file.is_file())
}

/// Makes the folders `queue` and `data` below `dir`, with the owners and rights that Postfix insists on.
pub(crate) fn prepare(dir: &Path) {
    for folder in
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"]
            .into_iter()
            .chain(["public", "maildrop", "pid"])
    {
        fs::create_dir_all(dir.join("queue").join(folder)).unwrap();
    }
    fs::create_dir(dir.join("data")).unwrap();
    let shell = "chown postfix data queue/*; chown root queue/pid; chgrp postdrop queue/public queue/maildrop; \
                 chmod 700 data queue/*; chmod 710 queue/public; chmod 730 queue/maildrop; chmod 755 queue/pid";
    run(dir, &program("sh").unwrap(), &["-ec", shell]);
}

/// Makes a file look old: Postfix reads one that has just been written again and again until it is two seconds old.
pub(crate) fn settle(file: &Path) {
    File::options().write(true).open(file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}
