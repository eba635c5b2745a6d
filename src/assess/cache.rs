//! Where trained reference models are kept: one folder per key, written as a whole, checked by digest before use.
//!
//! Training files are patient data: the cache is for its owner's eyes, and a training file goes when its training ends.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::AssessError;
use crate::digest::Digest;
use crate::model::graph::Graph;
use crate::watch::Watch;

/// The folder of trained models.
pub(super) struct Cache {
    folder: PathBuf,
}

/// The ONNX file of a reference.
pub(super) const MODEL: &str = "model.onnx";
/// What is known about it.
const RECORD: &str = "record.json";
/// The overview of all references.
pub(super) const MANIFEST: &str = "manifest.json";
/// Training files that were asked for.
pub(super) const SUBSETS: &str = "subsets";
const PARTIAL: &str = "partial";
const VERSION: u32 = 1;
/// How often a lock is tried.
const WAIT: Duration = Duration::from_millis(200);

/// What is written beside a model.
#[derive(Serialize, Deserialize)]
struct Record {
    version: u32,
    /// Digests of the model and of whatever else the command left beside it.
    files: BTreeMap<String, Digest>,
    seconds: f64,
}

/// What the cache holds under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// A whole model.
    Whole(PathBuf),
    /// Nothing.
    Absent,
    /// Something that is not what was put there.
    Damaged,
}

impl Cache {
    /// Opens the folder, makes it where it is not there, and refuses one that others may read.
    pub(super) fn open(folder: &Path) -> Result<Self, AssessError> {
        let failed = |source| cache_error(folder, source);
        let folder = std::path::absolute(folder).map_err(failed)?;
        if !folder.is_dir() {
            private_folder(&folder).map_err(failed)?;
            private_file(&folder.join(".gitignore"))
                .and_then(|mut file| {
                    file.write_all(b"# Reference models and training files: not for version control.\n*\n")
                })
                .map_err(failed)?;
        }
        if let Some(mode) = others_may(&folder).map_err(failed)? {
            return Err(AssessError::Mismatch {
                what: format!(
                    "the cache folder `{}` is open to other users (mode {mode:o}), and training files are patient data",
                    folder.display()
                ),
                help: format!("run `chmod 700 '{}'`, or name another folder as `reference.cache`", folder.display()),
            });
        }
        Ok(Self { folder })
    }

    /// Everything of a key's own lies here.
    fn place(&self, key: &Digest) -> PathBuf {
        self.folder.join(key.to_string())
    }

    /// The log of a key's training.
    pub(super) fn log(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.log"))
    }

    /// Where a training file goes that somebody asked for.
    pub(super) fn subset(&self, index: usize, ending: &str) -> PathBuf {
        self.folder.join(SUBSETS).join(format!("reference-{index}.{ending}"))
    }

    /// Looks a key up. A model that somebody else put in its place is taken over once it proves to be an ONNX file.
    pub(super) fn find(&self, key: &Digest) -> Result<Kept, AssessError> {
        let place = self.place(key);
        let model = place.join(MODEL);
        if !model.is_file() {
            return Ok(if place.exists() { Kept::Damaged } else { Kept::Absent });
        }
        let Ok(text) = fs::read(place.join(RECORD)) else {
            if Graph::load(&model).is_err() {
                return Ok(Kept::Damaged);
            }
            write_record(&place, 0.0).map_err(|source| cache_error(&place, source))?;
            return Ok(Kept::Whole(model));
        };
        let whole = serde_json::from_slice::<Record>(&text).is_ok_and(|record| {
            let same = |(name, digest): (&String, &Digest)| {
                Digest::of_file(&place.join(name)).is_ok_and(|found| found == *digest)
            };
            record.version == VERSION && record.files.contains_key(MODEL) && record.files.iter().all(same)
        });
        Ok(if whole { Kept::Whole(model) } else { Kept::Damaged })
    }

    /// Keeps others from training the same model at the same time: whoever comes second waits, then finds it.
    ///
    /// Where the file system knows no locks, both train, and the later one's model stays.
    pub(super) fn lock(&self, key: &Digest, watch: &dyn Watch) -> Result<File, AssessError> {
        let path = self.folder.join(format!("{key}.lock"));
        let file = private_append(&path).map_err(|source| cache_error(&path, source))?;
        while matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            if watch.stops() {
                return Err(AssessError::Stopped);
            }
            std::thread::sleep(WAIT);
        }
        Ok(file)
    }

    /// Removes what trainings left that were cut off: nobody holds their lock.
    pub(super) fn sweep(&self) -> Result<(), AssessError> {
        let failed = |source| cache_error(&self.folder, source);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|ending| ending != PARTIAL) {
                continue;
            }
            let lock = private_append(&path.with_extension("lock")).map_err(failed)?;
            if lock.try_lock().is_ok() {
                fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// An empty folder to train in, for the holder of the key's lock.
    pub(super) fn workspace(&self, key: &Digest) -> Result<Workspace, AssessError> {
        let folder = self.folder.join(format!("{key}.{PARTIAL}"));
        let failed = |source| cache_error(&folder, source);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        private_folder(&folder).map_err(failed)?;
        Ok(Workspace { folder, place: self.place(key) })
    }

    /// Writes a file of the cache as a whole.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, AssessError> {
        let path = self.folder.join(name);
        let draft = self.folder.join(format!(".{name}.{}", std::process::id()));
        let written = private_file(&draft).and_then(|mut file| file.write_all(text.as_bytes()));
        written.and_then(|()| fs::rename(&draft, &path)).map_err(|source| cache_error(&path, source))?;
        Ok(path)
    }

    /// Makes the folder for training files that were asked for.
    pub(super) fn open_subsets(&self) -> Result<PathBuf, AssessError> {
        let folder = self.folder.join(SUBSETS);
        private_folder(&folder).map_err(|source| cache_error(&folder, source))?;
        Ok(folder)
    }

    /// Removes the training files that were asked for; whether there were any.
    pub(super) fn clear_subsets(&self) -> Result<bool, AssessError> {
        let folder = self.folder.join(SUBSETS);
        if !folder.exists() {
            return Ok(false);
        }
        fs::remove_dir_all(&folder).map_err(|source| cache_error(&folder, source))?;
        Ok(true)
    }
}

