"""Precision and recall of `privet scan` by item of the Safe Harbor list, beside Presidio's, on labelled columns.

Columns come from real tables and from Faker, with missing and mistyped cells, under telling names, short names and names
that say nothing. Half of them (by a seeded draw) were used to tune the weights, the other half was not; both are printed.
Presidio sees the same cells, each with the name of its column as context; a column is what most of its cells are.

    python benches/identifiers.py --data RAW --work WORK --privet target/release/privet [--no-presidio]

Needs faker, pandas and, unless told otherwise, presidio-analyzer.
"""

import base64
import collections
import hashlib
import io
import json
import random
import string
import subprocess
import time
import uuid

import pandas as pd
from common import arguments, checked, print_table, raw_bytes
from faker import Faker

ROWS = 300
LETTERS = "ABCDEFGHIJKLMNOPQR"

fake = Faker("en_US")


def digits(n):
    return "".join(random.choice(string.digits) for _ in range(n))


def luhn(body, start=0):
    """The body with its check digit."""
    total = start
    for at, c in enumerate(reversed(body)):
        d = int(c) * (2 if at % 2 == 0 else 1)
        total += d // 10 + d % 10
    return body + str(-total % 10)


def vin():
    letters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
    value = {c: int(c) for c in string.digits}
    value |= dict(zip("ABCDEFGH", range(1, 9))) | dict(zip("JKLMN", range(1, 6))) | {"P": 7, "R": 9}
    value |= dict(zip("STUVWXYZ", range(2, 10)))
    text = [random.choice(letters) for _ in range(17)]
    text[8] = "0"
    rest = sum(value[c] * w for c, w in zip(text, [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2])) % 11
    text[8] = "X" if rest == 10 else str(rest)
    return "".join(text)


def mbi():
    letter = lambda: random.choice("ACDEFGHJKMNPQRTUVWXY")
    either = lambda: random.choice("0123456789ACDEFGHJKMNPQRTUVWXY")
    d = lambda: random.choice(string.digits)
    return random.choice("123456789") + letter() + either() + d() + letter() + either() + d() + letter() + letter() + d() + d()


def dea():
    body = digits(6)
    check = sum(int(body[i]) for i in (0, 2, 4)) + 2 * sum(int(body[i]) for i in (1, 3, 5))
    return random.choice("ABFM") + random.choice(string.ascii_uppercase) + body + str(check % 10)


def aba():
    while True:
        body = f"{random.randint(1, 12):02}" + digits(6)
        total = sum(int(c) * w for c, w in zip(body, (3, 7, 1) * 3))
        return body + str(-total % 10)


def gtin():
    body = "0" + digits(12)
    return body + str(-sum(int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(body)) % 10)


def birth(form):
    return lambda: fake.date_of_birth(minimum_age=0, maximum_age=95).strftime(form)


def note():
    return random.choice([
        f"Pt {fake.name()} seen {fake.date()} for follow-up, stable.",
        f"Called {fake.numerify('(2##) 4##-####')} to confirm the next visit with family.",
        f"Daughter {fake.name()} will bring the patient in next week.",
        f"Discussed results by mail to {fake.email()} as agreed with the patient.",
        "No acute distress, vitals stable, continue current medication.",
    ])  # fmt: skip


def numbers(low, high):
    return lambda: str(random.randint(low, high))


def jpeg():
    return base64.b64encode(b"\xff\xd8\xff\xe0\x00\x10JFIF" + random.randbytes(60)).decode()


