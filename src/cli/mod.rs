//! The command line: the only place that prints, draws, reads the environment or exits. Layer row 7.
//!
//! Results go to standard output, progress and errors to standard error. Nothing printed holds a cell of the data: the
//! types that arrive here have no room for one, and panics are reported without their message.

mod args;
mod assess;
mod canaries;
mod compare;
mod evidence;
mod exit;
mod explain;
mod inspect;
mod interrupt;
mod measure;
pub mod onnxruntime;
mod outputs;
mod power;
mod progress;
mod reference;
mod repair;
mod scan;
mod selftest;
mod show;

use std::borrow::Cow;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use exit::Exit;

/// The variable by which ONNX Runtime is told to keep no telemetry.
#[cfg(unix)]
const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// Tells ONNX Runtime to keep no telemetry: the builds for Linux open a database and an identifier in the home folder as soon
/// as they are loaded, before their own switch can be set, unless this variable is in the environment. A process cannot set
/// its own safely, so it starts itself once more.
fn start_without_telemetry() {
    #[cfg(unix)]
    if std::env::var_os(NO_TELEMETRY).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        use std::os::unix::process::CommandExt as _;
        let mut arguments = std::env::args_os();
        let mut again = std::process::Command::new(program);
        again.arg0(arguments.next().unwrap_or_else(|| "privet".into())).args(arguments);
        // Where this is not allowed the run goes on as it is: the switch of the session still keeps anything from being sent.
        let _ = again.env(NO_TELEMETRY, "1").exec();
    }
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    report_panics_without_their_message();
    start_without_telemetry();
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap prints help and version to standard output with code 0, mistakes to standard error.
            let code = if error.use_stderr() { Exit::Usage } else { Exit::Pass };
            let _ = error.print();
            return code.into();
        }
    };
    let outcome = std::panic::catch_unwind(|| match arguments.command {
        args::Command::Assess(arguments) => assess::run(&arguments),
        args::Command::Reference(arguments) => reference::run(&arguments),
        args::Command::Inspect(arguments) => inspect::run(&arguments),
        args::Command::Measure(arguments) => measure::run(&arguments),
        args::Command::Compare(arguments) => compare::run(&arguments),
        args::Command::Scan(arguments) => scan::run(&arguments),
        args::Command::Repair(arguments) => repair::run(&arguments),
        args::Command::Explain(arguments) => explain::run(&arguments),
        args::Command::Selftest(arguments) => selftest::run(&arguments),
        args::Command::Power(arguments) => power::run(&arguments),
        args::Command::Canaries(arguments) => canaries::run(&arguments),
    });
    match outcome {
        Ok(Ok(code)) => code.into(),
        Ok(Err(error)) => {
            complain(&error);
            error.downcast_ref::<Helped>().map_or(Exit::Usage, |helped| helped.exit).into()
        }
        Err(_) => Exit::Internal.into(),
    }
}

/// An error with the next action and the code to end with.
#[derive(Debug)]
struct Helped {
    help: String,
    exit: Exit,
}

impl std::fmt::Display for Helped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.help)
    }
}

impl std::error::Error for Helped {}

/// An [`anyhow::Error`] that carries a help line.
fn helped(error: impl std::error::Error + Send + Sync + 'static, help: String) -> anyhow::Error {
    ending(error, help, Exit::Usage)
}

/// An [`anyhow::Error`] that carries a help line and its own exit code.
fn ending(error: impl std::error::Error + Send + Sync + 'static, help: String, exit: Exit) -> anyhow::Error {
    anyhow::Error::new(Helped { help, exit }).context(error.to_string())
}

fn complain(error: &anyhow::Error) {
    let help = error.downcast_ref::<Helped>().map(|helped| helped.help.as_str()).unwrap_or_default();
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "error: {}", printable(&error.to_string()));
    if !help.is_empty() {
        let _ = writeln!(stderr, "help: {}", printable(help));
    }
}

/// A text in which no control character but the line break reaches the terminal as it is: names of columns may hold some that move
/// the cursor or change colours.
fn printable(text: &str) -> Cow<'_, str> {
    let acts = |sign: char| sign.is_control() && sign != '\n';
    if !text.contains(acts) {
        return text.into();
    }
    let sign = |sign: char| if acts(sign) { sign.escape_default().to_string() } else { sign.to_string() };
    text.chars().map(sign).collect::<String>().into()
}

/// A panic is a bug; its message may hold anything, so only the place is named.
fn report_panics_without_their_message() {
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(std::io::stderr(), "{}", panic_text(info.location()));
    }));
}

/// What is said of a panic. The message does not come in, so it cannot come out.
fn panic_text(place: Option<&std::panic::Location<'_>>) -> String {
    let place = place.map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "internal error{place} (privet {version}); this is a bug, its message is withheld because it could hold data"
    )
}

/// The names in their order, each once: a column that is named twice would weigh twice.
fn once(names: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(name) {
            once.push(name.clone());
        }
    }
    once
}

/// The column that a text names: the one that is called so, or so without the blanks around it, which headers lose.
fn one<'t>(text: &'t str, columns: &[String]) -> &'t str {
    if columns.iter().any(|column| column == text) { text } else { text.trim() }
}

/// The columns of a list: its parts between commas, or the whole text where a column is called so.
fn chosen(given: &[String], columns: &[String]) -> Vec<String> {
    let named = |text: &&str| columns.iter().any(|column| column == one(text, columns));
    let parts = |text: &String| match Some(text.as_str()).filter(named) {
        Some(whole) => vec![one(whole, columns).to_owned()],
        None => text.split(',').map(|part| one(part, columns).to_owned()).collect(),
    };
    given.iter().flat_map(parts).collect()
}
