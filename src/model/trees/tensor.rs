//! Numbers of a small tensor attribute.

use crate::model::proto::TensorProto;

/// The values of a tensor of floats or small integers that lies in the file; nothing for other types, for values in another
/// file and for lengths that contradict the shape.
pub(super) fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    let size = tensor.dims.iter().try_fold(1_i64, |size, &dim| size.checked_mul(dim).filter(|_| dim >= 0))?;
    let values: Vec<f64> = match (tensor.data_type(), tensor.raw_data.as_deref().filter(|raw| !raw.is_empty())) {
        (1, Some(raw)) => raw.as_chunks::<4>().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        (11, Some(raw)) => raw.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        (2, Some(raw)) => raw.iter().map(|&b| f64::from(b)).collect(),
        (1, None) => tensor.float_data.iter().map(|&value| f64::from(value)).collect(),
        (11, None) => tensor.double_data.clone(),
        (2, None) => tensor.int32_data.iter().map(|&value| f64::from(value)).collect(),
        _ => return None,
    };
    (values.len() as i64 == size).then_some(values)
}