# item, kind, generator, telling names, whether the values tell without a name
GENERATED = [
    ("A", "given", fake.first_name, ["first_name", "GivenName", "fname"], True),
    ("A", "surname", fake.last_name, ["last_name", "surname", "PatLastName"], True),
    ("A", "full", fake.name, ["patient_name", "name", "ProviderName"], True),
    ("A", "last, first", lambda: f"{fake.last_name()}, {fake.first_name()}", ["full_name", "guardian_name", "emergency_contact"], True),
    ("B", "zip", lambda: random.choice(ZIPS), ["zip", "ZipCode", "postal_code"], True),
    ("B", "zip as number", lambda: str(int(random.choice(ZIPS))), ["zip", "home_zip", "PostalCode"], False),
    ("B", "zip+4", lambda: random.choice(ZIPS) + "-" + digits(4), ["zip4", "zip_code"], True),
    ("B", "street", fake.street_address, ["street_address", "addr1", "HomeAddress"], True),
    ("B", "city", fake.city, ["city", "Town", "birthplace"], False),
    ("B", "county", lambda: fake.last_name() + " County", ["county", "CountyName"], False),
    ("B", "latitude", lambda: f"{random.uniform(25, 49):.5f}", ["latitude", "home_lat"], False),
    ("B", "longitude", lambda: f"{random.uniform(-124, -67):.5f}", ["longitude", "lng"], False),
    ("B", "tract", lambda: digits(11), ["census_tract", "tract", "geoid"], False),
    ("C", "iso", birth("%Y-%m-%d"), ["dob", "BirthDate", "admit_date"], True),
    ("C", "us", birth("%m/%d/%Y"), ["date_of_birth", "service_date"], True),
    ("C", "eu", birth("%d.%m.%Y"), ["discharge_date", "visit_dt"], True),
    ("C", "compact", birth("%Y%m%d"), ["dob", "proc_date"], True),
    ("C", "letters", birth("%d-%b-%Y"), ["date_of_death", "onset_date"], True),
    ("C", "stamp", birth("%Y-%m-%dT%H:%M:%S"), ["charttime", "created_at"], True),
    ("C", "hl7", birth("%Y%m%d%H%M%S"), ["obs_datetime", "timestamp"], True),
    ("C", "month", birth("%b %Y"), ["admission_date", "birth_date"], True),
    ("C", "serial", numbers(25000, 46000), ["date", "AdmitDate"], False),
    ("C", "epoch", numbers(900_000_000, 1_750_000_000), ["timestamp", "event_ts_date"], False),
    ("C", "age", numbers(0, 101), ["age", "AgeYears", "age_at_visit"], False),
    ("C", "birth year", numbers(1925, 2020), ["birth_year", "yob"], False),
    ("D", "formatted", lambda: fake.numerify("(2##) 3##-####"), ["phone", "HomePhone"], True),
    ("D", "faker", fake.phone_number, ["mobile", "contact_number"], True),
    ("D", "digits", lambda: "3" + digits(2).replace("11", "12") + "4" + digits(6), ["telephone", "cell_phone"], False),
    ("E", "formatted", lambda: fake.numerify("6##-2##-####"), ["fax", "FaxNumber", "clinic_fax"], False),
    ("F", "email", fake.email, ["email", "EmailAddress", "contact_mail"], True),
    ("G", "dashed", fake.ssn, ["ssn", "SocialSecurity", "patient_ssn"], True),
    ("G", "digits", lambda: fake.ssn().replace("-", ""), ["ssn", "SSN_nbr"], False),
    ("G", "last four", lambda: digits(4), ["ssn_last4", "last4"], False),
    ("H", "number", lambda: digits(8), ["mrn", "MedRecNo", "chart_number"], False),
    ("H", "prefix", lambda: "MR" + digits(7), ["patient_id", "PatientID"], False),
    ("H", "encounter", lambda: str(random.randint(10**8, 10**9)), ["encounter_id", "csn"], False),
    ("I", "mbi", mbi, ["mbi", "MedicareNumber"], True),
    ("I", "member", lambda: "W" + digits(9), ["member_id", "policy_number", "SubscriberID"], False),
    ("J", "iban", fake.iban, ["iban", "bank_acct"], True),
    ("J", "card", lambda: fake.credit_card_number("visa16"), ["card_number", "CreditCard"], True),
    ("J", "account", lambda: digits(10), ["account_number", "acct_no", "invoice_no"], False),
    ("J", "routing", aba, ["routing_number", "aba"], True),
    ("K", "npi", lambda: luhn("1" + digits(8), 24), ["npi", "ProviderNPI"], True),
    ("K", "dea", dea, ["dea_number", "dea"], True),
    ("K", "licence", lambda: random.choice("ABCDE") + digits(7), ["driver_license", "license_no"], False),
    ("L", "vin", vin, ["vin", "vehicle_vin"], True),
    ("L", "plate", lambda: fake.bothify("???-####").upper(), ["license_plate", "plate_number"], False),
    ("M", "imei", lambda: luhn(digits(14)), ["imei", "device_imei"], True),
    ("M", "mac", fake.mac_address, ["mac_address", "mac"], True),
    ("M", "serial", lambda: fake.bothify("??######").upper(), ["device_serial", "SerialNumber"], False),
    ("M", "udi", lambda: f"(01){gtin()}(21){digits(6)}", ["udi", "implant_udi"], True),
    ("N", "url", fake.url, ["url", "website", "profile_url"], True),
    ("N", "bare", lambda: f"{fake.domain_name()}/{fake.slug()}", ["link", "web_page"], True),
    ("O", "ipv4", fake.ipv4_public, ["ip_address", "client_ip"], True),
    ("O", "ipv6", fake.ipv6, ["ip", "source_ip"], True),
    ("P", "template", lambda: "Rk1SACAyMAAA" + base64.b64encode(random.randbytes(30)).decode(), ["fingerprint_template", "biometric_id"], True),
    ("P", "vector", lambda: str([round(random.gauss(0, 1), 3) for _ in range(128)]), ["face_embedding", "voiceprint"], True),
    ("Q", "base64", jpeg, ["photo", "face_image"], True),
    ("Q", "path", lambda: f"photos/{digits(6)}.jpg", ["patient_photo", "photo_file"], True),
    ("R", "uuid", lambda: str(uuid.UUID(int=random.getrandbits(128), version=4)), ["uuid", "record_key"], True),
    ("R", "sha256", lambda: hashlib.sha256(random.randbytes(8)).hexdigest(), ["hashed_id", "token"], True),
    ("R", "base64", lambda: base64.b64encode(random.randbytes(18)).decode(), ["link_key", "guid"], False),
    ("free", "notes", note, ["note", "comments", "history"], True),
]  # fmt: skip

