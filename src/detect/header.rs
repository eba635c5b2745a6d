//! What the name of a column says.

use super::tokens;

/// What a column may be said to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concept {
    GivenName,
    Surname,
    FullName,
    /// Somebody, who may be told by name or by number.
    Person,
    Street,
    City,
    County,
    Zip,
    Latitude,
    Longitude,
    Census,
    Geohash,
    State,
    Date,
    BirthDate,
    BirthYear,
    Age,
    DatePart,
    Phone,
    Fax,
    Email,
    Ssn,
    SsnEnd,
    Record,
    Plan,
    Account,
    Licence,
    Vehicle,
    Plate,
    Device,
    Url,
    Ip,
    Biometric,
    Photo,
    Code,
    Notes,
    Occupation,
    /// A coding system, a version: what looks like an identifier is none.
    Coding,
}

/// Phrases of column names, separated by `|`.
const LEXICON: &[(Concept, &str)] = &[
    (
        Concept::GivenName,
        "first name|given name|middle name|forename|fname|given|firstname|nickname|preferred name|mname|\
         first nm|name first|nm first|given nm|middle nm|name middle",
    ),
    (
        Concept::Surname,
        "last name|surname|family name|maiden name|lname|maiden|lastname|mothers maiden name|alias|\
         last nm|name last|nm last|family nm|maiden nm|sur name",
    ),
    (
        Concept::FullName,
        "full name|patient name|pt name|provider name|physician name|doctor name|guardian name|contact name|next of kin|\
         spouse name|mother name|father name|insured name|subscriber name|person name|emergency contact|member name|\
         relative name|employee name|name of patient|client name|surgeon name|nurse name|guarantor name",
    ),
    (
        Concept::Person,
        "physician|doctor|surgeon|nurse|guardian|spouse|attending|clinician|therapist|next of kin|relative",
    ),
    (
        Concept::Street,
        "street|address|addr|street address|address line|home address|residence|mailing address|address 1|address 2|\
         apartment|po box|street name|postal address",
    ),
    (Concept::City, "city|town|municipality|village|suburb|borough|birthplace|place of birth|hometown|locality"),
    (Concept::County, "county|precinct|neighborhood|neighbourhood|county name"),
    (Concept::Zip, "zip|zipcode|zip code|postal code|postcode|post code|postal|plz|zip 5|zip 3|zip 4|zcta"),
    (Concept::Latitude, "lat|latitude"),
    (Concept::Longitude, "lon|lng|long|longitude"),
    (Concept::Census, "fips|census tract|tract|block group|census block|geoid|county fips|cbg|fips code"),
    (Concept::Geohash, "geohash|plus code|geocode|coordinates|gps|gps location|coords|coordinate"),
    (Concept::State, "state|province|territory|state code|state name|country|region|state fips|nation|native country"),
    (
        Concept::Date,
        "date|dt|timestamp|datetime|date time|dod|dos|appointment|admitted|discharged|admittime|dischtime|charttime|deathtime|\
         starttime|endtime|created at|updated at|collected at|admit time|discharge time|death time|recorded at|appt",
    ),
    (Concept::BirthDate, "dob|birth date|date of birth|birthdate|birthday|born|birth dt|birth|patient dob"),
    (Concept::BirthYear, "birth year|year of birth|yob|birthyear|born year"),
    (Concept::Age, "age|ages|aged|age group|age grp|age band|age range|age category|age cat|age bracket"),
    (
        Concept::DatePart,
        "week|weekday|day of week|quarter|month|dow|day of month|admission month|month of birth|birth month",
    ),
    (
        Concept::Phone,
        "phone|telephone|tel|mobile|cell|phone number|contact number|cellphone|cell phone|home phone|work phone|pager|\
         mobile number|phone no|callback number|telephone number|contact",
    ),
    (Concept::Fax, "fax|fax number|facsimile|telefax|fax no"),
    (Concept::Email, "email|e mail|mail|email address|mail address|e mail address"),
    (
        Concept::Ssn,
        "ssn|social security|social security number|soc sec|social|itin|tax id|taxpayer id|ss number|soc sec id",
    ),
    (Concept::SsnEnd, "ssn last 4|ssn 4|last 4 ssn|last 4|last four|ssn last four|last four ssn"),
    (
        Concept::Record,
        "mrn|medical record|medical record number|medical record no|medrec|med rec|chart|chart number|chart no|patient id|\
         patient number|patient nbr|patient no|pat id|pt id|emr|emr id|ehr id|epic id|enc id|encounter id|encounter number|\
         csn|visit id|visit number|hadm id|subject id|hospital number|accession|accession number|person id|patid|pid|\
         rec id|record id|record number|specimen id|sample id|icustay id|stay id|empi|participant id|case number|case id|\
         person source value|person key|patient key|admission id|episode id|hospital id number|medical record num",
    ),
    (
        Concept::Plan,
        "mbi|hicn|medicare id|medicare number|medicaid id|medicaid number|member id|member number|member no|subscriber id|\
         subscriber number|policy number|policy no|policy|beneficiary|beneficiary id|bene id|insurance id|insurance number|\
         health plan number|health plan id|group number|plan id|plan number|membership number|insurance policy|subscriber no",
    ),
    (
        Concept::Account,
        "account|account number|account no|acct|acct no|acct number|iban|card number|credit card|credit card number|card no|\
         cc number|claim id|claim number|claim no|invoice|invoice number|invoice no|bill number|bank account|\
         routing number|aba|bank account number|billing account",
    ),
    (
        Concept::Licence,
        "license|licence|license number|licence number|driver license|drivers license|dl number|certificate number|\
         certificate|cert no|cert|permit number|registration number|passport|passport number|dea|dea number|npi|provider npi|\
         npi number|license no|medical license|driver licence|certificate no",
    ),
    (Concept::Vehicle, "vin|vehicle|vehicle id|vehicle identification number|vin number"),
    (
        Concept::Plate,
        "plate|license plate|licence plate|plate number|registration plate|tag number|number plate|plate no",
    ),
    (
        Concept::Device,
        "serial|serial number|serial no|device id|device serial|device serial number|device|udi|imei|mac|mac address|implant|\
         implant serial|equipment id|device identifier|device sn|pacemaker serial|serial num|implant id",
    ),
    (Concept::Url, "url|website|web site|web|link|homepage|profile url|web address|portal link|uri|web page"),
    (Concept::Ip, "ip|ip address|ip addr|ipaddress|client ip|host|source ip|remote addr|login ip|ipv4|ipv6"),
    (
        Concept::Biometric,
        "fingerprint|finger print|voiceprint|voice print|iris scan|retina scan|face embedding|face emb|faceprint|biometric|\
         biometric id|palm print|face template|fingerprint template|voice embedding|face vector|retinal scan|iris code",
    ),
    (
        Concept::Photo,
        "photo|photograph|face image|face photo|headshot|portrait|selfie|picture|avatar|face|patient photo|photo path|\
         photo url|id photo|photo file|facial image|profile picture",
    ),
    (
        Concept::Code,
        "id|uuid|guid|key|token|hash|identifier|uid|pseudonym|pseudo id|barcode|tracking number|username|user name|\
         user id|login|handle|reference number|study id|record key|hashed id|pseudo|link key|unique id|badge number",
    ),
    (
        Concept::Notes,
        "note|notes|comment|comments|narrative|free text|text|history|remarks|report|message|clinical note|hpi",
    ),
    (Concept::Occupation, "occupation|job|job title|title|employer|profession|job position"),
    (
        Concept::Coding,
        "version|release|build|cpt|loinc|icd|snomed|procedure code|oid|diag|drg|ndc|hcpcs|diagnosis|cpt code|software version|\
         firmware|model|test code|lab code|icd code|diagnosis code|rxnorm|icd 10|icd 9|revision|part number",
    ),
];

