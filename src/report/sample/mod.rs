//! Made-up assessments for the tests of this layer. Layer row 6.

mod findings;

use self::findings::{
    attribute, auc, clean_file, estimate, exchangeable, k, nobody_singled_out, roc, tpr, tpr_low, uniqueness,
};
use crate::assess::assessment::{
    Assessment, ColumnSummary, DataSummary, Envelope, Inference, InputFile, LimitSummary, ModelSummary, PolicySummary,
    Program, SCHEMA_VERSION, Skipped, Stage,
};
use crate::assess::gate::judge;
use crate::assess::policy::Policy;
use crate::digest::Digest;
use crate::finding::{Bar, Count, Evidence, Finding, Severity, Standing};
use crate::stats::Method;

/// An over-fitted readmission forest.
pub(super) fn failing() -> Assessment {
    let findings = vec![exchangeable(), auc(), tpr(), tpr_low(), attribute(), k(1.0), uniqueness(0.632)];
    assessment("readmission", "30-day readmission, decision support", findings)
}

/// A small file: too few non-members to show anything at a false-positive rate of 1 %.
pub(super) fn undetermined() -> Assessment {
    let mut tpr = tpr();
    tpr.estimate = None;
    tpr.sentence = "148 non-members cannot show a false-positive rate below 2.7 %.".to_owned();
    tpr.severity = Severity::VeryLow;
    tpr.standing = Standing::Insufficient {
        reason: "148 non-members cannot show a false-positive rate below 2.7 %.".to_owned(),
        needed: "1,000 would.".to_owned(),
    };
    tpr.evidence = vec![roc("At no false-positive rate does the attack do better than chance", 0.3, 0.027, 0.2)];
    let mut auc = auc();
    auc.estimate = Some(estimate(0.552, 0.487, 0.615, 148, Method::DelongLogit));
    auc.severity = Severity::VeryLow;
    auc.standing = Standing::Invalid {
        reason:
            "members and non-members can be told apart without the model, so the attack may only see that difference"
                .to_owned(),
    };
    auc.evidence.clear();
    let mut assessment =
        assessment("heart", "Angiographic heart disease, triage study", vec![auc, tpr, k(13.0), uniqueness(0.0)]);
    let data = assessment.data.as_mut().expect("the sample has data");
    (data.members, data.nonmembers, data.patients) = (149, 148, None);
    assessment
}

/// A model and a file that meet every limit.
pub(super) fn passing() -> Assessment {
    let mut tpr = tpr();
    tpr.estimate = Some(estimate(0.0102, 0.0079, 0.0131, 10_000, Method::DistributionFree));
    tpr.severity = Severity::VeryLow;
    tpr.sentence = "An attacker can tell who was in the training data for 1 % of patients while being wrong about 1 % of others, as \
                    by chance."
        .to_owned();
    tpr.evidence = vec![roc("The attack does no better than chance", 0.004, 0.001, 0.05)];
    let mut excess = attribute();
    excess.estimate = Some(estimate(0.004, -0.006, 0.014, 10_000, Method::NewcombePaired));
    excess.severity = Severity::VeryLow;
    assessment("readmission", "30-day readmission, decision support", vec![tpr, excess, k(14.0), uniqueness(0.0)])
}

/// Names that try to break out of the page.
pub(super) fn hostile() -> Assessment {
    let evil = "<script>alert(1)</script>\"'&`</style></svg>{{ 7 }}";
    let mut assessment = failing();
    assessment.name = evil.to_owned();
    assessment.purpose = evil.to_owned();
    assessment.requested_by = evil.to_owned();
    assessment.warnings = vec![evil.to_owned()];
    for finding in &mut assessment.findings {
        finding.scope = evil.to_owned();
        finding.sentence = evil.to_owned();
        finding.limits = vec![evil.to_owned()];
        finding.settings = vec![(evil.to_owned(), evil.to_owned())];
        finding.evidence.push(Evidence::Bars {
            title: evil.to_owned(),
            axis: evil.to_owned(),
            bars: vec![Bar { label: evil.to_owned(), value: 0.5 }],
        });
    }
    let digest = serde_json::from_value(serde_json::Value::String(evil.to_owned())).expect("a digest is text");
    let model = assessment.model.as_mut().expect("the sample has a model");
    model.digest = digest;
    model.file = evil.to_owned();
    let data = assessment.data.as_mut().expect("the sample has data");
    data.columns[0].name = evil.to_owned();
    data.classes[0].0 = evil.to_owned();
    assessment.skipped[0].reason = evil.to_owned();
    assessment
}