HARMLESS = [
    ("cpt", numbers(10004, 99607), ["cpt_code", "procedure_code"]),
    ("loinc", lambda: f"{random.randint(1000, 99999)}-{random.randint(0, 9)}", ["loinc", "lab_code"]),
    ("icd", lambda: random.choice("EIJKMZ") + digits(2) + "." + digits(1), ["icd10", "diagnosis"]),
    ("version", lambda: ".".join(str(random.randint(0, 9)) for _ in range(4)), ["software_version", "fw"]),
    ("score", numbers(0, 100), ["score", "pain_index", "stage_score"]),
    ("lab", lambda: f"{random.lognormvariate(1, 0.4):.4f}", ["creatinine", "hba1c", "troponin"]),
    ("cost", lambda: f"{random.lognormvariate(8, 1):.2f}", ["charge_amount", "total_cost"]),
    ("weight", lambda: f"{random.gauss(80, 15):.1f}", ["weight_kg", "BodyWeight"]),
    ("state", lambda: random.choice(["MA", "NY", "CA", "TX", "WA", "VA"]), ["state", "st"]),
    ("state name", fake.state, ["state_name", "residence_state"]),
    ("sex", lambda: random.choice(["F", "M"]), ["sex", "gender"]),
    ("race", lambda: random.choice(["White", "Black", "Asian", "Other", "Brown"]), ["race", "ethnicity"]),
    ("year", numbers(2005, 2024), ["admission_year", "year"]),
    ("zip3", lambda: random.choice(["021", "100", "606", "941", "770"]), ["zip3", "zip"]),
    ("age band", lambda: random.choice(["0-17", "18-44", "45-64", "65-89", "90+"]), ["age_group", "age"]),
    ("age below 90", numbers(0, 89), ["age", "patient_age"]),
    ("duration", numbers(1, 40), ["length_of_stay_days", "time_in_hospital"]),
    ("blood pressure", lambda: f"{random.randint(90, 180)}/{random.randint(50, 110)}", ["bp", "blood_pressure"]),
    ("drug", lambda: random.choice(["metformin", "insulin", "lisinopril", "jordan", "aspirin", "warfarin"]), ["drug_name", "medication"]),
    ("ward", lambda: random.choice(["Mercy", "Grace", "Hope", "Rose", "Chestnut"]), ["ward", "unit"]),
    ("flag", lambda: random.choice(["Yes", "No"]), ["has_phone", "is_deceased", "email_optin_flag"]),
    ("time", lambda: f"{random.randint(0, 23):02}:{random.randint(0, 59):02}", ["time_of_day", "visit_time"]),
    ("platelets", numbers(100000, 450000), ["platelets", "wbc_count"]),
    ("oid", lambda: "2.16.840.1." + digits(6), ["oid", "code_system"]),
    ("specialty", lambda: random.choice(["Cardiology", "Surgery-General", "Family/GeneralPractice", "Nephrology"]), ["medical_specialty", "provider_type"]),
]  # fmt: skip

# Postcodes drawn like people: one prefix for every 20,000 or so, from the populations that privet brings along.
ZIPS = []