/// Words at the beginning or the end of a name that say that something is counted, graded or measured.
const MEASURED: &[&str] = &[
    "count",
    "counts",
    "total",
    "flag",
    "is",
    "has",
    "had",
    "type",
    "status",
    "category",
    "score",
    "rate",
    "ratio",
    "pct",
    "percent",
    "mean",
    "avg",
    "level",
    "duration",
    "los",
    "days",
    "hours",
    "minutes",
    "seconds",
    "interval",
    "disposition",
    "source",
    "specialty",
    "amount",
    "cost",
    "price",
    "weight",
    "height",
    "index",
    "change",
    "changed",
    "result",
    "grade",
];

/// Those of them that also stand beside the number of a record: where it came from, what became of it.
const BESIDE: &[&str] =
    &["source", "status", "type", "category", "index", "change", "changed", "result", "flag", "is", "has"];

/// What a name says, and how plainly.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    /// Concepts with log odds: 4 for the words themselves, 2 for words one letter off.
    said: Vec<(Concept, f64)>,
    /// Whether the name speaks of a count, grade or measurement.
    pub(super) measured: bool,
    /// Whether it does so by words that also stand beside record numbers: the source, the status.
    pub(super) of_a_kind: bool,
    /// The words.
    pub(super) tokens: Vec<String>,
}

/// Log odds of the words themselves and of words one letter off.
pub(super) const EXACT: f64 = 4.0;
const CLOSE: f64 = 2.0;