/// A folder in which one model is trained. Unless the model is kept, everything in it goes when this value does.
pub(super) struct Workspace {
    folder: PathBuf,
    place: PathBuf,
}

impl Workspace {
    pub(super) fn model(&self) -> PathBuf {
        self.folder.join(MODEL)
    }

    pub(super) fn training_file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("train.{ending}"))
    }

    /// Removes the training file and puts the rest where the key's models are found.
    pub(super) fn keep(self, training_file: &Path, seconds: f64) -> Result<PathBuf, AssessError> {
        let failed = |source| cache_error(&self.place, source);
        if training_file.exists() {
            fs::remove_file(training_file).map_err(failed)?;
        }
        write_record(&self.folder, seconds).map_err(failed)?;
        if self.place.exists() {
            fs::remove_dir_all(&self.place).map_err(failed)?;
        }
        fs::rename(&self.folder, &self.place).map_err(failed)?;
        Ok(self.place.join(MODEL))
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.folder.exists() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes the digests of all files of a folder into it.
fn write_record(folder: &Path, seconds: f64) -> io::Result<()> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name())
            && name != RECORD
        {
            files.insert(name.to_string_lossy().into_owned(), Digest::of_file(&path)?);
        }
    }
    let text = serde_json::to_string_pretty(&Record { version: VERSION, files, seconds })?;
    private_file(&folder.join(RECORD))?.write_all(text.as_bytes())
}

pub(super) fn cache_error(path: &Path, source: io::Error) -> AssessError {
    AssessError::Cache { path: path.to_owned(), source }
}

/// A new, empty file that only its owner may read.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_owner(&mut options).open(path)
}

/// A file that only its owner may read, to add to.
pub(super) fn private_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    for_owner(&mut options).open(path)
}

fn for_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The mode of a folder into which others may look.
#[cfg(unix)]
fn others_may(folder: &Path) -> io::Result<Option<u32>> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder)?.permissions()) & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Elsewhere a user's folders are the user's own.
#[cfg(not(unix))]
fn others_may(_folder: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Digest {
        Digest::of_bytes(name.as_bytes())
    }

    fn kept(cache: &Cache, name: &str, model: &[u8]) -> PathBuf {
        let workspace = cache.workspace(&key(name)).unwrap();
        fs::write(workspace.training_file("csv"), "a\n1\n").unwrap();
        fs::write(workspace.model(), model).unwrap();
        let training_file = workspace.training_file("csv");
        workspace.keep(&training_file, 1.0).unwrap()
    }

    #[test]
    fn a_model_is_found_whole_and_a_bent_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("a/b")).unwrap();
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Absent);
        let model = kept(&cache, "x", b"model");
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Whole(model.clone()));
        assert!(!model.with_file_name("train.csv").exists());
        fs::write(&model, "modem").unwrap();
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Damaged);
        kept(&cache, "x", b"model");
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Whole(model));
    }

    #[test]
    fn a_model_from_elsewhere_must_be_one() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("c")).unwrap();
        let place = cache.place(&key("x"));
        fs::create_dir(&place).unwrap();
        fs::write(place.join(MODEL), "no model").unwrap();
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Damaged);
        fs::copy("datasets/shapes/logits.onnx", place.join(MODEL)).unwrap();
        assert_eq!(cache.find(&key("x")).unwrap(), Kept::Whole(place.join(MODEL)));
        assert!(place.join(RECORD).is_file(), "and is checked from now on");
    }

    #[test]
    fn leftovers_go_unless_somebody_is_at_work() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("c")).unwrap();
        let (left, busy) = (cache.workspace(&key("left")).unwrap(), cache.workspace(&key("busy")).unwrap());
        let lock = cache.lock(&key("busy"), &crate::watch::Unwatched).unwrap();
        cache.sweep().unwrap();
        assert!(!left.folder.exists() && busy.folder.exists());
        drop(lock);
        let folder = busy.folder.clone();
        drop(busy);
        assert!(!folder.exists(), "a workspace cleans up behind itself");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_look() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let cache = Cache::open(&dir.path().join("c")).unwrap();
        assert_eq!(mode(&cache.folder), 0o700);
        assert_eq!(mode(&cache.write("x.json", "{}").unwrap()), 0o600);
        fs::set_permissions(&cache.folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Cache::open(&cache.folder).err().unwrap().help().contains("chmod 700"));
    }
}
