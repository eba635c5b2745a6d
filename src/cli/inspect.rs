//! `privet inspect`.

use std::io::Write;

use super::args::Inspect;
use super::{Exit, helped};
use crate::assess::run::inspect;

pub(super) fn run(arguments: &Inspect) -> anyhow::Result<Exit> {
    let facts = inspect(&arguments.model).map_err(|error| {
        let help = error.help();
        helped(error, help)
    })?;
    let mut out = std::io::stdout().lock();
    let list = |items: &[String]| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    writeln!(out, "file       {} ({} bytes)", facts.file, facts.bytes)?;
    writeln!(out, "sha-256    {}", facts.digest)?;
    writeln!(out, "producer   {}", if facts.producer.is_empty() { "not stated" } else { &facts.producer })?;
    writeln!(out, "opsets     {}", list(&facts.opsets))?;
    writeln!(out, "inputs     {}", facts.inputs.len())?;
    for input in &facts.inputs {
        writeln!(out, "  {input}")?;
    }
    writeln!(out, "outputs    {}", facts.outputs.len())?;
    for output in &facts.outputs {
        writeln!(out, "  {output}")?;
    }
    let operators: Vec<String> = facts.operators.iter().map(|(name, count)| format!("{name} x{count}")).collect();
    writeln!(out, "operators  {}", list(&operators))?;
    writeln!(out, "metadata   {}", list(&facts.metadata_keys))?;
    Ok(Exit::Pass)
}