impl Header {
    pub(super) fn of(name: &str) -> Self {
        let tokens = tokens(name);
        let mut found: Vec<(Concept, f64, usize, usize)> = Vec::new();
        for (concept, phrases) in LEXICON {
            for phrase in phrases.split('|') {
                let wanted: Vec<&str> = phrase.split(' ').collect();
                found.extend(place(&tokens, &wanted).map(|(odds, from, to)| (*concept, odds, from, to)));
            }
        }
        // A longer phrase says more than a word of it: an IP address is no address.
        let inside = |a: &(Concept, f64, usize, usize), b: &(Concept, f64, usize, usize)| {
            b.2 <= a.2 && a.3 <= b.3 && b.3 - b.2 > a.3 - a.2 && b.1 >= a.1
        };
        let mut kept: Vec<(Concept, f64)> =
            found.iter().filter(|a| !found.iter().any(|b| inside(a, b))).map(|f| (f.0, f.1)).collect();
        if tokens == ["name"] || tokens == ["names"] {
            kept.push((Concept::FullName, EXACT));
        }
        kept.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        kept.dedup_by_key(|entry| entry.0);
        let edge = |token: Option<&String>| token.is_some_and(|token| MEASURED.contains(&token.as_str()));
        let numbered = tokens.len() > 1 && matches!(tokens[0].as_str(), "num" | "number" | "n" | "nr" | "no");
        let beside = |token: Option<&String>| token.is_none_or(|t| !edge(Some(t)) || BESIDE.contains(&t.as_str()));
        let of_a_kind = !numbered && beside(tokens.first()) && beside(tokens.last());
        Self { said: kept, measured: numbered || edge(tokens.first()) || edge(tokens.last()), of_a_kind, tokens }
    }

    /// Log odds of a concept, 0 where the name does not speak of it.
    pub(super) fn says(&self, concept: Concept) -> f64 {
        self.said.iter().find(|(said, _)| *said == concept).map_or(0.0, |(_, odds)| *odds)
    }

    /// The most that is said for any of several concepts.
    pub(super) fn says_any(&self, concepts: &[Concept]) -> f64 {
        concepts.iter().map(|concept| self.says(*concept)).fold(0.0, f64::max)
    }

    /// Whether it says nothing that the lexicon knows.
    pub(super) fn is_silent(&self) -> bool {
        self.said.is_empty()
    }
}

/// Where a phrase stands in a name, and how plainly: its words in a row, or run together as the whole name.
fn place(tokens: &[String], wanted: &[&str]) -> Option<(f64, usize, usize)> {
    let glued: String = wanted.concat();
    let whole: String = tokens.concat();
    if glued == whole {
        return Some((EXACT, 0, tokens.len()));
    }
    let mut best: Option<(f64, usize, usize)> = None;
    for (at, window) in tokens.windows(wanted.len()).enumerate() {
        let exact = window.iter().zip(wanted).all(|(token, word)| token == word);
        let close = || window.iter().zip(wanted).all(|(token, word)| token == word || near(token, word));
        let odds = if exact {
            EXACT
        } else if close() {
            CLOSE
        } else {
            continue;
        };
        if best.is_none_or(|(known, ..)| odds > known) {
            best = Some((odds, at, at + wanted.len()));
        }
    }
    best.or_else(|| near(&whole, &glued).then_some((CLOSE, 0, tokens.len())))
}

/// Whether two words of five letters and more are one insertion, deletion or exchange apart.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() < 5 || b.len() < 5 || a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (&a[same..], &b[same..]);
    match (rest_a, rest_b) {
        ([x, y, tail_a @ ..], [v, w, tail_b @ ..]) if x == w && y == v && tail_a == tail_b => true,
        ([_, tail_a @ ..], [_, tail_b @ ..]) if a.len() == b.len() => tail_a == tail_b,
        ([_, tail @ ..], other) if a.len() > b.len() => tail == other,
        (other, [_, tail @ ..]) => tail == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Concept::*;
    use super::*;

    #[test]
    fn names_of_columns_are_read() {
        let cases: [(&str, Concept, f64); 28] = [
            ("patientID", Record, 4.0),
            ("patient_nbr", Record, 4.0),
            ("PatientNbr", Record, 4.0),
            ("zipcode", Zip, 4.0),
            ("ZIP", Zip, 4.0),
            ("zip_code_home", Zip, 4.0),
            ("adress", Street, 2.0),
            ("DateOfBirth", BirthDate, 4.0),
            ("dob", BirthDate, 4.0),
            ("ip_address", Ip, 4.0),
            ("ip_address", Street, 0.0),
            ("email_address", Street, 0.0),
            ("license_plate", Licence, 0.0),
            ("license_plate", Plate, 4.0),
            ("age", Age, 4.0),
            ("agegroup", Age, 4.0),
            ("stage", Age, 0.0),
            ("page", Age, 0.0),
            ("wage", Age, 0.0),
            ("drug_name", FullName, 0.0),
            ("name", FullName, 4.0),
            ("ssn_last4", SsnEnd, 4.0),
            ("surnmae", Surname, 2.0),
            ("LAST_NM", Surname, 4.0),
            ("PAT_FIRST_NM", GivenName, 4.0),
            ("NAME_LAST", Surname, 4.0),
            ("person_source_value", Record, 4.0),
            ("cpt_code", Coding, 4.0),
        ];
        for (name, concept, odds) in cases {
            assert_eq!(Header::of(name).says(concept), odds, "{name} {concept:?}");
        }
        assert!(Header::of("num_lab_procedures").measured && Header::of("discharge_disposition_id").tokens.len() == 3);
        assert!(Header::of("x7").is_silent());
    }
}
