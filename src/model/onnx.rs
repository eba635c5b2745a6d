//! Running an ONNX file. One of the two files that name the binding.
//!
//! Every session runs with one intra-op thread, because more would change the last bits of the answers; several sessions
//! answer several batches at once instead. Outputs that exist inside the graph are exposed by appending their names to
//! the file's bytes: a sequence of maps is by-passed, logits are had where the file ends in a softmax.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::{DynValue, Tensor as OrtTensor, TensorElementType, ValueType};

use rayon::prelude::*;

use super::graph::{Graph, added_outputs};
use super::runtime::Runtime;
use super::{ModelError, ModelFacts, Predictions, Reading, Target};
use crate::detect::shown;
use crate::tensor::{Tensor, Texts, Values};

/// The outputs of one batch by name.
pub(super) type Outputs = Vec<(String, Tensor)>;

/// A model that can be run, before anybody knows what its outputs mean.
pub struct OnnxModel {
    path: PathBuf,
    bytes: Vec<u8>,
    runtime: &'static Runtime,
    wanted: Vec<String>,
    inputs: Vec<String>,
    sessions: Mutex<Vec<Session>>,
}

impl OnnxModel {
    /// Opens a model and exposes the named tensors besides its own tensor outputs.
    ///
    /// # Errors
    /// When ONNX Runtime refuses the file.
    pub fn open(path: &Path, graph: &Graph, mut bytes: Vec<u8>, runtime: &'static Runtime) -> Result<Self, ModelError> {
        let mut exposed: Vec<String> = graph.zip_maps.iter().map(|zip| zip.tensor.clone()).collect();
        exposed.extend(graph.links.iter().map(|link| link.logits.clone()));
        exposed.sort();
        exposed.dedup();
        exposed.retain(|name| !graph.outputs.iter().any(|output| output.name == *name));
        bytes.extend(added_outputs(&exposed));
        let mapped = |name: &String| graph.zip_maps.iter().any(|zip| zip.output == *name);
        let declared = graph.outputs.iter().map(|output| output.name.clone()).filter(|name| !mapped(name));
        let wanted = declared.chain(exposed).collect();
        let inputs = graph.inputs.iter().map(|input| input.name.clone()).collect();
        let model = Self { path: path.to_owned(), bytes, runtime, wanted, inputs, sessions: Mutex::default() };
        // One session per thread, made together: making them when they are first needed would hold up the batches.
        model.make_sessions(rayon::current_num_threads(), graph)?;
        Ok(model)
    }

    /// Opens the bytes of a model that was cut to end in the named tensors.
    ///
    /// # Errors
    /// When ONNX Runtime refuses it.
    pub(super) fn ending_in(
        path: &Path,
        graph: &Graph,
        bytes: Vec<u8>,
        names: &[String],
        runtime: &'static Runtime,
    ) -> Result<Self, ModelError> {
        let inputs = graph.inputs.iter().map(|input| input.name.clone()).collect();
        let wanted = names.to_vec();
        let model = Self { path: path.to_owned(), bytes, runtime, wanted, inputs, sessions: Mutex::default() };
        model.make_sessions(1, graph)?;
        Ok(model)
    }

    fn make_sessions(&self, count: usize, graph: &Graph) -> Result<(), ModelError> {
        let refused = |error: ort::Error| {
            let foreign = graph.foreign_domains();
            let what = match error.code() {
                _ if !foreign.is_empty() => format!("it needs the custom operators {}", shown(&foreign.join(", "))),
                ort::ErrorCode::NotImplemented => "an operator or type is not implemented".to_owned(),
                ort::ErrorCode::NoSuchFile => "an external data file is missing".to_owned(),
                _ if !graph.external.is_empty() => {
                    let files: Vec<String> = graph.external.iter().map(|file| shown(file)).collect();
                    format!("its weights lie in {}, which must be beside it and whole", files.join(", "))
                }
                ort::ErrorCode::InvalidGraph | ort::ErrorCode::InvalidProtobuf => "the graph is not valid".to_owned(),
                _ => "the graph cannot be built".to_owned(),
            };
            ModelError::Refused { file: self.path.clone(), what }
        };
        let made = (0..count).into_par_iter().map(|_| self.build());
        let sessions: Vec<Session> = made.collect::<ort::Result<_>>().map_err(refused)?;
        sessions.into_iter().for_each(|session| self.give_back(session));
        Ok(())
    }

    fn build(&self) -> ort::Result<Session> {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_string_lossy().into_owned();
        let folder = if folder.is_empty() { ".".to_owned() } else { folder };
        let builder = Session::builder(self.runtime.environment())?;
        let builder = builder.with_intra_threads(1)?.with_inter_threads(1)?.with_deterministic_compute(true)?;
        let mut builder = builder.with_config_entry("session.model_external_initializers_file_folder_path", folder)?;
        builder.commit_from_memory(&self.bytes)
    }

