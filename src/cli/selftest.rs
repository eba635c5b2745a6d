//! `privet selftest`.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Context;

use super::args;
use super::assess::{unwritable, with_help};
use super::outputs::Outputs;
use super::{Exit, onnxruntime, progress};
use crate::assess::plan::Plan;
use crate::assess::selftest::{self, Certificate, Effort, Rate};
use crate::finding::Unit;

pub(super) fn run(arguments: &args::Selftest) -> anyhow::Result<Exit> {
    let mut plan = Plan::load(&arguments.plan).map_err(|error| with_help(error.into()))?;
    if let Some(folder) = &arguments.out {
        plan.output.clone_from(folder);
    }
    let folder = plan.output.clone();
    let mut outputs = Outputs::open(&folder, &[selftest::FILE]).map_err(|source| unwritable(&folder, source))?;
    let usual = Effort::default();
    let effort = Effort {
        runs: arguments.runs.map_or(usual.runs, |runs| runs as usize),
        most: arguments.records.map_or(usual.most, |records| records as usize),
        planted: arguments.planted.map_or(usual.planted, |runs| runs as usize),
    };
    let watch = progress::watch(!arguments.no_progress);
    let candidates = onnxruntime::candidates(arguments.onnxruntime.as_deref());
    let certificate = selftest::run(&plan, effort, &candidates, watch.as_ref()).map_err(with_help)?;
    let json = serde_json::to_string_pretty(&certificate).context("writing JSON")? + "\n";
    let written = outputs.write(selftest::FILE, &json).map_err(|source| unwritable(&folder, source))?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", text(&plan.name, &certificate))?;
    writeln!(out, "certificate: {} (the next report of this plan shows it)", written.display())?;
    Ok(Exit::Pass)
}

fn text(name: &str, certificate: &Certificate) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{name}: the instrument on relabelled non-members, {} runs of {} fake members and as many others",
        certificate.runs, certificate.members
    );
    for (what, rate) in lines(certificate) {
        let _ = writeln!(text, "  {what}: {}", shown(rate));
    }
    let _ = writeln!(text, "planted leaks");
    for planted in &certificate.planted {
        let _ = writeln!(
            text,
            "  {} of the fake members memorised: failed in {}; TPR at 1 % proven over chance in {}",
            Unit::Share.show(planted.share),
            shown(&planted.failed),
            shown(&planted.seen)
        );
    }
    text
}

fn lines(certificate: &Certificate) -> [(&'static str, &Rate); 8] {
    [
        ("failed a model that leaks nothing", &certificate.false_fails),
        ("bound of TPR at 1 % over chance", &certificate.false_rates),
        ("interval of the area over 0.5", &certificate.false_areas),
        ("epsilon above 0", &certificate.false_epsilons),
        ("for comparison, epsilon above 0 by the uncorrected rule", &certificate.uncorrected_epsilons),
        ("for comparison, some attack's own interval over 0.5", &certificate.uncorrected_areas),
        ("permutation test under 5 %", &certificate.false_permutations),
        ("sound split called invalid", &certificate.false_invalid),
    ]
}

fn shown(rate: &Rate) -> String {
    format!(
        "{} of {} ({}, 95 % interval {})",
        rate.count,
        rate.share.n,
        Unit::Share.show(rate.share.value),
        Unit::Share.show_interval(&rate.share)
    )
}