REAL = [
    ("diabetes130/diabetic_data.csv", {}, {"encounter_id": "H", "patient_nbr": "H"}),
    ("adult/adult.data", {"names": "age workclass fnlwgt education education-num marital-status occupation relationship race sex "
                          "capital-gain capital-loss hours-per-week native-country income".split(), "skipinitialspace": True}, {"age": "?"}),
    ("heart_uci/processed.cleveland.data", {"sep": ";"}, {}),
    ("pycanon/healthcare-dataset-stroke-data.csv", {}, {"id": "R"}),
    ("attribute/GSS_15235.csv", {}, {}),
    ("sdcmicro/testdata.csv", {}, {"age": "?"}),
    ("febrl/dataset4a.csv", {"skipinitialspace": True}, {"rec_id": "H", "given_name": "A", "surname": "A", "address_1": "B", "address_2": "B",
                             "suburb": "B", "postcode": "B", "date_of_birth": "C", "soc_sec_id": "G", "street_number": "?"}),
]  # fmt: skip


def postcodes():
    import pathlib
    import tomllib

    tables = pathlib.Path(__file__).resolve().parent.parent / "src" / "detect" / "tables" / "zip3.toml"
    words = tomllib.loads(tables.read_text())["census-2020"]["populations"].split()
    prefixes, people = words[::2], [int(n) for n in words[1::2]]
    return [prefix + digits(2) for prefix in random.choices(prefixes, people, k=4000)]


def noisy(cell):
    """Three cells in a hundred are missing, three are mistyped."""
    draw = random.random()
    if draw < 0.03:
        return random.choice(["", "NA", "?", "unknown"])
    if draw < 0.06 and len(cell) > 3:
        at = random.randrange(len(cell))
        return cell[:at] + random.choice(string.ascii_lowercase + string.digits) + cell[at + 1 :]
    return cell