    fn take_session(&self) -> Result<Session, ModelError> {
        let idle = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(session) => Ok(session),
            None => self.build().map_err(|_| ModelError::Refused {
                file: self.path.clone(),
                what: "there is no memory for another session".to_owned(),
            }),
        }
    }

    fn give_back(&self, session: Session) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    /// Runs one batch.
    ///
    /// # Errors
    /// When the runtime fails, without its words: they may quote cells.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Outputs, ModelError> {
        let mut session = self.take_session()?;
        let outputs = self.run_in(&mut session, inputs);
        self.give_back(session);
        outputs
    }

    fn run_in(&self, session: &mut Session, inputs: &[Tensor]) -> Result<Outputs, ModelError> {
        let failed = |error: &ort::Error| ModelError::Run {
            what: match error.code() {
                ort::ErrorCode::InvalidArgument => {
                    "an input has a shape or type that the model does not accept".to_owned()
                }
                ort::ErrorCode::NotImplemented => "an operator is not implemented for these types".to_owned(),
                _ => "ONNX Runtime failed on a batch (its message is withheld, it may quote cells)".to_owned(),
            },
        };
        let mut values: Vec<(String, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, tensor) in self.inputs.iter().zip(inputs) {
            values.push((name.clone(), feed(tensor).map_err(|error| failed(&error))?.into()));
        }
        let mut selector = OutputSelector::no_default();
        for name in &self.wanted {
            selector = selector.with(name);
        }
        let options = RunOptions::new().map_err(|error| failed(&error))?.with_outputs(selector);
        let answers = session.run_with_options(values, &options).map_err(|error| failed(&error))?;
        let mut outputs = Vec::with_capacity(self.wanted.len());
        for name in &self.wanted {
            if let Some(tensor) = answers.get(name.as_str()).and_then(fetch) {
                outputs.push((name.clone(), tensor));
            }
        }
        Ok(outputs)
    }
}

/// A tensor of ours as a value of the runtime.
fn feed(tensor: &Tensor) -> ort::Result<DynValue> {
    let shape: Vec<i64> =
        std::iter::once(tensor.rows()).chain(tensor.row_shape.iter().copied()).map(|size| size as i64).collect();
    Ok(match &tensor.values {
        Values::F32(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::F64(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::I64(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::I32(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::U8(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::Bool(values) => OrtTensor::from_array((shape, values.clone()))?.into_dyn(),
        Values::Text(texts) => OrtTensor::from_string_array((shape, shared(texts).as_slice()))?.into_dyn(),
    })
}

/// The texts of a batch, each distinct one made once.
fn shared(texts: &Texts) -> Vec<Arc<str>> {
    let empty: Arc<str> = Arc::from("");
    let mut made: Vec<Option<Arc<str>>> = vec![None; texts.dictionary.len()];
    let text = |&code: &u32| match (made.get_mut(code as usize), texts.dictionary.get(code as usize)) {
        (Some(slot), Some(text)) => Arc::clone(slot.get_or_insert_with(|| Arc::from(text.as_str()))),
        _ => Arc::clone(&empty),
    };
    texts.codes.iter().map(text).collect()
}

/// A value of the runtime as a tensor of ours; nothing for types that no score has.
fn fetch(value: &DynValue) -> Option<Tensor> {
    let ValueType::Tensor { ty, shape, .. } = value.dtype() else { return None };
    let row_shape = shape.iter().skip(1).map(|&size| size.max(0) as usize).collect();
    macro_rules! take {
        ($variant:ident, $type:ty) => {
            Values::$variant(value.try_extract_tensor::<$type>().ok()?.1.to_vec())
        };
    }
    let values = match ty {
        TensorElementType::Float32 => take!(F32, f32),
        TensorElementType::Float64 => take!(F64, f64),
        TensorElementType::Int64 => take!(I64, i64),
        TensorElementType::Int32 => take!(I32, i32),
        TensorElementType::Uint8 => take!(U8, u8),
        TensorElementType::Bool => take!(Bool, bool),
        TensorElementType::String => Values::Text(Texts::of(value.try_extract_strings().ok()?.1)),
        _ => return None,
    };
    Some(Tensor { row_shape, values })
}

/// A model whose outputs are understood.
pub(super) struct OnnxTarget {
    pub(super) model: OnnxModel,
    pub(super) reading: Reading,
    pub(super) facts: ModelFacts,
}

impl Target for OnnxTarget {
    fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    fn query(&self, inputs: &[Tensor]) -> Result<Predictions, ModelError> {
        let rows = inputs.first().map_or(0, Tensor::rows);
        self.reading.read(&self.model.run(inputs)?, rows)
    }
}

impl OnnxModel {
    /// Fixes what the outputs mean.
    pub fn understood(self, reading: Reading, batch: Option<usize>) -> Box<dyn Target> {
        let facts = ModelFacts { task: reading.task(), classes: reading.classes().to_vec(), batch };
        Box::new(OnnxTarget { model: self, reading, facts })
    }
}
