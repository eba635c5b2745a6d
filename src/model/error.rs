//! What can go wrong with a model. The runtime's own texts never pass through: they may quote cells.

use std::path::PathBuf;

use thiserror::Error;

/// An error about the model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("reading the model `{file}`: {source}")]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is no ONNX model, or cut short.
    #[error("reading the model `{file}`: {what}")]
    NotOnnx {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file is too large.
    #[error("reading the model `{file}`: {bytes} bytes are more than an ONNX file may have ({limit})")]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// No ONNX Runtime library.
    #[error("loading ONNX Runtime: {what}")]
    Runtime {
        /// What was tried.
        what: String,
    },
    /// ONNX Runtime does not accept the model.
    #[error("loading the model `{file}`: ONNX Runtime refuses it ({what})")]
    Refused {
        /// The file.
        file: PathBuf,
        /// The kind of refusal.
        what: String,
    },
    /// The model failed on a batch.
    #[error("running the model: {what}")]
    Run {
        /// The kind of failure.
        what: String,
    },
    /// An input without a column, or with several.
    #[error("the model input `{input}` {what}")]
    Input {
        /// The input.
        input: String,
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
    /// Something that only the user can know.
    #[error("{what}")]
    Ask {
        /// What cannot be known, and why.
        what: String,
        /// The setting that says it.
        help: String,
    },
}

impl ModelError {
    /// The next action, as a sentence for the user.
    pub fn help(&self) -> String {
        match self {
            Self::Io { .. } => "check `[model] path` (relative to the plan's folder) and the permissions".to_owned(),
            Self::NotOnnx { .. } => {
                "export the model to ONNX again (skl2onnx, onnxmltools, torch.onnx.export) and copy the whole file".to_owned()
            }
            Self::TooLarge { .. } => "export the weights as external data (one file of its own)".to_owned(),
            Self::Runtime { .. } => "give its path with `--onnxruntime FILE` or ORT_DYLIB_PATH, or put libonnxruntime beside the \
                 privet executable, or install it into the active Python environment (`pip install onnxruntime`)"
                .to_owned(),
            Self::Refused { .. } => {
                "check that the model loads with onnxruntime in Python; custom operators are not supported".to_owned()
            }
            Self::Run { .. } => {
                "check that the columns and their types are those the model was trained on (`privet inspect MODEL` lists its inputs)"
                    .to_owned()
            }
            Self::Input { help, .. } | Self::Ask { help, .. } => help.clone(),
        }
    }
}
