//! Runs a program of the user's: without a shell, with its output in a file, and not longer than it may.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::watch::Watch;

/// How often a running program is looked at: soon at first, then rarely.
const LOOKS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));
/// How long a program that was asked to end may take over it.
const GRACE: Duration = Duration::from_secs(3);

/// How a program ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself.
    Alone(ExitStatus),
    /// It took too long.
    TooLate,
    /// The user wanted it to.
    Stopped,
}

/// Runs a program in a folder until it ends, the time is over or the user wants it to stop.
pub(super) fn run(
    command: &[String],
    folder: &Path,
    log: &File,
    limit: Duration,
    watch: &dyn Watch,
) -> io::Result<Ended> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program is named"));
    };
    let mut prepared = Command::new(located(program, folder)?);
    prepared.args(arguments).current_dir(folder).stdin(Stdio::null());
    prepared.stdout(log.try_clone()?).stderr(log.try_clone()?);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut prepared, 0); // so that all it starts can be ended with it
    let mut child = prepared.spawn()?;
    let started = Instant::now();
    let mut pause = LOOKS.0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Alone(status));
        }
        let ended = if watch.stops() { Some(Ended::Stopped) } else { None };
        if let Some(ended) = ended.or_else(|| (started.elapsed() >= limit).then_some(Ended::TooLate)) {
            end(&mut child)?;
            return Ok(ended);
        }
        std::thread::sleep(pause.min(limit.saturating_sub(started.elapsed())));
        pause = (pause * 2).min(LOOKS.1);
    }
}

/// A program named by a relative path lies in the folder; a bare name is looked up by the system.
fn located(program: &str, folder: &Path) -> io::Result<PathBuf> {
    let path = Path::new(program);
    if path.is_relative() && path.components().count() > 1 {
        return std::path::absolute(folder.join(path));
    }
    Ok(path.to_owned())
}

/// Asks a program and all it started to end, and sees to it that they do.
fn end(child: &mut Child) -> io::Result<()> {
    signal(child, Urgency::Ask);
    let asked = Instant::now();
    while child.try_wait()?.is_none() && asked.elapsed() < GRACE {
        std::thread::sleep(LOOKS.0);
    }
    signal(child, Urgency::Force);
    let _ = child.kill();
    child.wait().map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Ask,
    Force,
}

/// Reaches what the program started, too. That some of it has ended already is no mistake.
#[cfg(unix)]
fn signal(child: &Child, urgency: Urgency) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = if urgency == Urgency::Ask { Signal::TERM } else { Signal::KILL };
    let _ = kill_process_group(Pid::from_child(child), signal);
}

#[cfg(not(unix))]
fn signal(_child: &Child, _urgency: Urgency) {}

/// How a status reads: `ended with exit code 1`.
pub(super) fn in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    status.code().map_or("was ended by the system".to_owned(), |code| format!("ended with exit code {code}"))
}
