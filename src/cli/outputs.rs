//! The files a run writes: opened before it starts, so that a bad path fails at once, and renamed when complete, so that
//! an interrupted run leaves the previous report as it was.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files of one run.
pub(super) struct Outputs {
    folder: PathBuf,
    open: Vec<(String, File)>,
}

impl Outputs {
    /// Creates the folder and the named files under a temporary name.
    pub(super) fn open(folder: &Path, names: &[&str]) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut open = Vec::new();
        for name in names {
            open.push(((*name).to_owned(), File::create(partial(folder, name))?));
        }
        Ok(Self { folder: folder.to_owned(), open })
    }

    /// Writes one file and gives it its name.
    pub(super) fn write(&mut self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        if let Some(at) = self.open.iter().position(|(known, _)| known == name) {
            let (_, mut file) = self.open.remove(at);
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(partial(&self.folder, name), &path)?;
        }
        Ok(path)
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        for (name, _) in &self.open {
            let _ = fs::remove_file(partial(&self.folder, name));
        }
    }
}

fn partial(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.partial"))
}