fn assessment(name: &str, purpose: &str, mut findings: Vec<Finding>) -> Assessment {
    findings.push(nobody_singled_out());
    findings.extend(clean_file());
    let policy = Policy::profile("hipaa").expect("a built-in profile");
    let (verdict, judgements) = judge(&findings, &skipped(), &policy);
    Assessment {
        schema_version: SCHEMA_VERSION,
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        stage: Stage::Release,
        requested_by: "privacy office".to_owned(),
        verdict,
        judgements,
        findings,
        methods: Vec::new(),
        skipped: skipped(),
        warnings: vec!["`weight` is empty in 97 % of the rows and was left out of the quasi-identifiers.".to_owned()],
        certificate: None,
        inferred: vec![
            Inference {
                setting: "[model] task".to_owned(),
                value: "classification".to_owned(),
                from: "the output `output_probability` is a list of maps".to_owned(),
            },
            Inference {
                setting: "[model] classes".to_owned(),
                value: "NO, YES".to_owned(),
                from: "the ZipMap's keys".to_owned(),
            },
        ],
        model: Some(model()),
        data: Some(data()),
        inputs: inputs(),
        policy: policy_summary(&policy),
        seed: 20_261_121,
        program: Program {
            version: "0.1.0".to_owned(),
            runtime_version: "1.23.2".to_owned(),
            runtime_digest: Some(Digest::of_bytes(b"runtime")),
        },
        envelope: Envelope {
            started: 1_795_219_200,
            seconds: vec![("load".to_owned(), 0.31), ("membership/threshold".to_owned(), 2.84)],
            threads: 2,
            platform: "linux x86_64".to_owned(),
            runtime_path: "/usr/lib/libonnxruntime.so.1.23.2".to_owned(),
            record_evidence: None,
        },
    }
}

fn skipped() -> Vec<Skipped> {
    let skip = |check: &str, reason: &str, remedy: &str| Skipped {
        check: check.to_owned(),
        reason: reason.to_owned(),
        remedy: remedy.to_owned(),
        measures: Vec::new(),
    };
    vec![
        skip(
            "membership/likelihood-ratio",
            "no reference models were given",
            "Name at least 16 models trained without the members under `[references]`.",
        ),
        skip("membership/transfer", "there is no shadow model with records of its own", ""),
    ]
}

fn model() -> ModelSummary {
    ModelSummary {
        file: "overfit.onnx".to_owned(),
        digest: Digest::of_bytes(b"model"),
        bytes: 6_412_008,
        producer: "skl2onnx 1.19.1".to_owned(),
        opsets: vec!["ai.onnx 14".to_owned(), "ai.onnx.ml 3".to_owned()],
        inputs: ["race", "gender", "age", "time_in_hospital", "diag_1"]
            .map(|name| format!("{name}: text [N, 1]"))
            .to_vec(),
        outputs: vec!["output_label: text".to_owned(), "output_probability: list of maps".to_owned()],
        operators: vec![
            ("TreeEnsembleClassifier".to_owned(), 1),
            ("ZipMap".to_owned(), 1),
            ("LabelEncoder".to_owned(), 31),
        ],
        metadata_keys: Vec::new(),
        task: "classification".to_owned(),
        classes: vec!["NO".to_owned(), "YES".to_owned()],
        accuracy_members: Some(estimate(0.9987, 0.9977, 0.9993, 10_000, Method::Wilson)),
        accuracy_nonmembers: Some(estimate(0.6146, 0.605, 0.6241, 10_000, Method::Wilson)),
        label_agreement: Some(estimate(0.9996, 0.9992, 0.9998, 20_000, Method::Wilson)),
        queries: 1_020_000,
    }
}

fn data() -> DataSummary {
    let column =
        |name: &str, role: &str, kind: &str, distinct: usize, missing: usize, input: Option<&str>| ColumnSummary {
            name: name.to_owned(),
            role: role.to_owned(),
            kind: kind.to_owned(),
            distinct,
            missing: Count::of(missing),
            input: input.map(str::to_owned),
        };
    DataSummary {
        members: 10_000,
        nonmembers: 10_000,
        patients: Some((7_013, 6_991)),
        target: "readmitted".to_owned(),
        columns: vec![
            column("encounter_id", "identifier", "integer", 20_000, 0, None),
            column("patient_nbr", "patient", "integer", 14_004, 0, None),
            column("race", "quasi-identifier", "text", 6, 442, Some("race")),
            column("gender", "quasi-identifier", "text", 2, 0, Some("gender")),
            column("age", "quasi-identifier", "text", 10, 0, Some("age")),
            column("diag_1", "sensitive", "text", 612, 4, Some("diag_1")),
            column("time_in_hospital", "feature", "integer", 14, 0, Some("time_in_hospital")),
            column("readmitted", "target", "text", 2, 0, None),
        ],
        classes: vec![
            ("NO".to_owned(), Count::of(5_340), Count::of(5_338)),
            ("YES".to_owned(), Count::of(4_660), Count::of(4_662)),
        ],
    }
}

fn inputs() -> Vec<InputFile> {
    let file = |role: &str, file: &str, bytes: u64| InputFile {
        role: role.to_owned(),
        file: file.to_owned(),
        sha256: Digest::of_bytes(file.as_bytes()),
        bytes,
    };
    vec![
        file("plan", "readmission.toml", 812),
        file("model", "overfit.onnx", 6_412_008),
        file("members", "members.parquet", 402_113),
        file("nonmembers", "nonmembers.parquet", 401_870),
    ]
}

fn policy_summary(policy: &Policy) -> PolicySummary {
    let limits = policy.limits.iter().map(|limit| LimitSummary {
        measure: limit.measure.clone(),
        limit: limit.limit,
        reason: limit.reason.clone(),
        origin: "profile".to_owned(),
    });
    PolicySummary { profile: policy.profile.clone(), undetermined: "fail".to_owned(), limits: limits.collect() }
}
