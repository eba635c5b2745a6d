//! Values that lie in another file beside the model.
//!
//! The other file must be an ordinary file in the model's own folder or below it, after links are followed, and must not
//! be the model itself: a model file is somebody else's and may point anywhere.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::Unread;
use crate::model::proto::{StringStringEntryProto, TensorProto};

/// Reads the `bytes` bytes of a tensor that lie outside the model file.
pub(super) fn read(tensor: &TensorProto, model: &Path, bytes: usize) -> Result<Vec<u8>, Unread> {
    let entry =
        |key: &str| tensor.external_data.iter().find(|entry| entry.key() == key).map(StringStringEntryProto::value);
    let number = |key: &str| entry(key).map_or(Some(None), |text| text.parse::<u64>().ok().map(Some));
    let (Some(offset), Some(length)) = (number("offset"), number("length")) else {
        return Err(Unread::new("its place in the external file is not a number"));
    };
    if length.is_some_and(|length| length != bytes as u64) {
        return Err(Unread::new("its length in the external file is not the one that its shape needs"));
    }
    let path = located(entry("location").unwrap_or_default(), model)?;
    let mut file = File::open(path).map_err(|_| Unread::new("its external file cannot be opened"))?;
    let size = file.metadata().map_err(|_| Unread::new("its external file cannot be opened"))?.len();
    let start = offset.unwrap_or(0);
    if start.checked_add(bytes as u64).is_none_or(|end| end > size) {
        return Err(Unread::new("its external file is shorter than it says"));
    }
    let mut values = vec![0; bytes];
    let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut values));
    read.map(|()| values).map_err(|_| Unread::new("its external file cannot be read"))
}

/// The external file, when it may be read.
fn located(location: &str, model: &Path) -> Result<PathBuf, Unread> {
    let location = Path::new(location);
    let plain = location.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain || location.as_os_str().is_empty() {
        return Err(Unread::new("its external file lies outside the model's folder"));
    }
    let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let absent = |_| Unread::new("its external file is absent, or a link that leads nowhere");
    let folder = folder.canonicalize().map_err(absent)?;
    let path = folder.join(location).canonicalize().map_err(absent)?;
    if !path.starts_with(&folder) {
        return Err(Unread::new("its external file lies outside the model's folder"));
    }
    if model.canonicalize().is_ok_and(|model| model == path) {
        return Err(Unread::new("its external file is the model file itself"));
    }
    if !path.is_file() {
        return Err(Unread::new("its external file is no ordinary file"));
    }
    Ok(path)
}
