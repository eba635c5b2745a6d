//! Where ONNX Runtime may be: the environment's part of the search.

use std::env;
use std::path::{Path, PathBuf};

use crate::model::runtime::Candidate;

/// All places in search order: `--onnxruntime`, `ORT_DYLIB_PATH`, beside the executable, the library provisioned at build
/// time, the active Python environment, the system's library paths.
pub fn candidates(given: Option<&Path>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut add = |origin: &str, path: PathBuf, explicit: bool| {
        found.push(Candidate { origin: origin.to_owned(), path, explicit });
    };
    if let Some(path) = given {
        add("--onnxruntime", path.to_owned(), true);
        return found;
    }
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        add("ORT_DYLIB_PATH", PathBuf::from(path), true);
        return found;
    }
    let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    if let Some(folder) = beside {
        libraries(&folder).into_iter().for_each(|path| add("beside the executable", path, false));
        add("beside the executable", folder.join(PLAIN_NAME), false);
    }
    let provisioned = env!("PRIVET_PROVISIONED_ONNXRUNTIME");
    if !provisioned.is_empty() {
        add("provisioned at build time", PathBuf::from(provisioned), false);
    }
    for root in ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os) {
        for folder in python_packages(Path::new(&root)) {
            libraries(&folder).into_iter().for_each(|path| add("the active Python environment", path, false));
        }
    }
    let listed = env::var_os("LD_LIBRARY_PATH").map(|paths| env::split_paths(&paths).collect()).unwrap_or_default();
    let usual = [
        "/usr/lib",
        "/usr/local/lib",
        "/usr/lib64",
        "/opt/homebrew/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    let system: Vec<PathBuf> = [listed, usual.map(PathBuf::from).to_vec()].concat();
    for folder in system {
        libraries(&folder).into_iter().for_each(|path| add("the system's library paths", path, false));
    }
    found
}

#[cfg(target_os = "windows")]
const PLAIN_NAME: &str = "onnxruntime.dll";
#[cfg(target_os = "macos")]
const PLAIN_NAME: &str = "libonnxruntime.dylib";
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const PLAIN_NAME: &str = "libonnxruntime.so";

/// The ONNX Runtime libraries in a folder, sorted.
fn libraries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_library = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unix = name.starts_with("libonnxruntime")
            && !name.contains("providers")
            && (name.contains(".so") || name.contains(".dylib"));
        unix || name == "onnxruntime.dll"
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_library).collect();
    paths.sort();
    paths
}

/// `lib/pythonX.Y/site-packages/onnxruntime/capi` of an environment.
fn python_packages(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.join("Lib/site-packages/onnxruntime/capi")];
    if let Ok(entries) = std::fs::read_dir(root.join("lib")) {
        folders.extend(entries.flatten().map(|entry| entry.path().join("site-packages/onnxruntime/capi")));
    }
    folders.sort();
    folders
}
