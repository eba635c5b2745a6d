//! The files a run writes: opened before it starts, so that a bad path fails at once, and renamed when complete, so that
//! an interrupted run leaves the previous report as it was.

use std::fs::{self, File, OpenOptions};
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

    /// The same for files that hold records or secrets: only their owner can read folder and files. The folder must be new
    /// or empty, so that nothing that is there is overwritten or hidden.
    pub(super) fn open_private(folder: &Path, names: &[&str]) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
        }
        private(folder, 0o700)?;
        let outputs = Self::open(folder, names)?;
        for name in names {
            private(&partial(folder, name), 0o600)?;
        }
        Ok(outputs)
    }

    /// Writes one file and gives it its name.
    pub(super) fn write(&mut self, name: &str, text: &str) -> io::Result<PathBuf> {
        self.write_bytes(name, text.as_bytes())
    }

    /// Writes one file of any content and gives it its name.
    pub(super) fn write_bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        if let Some(at) = self.open.iter().position(|(known, _)| known == name) {
            let (_, mut file) = self.open.remove(at);
            file.write_all(bytes)?;
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

/// A new file that only its owner can read. What is there is never overwritten.
pub(super) struct Private {
    path: PathBuf,
    partial: PathBuf,
    file: Option<File>,
}

impl Private {
    /// Creates the file under a temporary name, so that a bad path fails at once.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        refuse_existing(path)?;
        let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this names no file"))?;
        let partial = path.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        // Left behind by a run that was ended; its rights are not known, so it is not used.
        let _ = fs::remove_file(&partial);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&partial)?;
        Ok(Self { path: path.to_owned(), partial, file: Some(file) })
    }

    /// Writes the content and gives the file its name.
    pub(super) fn write(mut self, text: &str) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            let named =
                written.and_then(|()| refuse_existing(&self.path)).and_then(|()| fs::rename(&self.partial, &self.path));
            if named.is_err() {
                let _ = fs::remove_file(&self.partial);
            }
            return named;
        }
        Ok(())
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.partial);
        }
    }
}

fn refuse_existing(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists, and is not overwritten")),
        Err(_) => Ok(()),
    }
}

/// Takes everybody else's rights away, where the system knows rights.
#[cfg(unix)]
fn private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

fn partial(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.partial"))
}