def columns():
    """(name, cells, item or None, half, kind): every generator under each of its names and under one that says nothing."""
    found = []
    for item, kind, make, names, telling in GENERATED:
        blind = [f"x{random.randint(1, 99)}"] if telling else []
        for name in names + blind:
            found.append((name, [noisy(make()) for _ in range(ROWS)], item, kind))
    for kind, make, names in HARMLESS:
        for name in [*names, f"v{random.randint(1, 99)}"]:
            found.append((name, [noisy(make()) for _ in range(ROWS)], None, kind))
    random.shuffle(found)
    half = ["tuning", "held out"] * (len(found) // 2 + 1)
    return [(*column, half[at]) for at, column in enumerate(found)]


def real(data):
    for file, options, labels in REAL:
        table = pd.read_csv(io.BytesIO(raw_bytes(data, file)), dtype=str, keep_default_na=False, **options)
        table.columns = [name.strip() for name in table.columns]
        table = table.sample(min(len(table), 2000), random_state=1)
        for name in table.columns:
            label = labels.get(name)
            if label != "?":
                half = "tuning" if hashlib.sha256(f"{file}{name}".encode()).digest()[0] % 2 else "held out"
                yield (name, table[name].tolist(), label, file.split("/")[0], half)


def scan(found, privet, work):
    """What privet says of each column: letter and class; all columns of a file with names of their own."""
    said, outputs, seconds = {}, [], 0.0
    groups = collections.defaultdict(list)
    for at, column in enumerate(found):
        # One name stands once in a file; columns of the same length share files, few at a time.
        group = 0
        while any(found[other][0] == column[0] for other in groups[len(column[1]), group]) or len(groups[len(column[1]), group]) >= 12:
            group += 1
        groups[len(column[1]), group].append(at)
    for (length, group), members in groups.items():
        path = work / f"columns-{length}-{group}.csv"
        pd.DataFrame({found[at][0]: found[at][1] for at in members}).to_csv(path, index=False)
        start = time.perf_counter()
        done = subprocess.run([privet, "scan", path, "--json", "--exit-zero", "-v"], capture_output=True, text=True)
        seconds += time.perf_counter() - start
        text = subprocess.run([privet, "scan", path, "--exit-zero", "-v"], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        outputs.append((members, done.stdout + done.stderr + text.stdout + text.stderr))
        by_name = {column["column"]: column for column in json.loads(done.stdout)["columns"]}
        for at in members:
            column = by_name[found[at][0]]
            said[at] = (column["letter"] if column["class"] != "clear" else None, column["class"], column["rule"])
    return said, outputs, seconds


def leaks(found, outputs):
    """Cells of identifying columns that stand in an output of the file they are in."""
    shown = 0
    for members, text in outputs:
        for at in members:
            if found[at][2] is None:
                continue
            for cell in set(found[at][1]):
                if len(cell) >= 6 and not cell.isalpha() and cell in text:
                    shown += 1
    return shown


ENTITIES = {
    "PERSON": "A", "LOCATION": "B", "DATE_TIME": "C", "PHONE_NUMBER": "D", "EMAIL_ADDRESS": "F", "US_SSN": "G", "US_ITIN": "G",
    "US_MBI": "I", "IBAN_CODE": "J", "CREDIT_CARD": "J", "US_BANK_NUMBER": "J", "ABA_ROUTING_NUMBER": "J", "CRYPTO": "J",
    "US_DRIVER_LICENSE": "K", "MEDICAL_LICENSE": "K", "US_NPI": "K", "US_PASSPORT": "K", "MAC_ADDRESS": "M", "URL": "N",
    "IP_ADDRESS": "O", "UUID": "R",
}  # fmt: skip


def presidio(found, cells=60):
    """Presidio's letter of each column: what at least half of the sampled cells are, with the name of the column as context."""
    import logging

    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider, SpacyNlpEngine

    logging.disable(logging.WARNING)
    if spacy.util.is_package("en_core_web_sm"):
        settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_sm"}]}
        engine, with_names = NlpEngineProvider(nlp_configuration=settings).create_engine(), True
    else:
        engine, with_names = SpacyNlpEngine(), False
        engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
    said, start = {}, time.perf_counter()
    for at, (name, values, *_) in enumerate(found):
        present = [cell for cell in values if cell not in ("", "NA", "?", "unknown")][:cells]
        words = [word for word in "".join(c if c.isalnum() else " " for c in name).split()]
        votes = collections.Counter()
        for cell in present:
            results = analyzer.analyze(text=cell, language="en", context=words, score_threshold=0.4)
            best = max(results, key=lambda r: r.score, default=None)
            if best and best.entity_type in ENTITIES:
                votes[ENTITIES[best.entity_type]] += 1
        letter, count = votes.most_common(1)[0] if votes else (None, 0)
        said[at] = letter if count * 2 >= max(len(present), 1) else None
    return said, with_names, time.perf_counter() - start


def right(label, letter):
    """Free text is right as anything that is flagged."""
    return letter is not None if label == "free" else letter == label


def table(found, half, said, others):
    here = [at for at in range(len(found)) if found[at][4] == half]
    rows = []
    for letter in [*LETTERS, "free"]:
        true = [at for at in here if found[at][2] == letter]
        cells = [letter, len(true)]
        for answers in (said, *others):
            hits = sum(right(letter, answers[at]) for at in true)
            flagged = [at for at in here if answers[at] == letter]
            precise = sum(found[at][2] in (letter, "free") for at in flagged)
            cells.append(f"{hits / len(true):.2f}" if true else "-")
            cells.append(f"{precise / len(flagged):.2f}" if flagged and letter != "free" else "-")
        rows.append(cells)
    totals = ["any", sum(found[at][2] is not None for at in here)]
    for answers in (said, *others):
        true = [at for at in here if found[at][2] is not None]
        flagged = [at for at in here if answers[at] is not None]
        totals.append(f"{sum(answers[at] is not None for at in true) / len(true):.2f}")
        totals.append(f"{sum(found[at][2] is not None for at in flagged) / max(len(flagged), 1):.2f}")
    rows.append(totals)
    header = ["item", "columns", "recall", "precision"] + ["Presidio recall", "Presidio precision"] * len(others)
    print(f"\n{half}: {len(here)} columns, {len(here) - totals[1]} of them harmless")
    print_table(header, rows)


def main():
    parser = arguments(__doc__)
    parser.add_argument("--no-presidio", action="store_true", help="privet alone")
    parser.add_argument("--faults", choices=["tuning", "held out"], help="list the columns of a half that were judged wrongly")
    options = checked(parser)
    random.seed(20261122)
    Faker.seed(20261122)
    ZIPS.extend(postcodes())
    found = columns() + list(real(options.data))
    said, outputs, seconds = scan(found, options.privet, options.work)
    letters = {at: answer[0] for at, answer in said.items()}
    others = []
    if not options.no_presidio:
        answers, with_names, took = presidio(found)
        others = [answers]
        model = "with en_core_web_sm" if with_names else "patterns only: no language model here, so neither names nor places"
        print(f"Presidio {model}: {took:.0f} s for 60 cells a column; privet: {seconds:.1f} s for all cells")
    for half in ("tuning", "held out"):
        table(found, half, letters, others)
    if options.faults:
        for at, (name, values, label, kind, half) in enumerate(found):
            if half == options.faults and not right(label, letters[at]) and (label or letters[at]):
                print(f"  {name} ({kind}): {label} judged {said[at]}")
    shown = leaks(found, outputs)
    print(f"\ncells of identifying columns in any output: {shown}")
    assert shown == 0


if __name__ == "__main__":
    main()
