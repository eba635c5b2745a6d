//! Finding and loading ONNX Runtime. One of the two files that name the binding.
//!
//! The library is loaded by path, never by chance: the first candidate that exists is taken, and what was taken is
//! reported with version and digest. Telemetry is off; the library's log is dropped, because it may quote cells.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ort::environment::Environment;

use super::ModelError;
use crate::digest::Digest;

/// A place where the library may be.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Why it is looked for there.
    pub origin: String,
    /// The file.
    pub path: PathBuf,
    /// Whether the user named it: then a missing file is an error.
    pub explicit: bool,
}

/// The loaded library.
#[derive(Debug)]
pub struct Runtime {
    environment: Environment,
    /// File it was loaded from.
    pub path: PathBuf,
    /// Its version.
    pub version: String,
    digest: OnceLock<Option<Digest>>,
}

impl Runtime {
    /// SHA-256 of the file, computed when first asked for.
    ///
    /// # Errors
    /// When the file can no longer be read.
    pub fn digest(&self) -> Result<&Digest, ModelError> {
        self.digest
            .get_or_init(|| Digest::of_file(&self.path).ok())
            .as_ref()
            .ok_or_else(|| ModelError::Runtime { what: format!("`{}` can no longer be read", self.path.display()) })
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }
}

static LOADED: OnceLock<Runtime> = OnceLock::new();

/// Loads the first candidate that exists, once per process.
///
/// # Errors
/// When none exists, or the one found is no ONNX Runtime of a version that privet can use (1.17 or newer).
pub fn load(candidates: &[Candidate]) -> Result<&'static Runtime, ModelError> {
    if let Some(runtime) = LOADED.get() {
        return Ok(runtime);
    }
    let named = candidates.iter().find(|candidate| candidate.explicit);
    if let Some(candidate) = named.filter(|candidate| !candidate.path.is_file()) {
        let what = format!("`{}` ({}) is no file", candidate.path.display(), candidate.origin);
        return Err(ModelError::Runtime { what });
    }
    let Some(candidate) = candidates.iter().find(|candidate| candidate.path.is_file()) else {
        let origins: Vec<&str> = candidates.iter().map(|candidate| candidate.origin.as_str()).collect();
        let what = format!("no library found (looked at: {})", origins.join(", "));
        return Err(ModelError::Runtime { what });
    };
    let opened = open(&candidate.path)?;
    Ok(LOADED.get_or_init(|| opened))
}

fn open(path: &Path) -> Result<Runtime, ModelError> {
    let failed = |what: &str| ModelError::Runtime { what: format!("`{}` {what}", path.display()) };
    let builder = ort::init_from(path).map_err(|_| failed("is no ONNX Runtime of version 1.17 or newer"))?;
    let environment = builder
        .with_name("privet")
        .with_telemetry(false)
        .with_logger(Arc::new(|_, _, _, _, _| {}))
        .build()
        .map_err(|_| failed("cannot be initialised"))?;
    Ok(Runtime { environment, path: path.to_owned(), version: version_of(path), digest: OnceLock::new() })
}

/// The version, from the file name (`libonnxruntime.so.1.31.1`) or the build information of the library.
fn version_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digits: String = name.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    let version = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
    if version.contains('.') {
        return version.trim_end_matches(".dylib").to_owned();
    }
    ort::info().split("git-branch").next().map(|info| info.trim().to_owned()).unwrap_or_default()
}
