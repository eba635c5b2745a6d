//! `privet explain`.

use std::io::Write;

use super::args::Explain;
use super::{Exit, helped};
use crate::check::METAS;

/// An id that names nothing.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither a check nor a measure")]
struct Unknown(String);

pub(super) fn run(arguments: &Explain) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    let Some(id) = &arguments.id else {
        for meta in METAS {
            writeln!(out, "{:<32} {}", meta.id, meta.title)?;
            for measure in meta.measures {
                writeln!(out, "    {measure}")?;
            }
        }
        return Ok(Exit::Pass);
    };
    let meta = METAS.iter().find(|meta| meta.id == id || meta.measures.contains(&id.as_str()));
    let Some(meta) = meta else {
        return Err(helped(Unknown(id.clone()), "`privet explain` lists all of them".to_owned()));
    };
    writeln!(out, "{} ({})\n\n{}", meta.title, meta.id, meta.explanation())?;
    Ok(Exit::Pass)
}
