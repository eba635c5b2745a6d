//! Provisions the pinned ONNX Runtime, so that two commands on a fresh machine do everything.
//!
//! Order: `ORT_DYLIB_PATH` if set (nothing to do); else the wheel that `pip download` fetches from whatever index the
//! machine's pip is configured with, compared with the SHA-256 pinned here and unpacked under the target folder. Without
//! pip, index or a pinned wheel for this platform the build still succeeds; the program then says how to supply the
//! library.

use std::env;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

const VERSION: &str = "1.31.1";

/// Target, pip platform tag, SHA-256 of the wheel. Any Python may download a wheel of another.
const WHEELS: &[(&str, &str, &str)] = &[
    (
        "x86_64-unknown-linux-gnu",
        "manylinux_2_28_x86_64",
        "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
    ),
    (
        "aarch64-unknown-linux-gnu",
        "manylinux_2_28_aarch64",
        "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
    ),
    ("aarch64-apple-darwin", "macosx_14_0_arm64", "60b6b69bfe580eab576cacc5d132a0e9cf2a37fcfd18d46dd191042b1d1ed0d7"),
    ("x86_64-pc-windows-msvc", "win_amd64", "c3d91b5de31e2fc82d71bd65b2b22bddee8b49057a3a36338e9a868e0ea90c05"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ORT_DYLIB_PATH");
    println!("cargo::rustc-env=PRIVET_PROVISIONED_ONNXRUNTIME=");
    if env::var_os("ORT_DYLIB_PATH").is_some() {
        return;
    }
    match provision() {
        Ok(library) => println!("cargo::rustc-env=PRIVET_PROVISIONED_ONNXRUNTIME={}", library.display()),
        Err(why) => {
            println!("cargo::warning=ONNX Runtime was not provisioned ({why}); privet will say how to supply it");
        }
    }
}

fn provision() -> Result<PathBuf, String> {
    let target = env::var("TARGET").map_err(|e| e.to_string())?;
    let (_, platform, pinned) =
        WHEELS.iter().find(|(t, _, _)| *t == target).ok_or(format!("no wheel is pinned for {target}"))?;
    // Beside the profiles (target/onnxruntime-1.31.1), so that debug, release and tests share one copy.
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let folder = out.ancestors().nth(4).ok_or("OUT_DIR is too short")?.join(format!("onnxruntime-{VERSION}"));
    if let Some(library) = library_in(&folder) {
        return Ok(library);
    }
    fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
    let wheel = download(&folder, platform)?;
    let bytes = fs::read(&wheel).map_err(|e| e.to_string())?;
    let found = Sha256::digest(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    if found != *pinned {
        let _ = fs::remove_file(&wheel);
        return Err(format!("the downloaded wheel has the SHA-256 {found}, {pinned} is pinned"));
    }
    unpack(&wheel, &folder)?;
    let _ = fs::remove_file(&wheel);
    library_in(&folder).ok_or("the wheel holds no library".to_owned())
}

fn download(folder: &Path, platform: &str) -> Result<PathBuf, String> {
    let mut why = "no Python with pip was found".to_owned();
    for python in ["python3", "python"] {
        let run = Command::new(python)
            .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"])
            .args(["--platform", platform, "--dest"])
            .arg(folder)
            .arg(format!("onnxruntime=={VERSION}"))
            .stdin(Stdio::null())
            .output();
        match run {
            Ok(output) if output.status.success() => {
                let wheel = fs::read_dir(folder).map_err(|e| e.to_string())?.flatten().map(|entry| entry.path());
                let mut wheel = wheel.filter(|path| path.extension().is_some_and(|ending| ending == "whl"));
                return wheel.next().ok_or("pip downloaded no wheel".to_owned());
            }
            Ok(_) => "pip could not download it".clone_into(&mut why),
            Err(_) => {}
        }
    }
    Err(why)
}

fn is_library(name: &str) -> bool {
    let windows = name == "onnxruntime.dll";
    windows
        || (name.starts_with("libonnxruntime")
            && !name.contains("providers")
            && (name.contains(".so") || name.contains(".dylib")))
}

fn library_in(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.filter(|path| path.file_name().is_some_and(|name| is_library(&name.to_string_lossy()))).min()
}

/// Unpacks the library, its licence and its notices. Written under another name first: an interrupted build leaves no
/// half a library.
fn unpack(wheel: &Path, folder: &Path) -> Result<(), String> {
    let file = fs::File::open(wheel).map_err(|e| e.to_string())?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| e.to_string())?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| e.to_string())?;
        let full = entry.name().map_err(|e| e.to_string())?.into_owned();
        let name = full.rsplit('/').next().unwrap_or_default().to_owned();
        if !is_library(&name) && name != "LICENSE" && name != "ThirdPartyNotices.txt" {
            continue;
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        let partial = folder.join(format!("partial-{}-{name}", std::process::id()));
        fs::write(&partial, bytes).map_err(|e| e.to_string())?;
        fs::rename(&partial, folder.join(&name)).map_err(|e| e.to_string())?;
    }
    Ok(())
}
