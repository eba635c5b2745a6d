//! `report.json`: the assessment itself, the source of every other form. Layer row 6.
//!
//! Keys stand in the order of the types, so the same assessment gives the same bytes. Refuses to add, round or drop anything.

use crate::assess::assessment::Assessment;
use crate::digest::Digest;

/// The assessment as indented JSON with a stable order of keys, ending in a newline.
///
/// # Panics
/// Never: the result types hold no map, whose keys could fail to be text.
pub fn render(assessment: &Assessment) -> String {
    let mut text = serde_json::to_string_pretty(assessment).expect("result types hold only text keys");
    text.push('\n');
    text
}

/// Digest of the result without its envelope: two runs of the same plan share it.
pub fn result_digest(assessment: &Assessment) -> Digest {
    Digest::of_bytes(render(&assessment.without_envelope()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn json_is_valid_and_comes_back_unchanged() {
        for assessment in [sample::failing(), sample::undetermined(), sample::passing(), sample::hostile()] {
            let text = render(&assessment);
            assert!(text.ends_with("}\n"));
            assert!(!text.contains("NaN") && !text.contains("Infinity"));
            let back: Assessment = serde_json::from_str(&text).expect("valid JSON of the same layout");
            assert!(back == assessment, "numbers need the feature float_roundtrip of serde_json");
            assert!(render(&back) == text);
        }
    }

    #[test]
    fn the_envelope_does_not_change_the_digest() {
        let first = sample::failing();
        let mut second = first.clone();
        second.envelope.started += 86_400;
        second.envelope.threads = 64;
        assert_eq!(result_digest(&first), result_digest(&second));
        second.seed += 1;
        assert_ne!(result_digest(&first), result_digest(&second));
    }
}
