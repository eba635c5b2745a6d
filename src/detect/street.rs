//! Addresses of streets.

/// Kinds of streets and what stands for them in addresses, after the list of the postal service of the United States.
const SUFFIXES: &str = "st street ave avenue av rd road blvd boulevard dr drive ln lane ct court pl place ter \
    terrace way pkwy parkway cir circle hwy highway sq square trl trail loop plaza route rte point crescent close \
    mews row alley bypass center cove creek crossing estate estates expressway extension field fields ford forest \
    fork garden gardens glen green grove harbor heights hill hills hollow island isle junction keys knoll lake \
    landing manor meadow meadows mill mountain oval park pass path pike pine port ridge river run shore spring \
    springs spur station stream summit trace track tunnel turnpike union valley via view village vista walk wells";

/// The outer shape: a number and more, or a post office box.
pub(super) fn street_shape(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.starts_with(|c: char| c.is_ascii_digit()) && lower.contains(' ')
        || lower.starts_with("p.o.")
        || lower.starts_with("po box")
}

/// A number, then words, one of them a kind of street; or a post office box.
pub(super) fn street(text: &str) -> bool {
    let lower = text.to_lowercase();
    if lower.starts_with("po box") || lower.starts_with("p.o. box") {
        return true;
    }
    let words: Vec<&str> = lower.split([' ', ',', '.']).filter(|word| !word.is_empty()).collect();
    let number = words.first().is_some_and(|word| word.len() <= 6 && word.bytes().any(|b| b.is_ascii_digit()));
    number && words.len() >= 3 && words[2..].iter().any(|word| SUFFIXES.split(' ').any(|suffix| suffix == *word))
}

/// Whether a part of an address between commas or line breaks is a street.
pub(super) fn holds_street(text: &str) -> bool {
    text.split([',', ';', '\n']).any(|part| street_shape(part.trim()) && street(part.trim()))
}
